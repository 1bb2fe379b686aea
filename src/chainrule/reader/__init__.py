"""A network that reads letters: trained on letters of many fonts, applied to lines of text."""
