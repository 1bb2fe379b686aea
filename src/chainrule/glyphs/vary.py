"""Lines slanted, bolder or lighter, as other fonts would draw them: for training."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

STEEPEST = 0.2  # pixels sideways for a pixel of height
MOST = 0.4  # of the way to the minimum or maximum over 3x3 pixels


def vary(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Give a dark line on white (height, width) another slant and weight, each half of the time.

    The slant is uniform up to STEEPEST to either side, and the picture grows to hold it. For the
    weight a share of each pixel, uniform up to MOST, comes from the darkest (bolder) or the
    lightest (lighter) pixel around it.
    """
    picture = Image.fromarray(image)
    if rng.random() < 0.5:
        picture = _slanted(picture, rng.uniform(-STEEPEST, STEEPEST))
    if rng.random() < 0.5:
        picture = weighted(picture, rng.random() < 0.5, rng.uniform(0, MOST))
    return np.asarray(picture)


def weighted(picture: Image.Image, bolder: bool, share: float) -> Image.Image:
    """A share of each pixel from the darkest (bolder) or the lightest of 3x3 around it."""
    around = ImageFilter.MinFilter(3) if bolder else ImageFilter.MaxFilter(3)
    return Image.blend(picture, picture.filter(around), share)


def _slanted(picture: Image.Image, slant: float) -> Image.Image:
    width, height = picture.size
    grown = width + round(abs(slant) * height)
    # the pixel (x, y) shows what was at (x + slant (y - height / 2) - (grown - width) / 2, y)
    shift = -slant * height / 2 - (grown - width) / 2
    return picture.transform(
        (grown, height),
        Image.Transform.AFFINE,
        (1, slant, shift, 0, 1, 0),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
