"""One file a notebook: what holds each answer against what is right, and says what is not."""
