"""Dense SIFT descriptors at several scales."""

import cv2
import numpy as np
from jaxtyping import Float32
from PIL import Image

BINS = (4, 6, 8, 12)
"""Widths in pixels of the 4 x 4 bins of a descriptor, one a scale."""

STEP = 8
"""Pixels between descriptors, at every scale."""

LONGEST, SHORTEST = 400, 96
"""Sides in pixels that a picture is brought between."""


def dense_sift(
    image: Image.Image,
) -> tuple[Float32[np.ndarray, "k 128"], Float32[np.ndarray, "k 2"]]:
    """The descriptors of an RGB picture on a grid, and their places (x, y) from 0 to 1.

    Each is brought to sum 1 and its root taken, so that the Euclidean distance between two is the
    Hellinger distance between their histograms of gradients.
    Source: Lowe, Distinctive image features from scale-invariant keypoints, 2004; Arandjelovic and
    Zisserman, Three things everyone should know to improve object retrieval, 2012.
    """
    grey = np.asarray(_sized(image).convert("L"))
    height, width = grey.shape
    points = [
        # OpenCV's bins are 3 times half the point's size wide; angle 0 keeps them upright
        cv2.KeyPoint(float(x), float(y), size=bin_width / 1.5, angle=0.0)
        for bin_width in BINS
        for y in _grid(height, 2 * bin_width)
        for x in _grid(width, 2 * bin_width)
    ]
    found, raw = cv2.SIFT.create().compute(grey, points)
    descriptors = np.asarray(raw, dtype=np.float32)
    descriptors = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-12))
    places = np.array([point.pt for point in found], dtype=np.float32)
    return descriptors, places / np.array([width, height], dtype=np.float32)


def _grid(side: int, margin: int) -> np.ndarray:
    """Places a step apart, centred, whose bins lie inside if there is room for one at all."""
    if side < 2 * margin + 1:
        return np.array([side / 2])
    free = side - 1 - 2 * margin
    return margin + (free % STEP) / 2 + np.arange(0, free + 1, STEP)


def _sized(image: Image.Image) -> Image.Image:
    """Not longer than `LONGEST`; else, if it fits, not shorter than `SHORTEST`."""
    width, height = image.size
    scale = min(LONGEST / max(width, height), max(1.0, SHORTEST / min(width, height)))
    if scale == 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)
