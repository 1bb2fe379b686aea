"""Photographs: pretrained networks, features, linear classifiers, average precision."""
