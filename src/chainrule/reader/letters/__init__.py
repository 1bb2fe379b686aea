"""The network that reads single letters: its recipes, its file, and what it makes of a line."""
