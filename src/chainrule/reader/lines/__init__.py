"""The network that reads lines: batches, training on rendered lines, and made ready to read."""
