"""Reading: characters and lines of text."""
