"""The practical's experiments with blocks: on a picture, folded together, learned by hand."""
