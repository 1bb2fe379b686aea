"""How well lines are read, beside other people's readers."""
