"""Lines drawn as by a font of another kind: bent, dotted or striped, in outline, worn, heavier."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from chainrule.glyphs.vary import weighted

PAPER = 255
Picture = NDArray[np.uint8]


def restyle(image: Picture, rng: np.random.Generator) -> Picture:
    """Change a dark line on white (height, width) in each of the ways below with a chance of its
    own, so that about half of the lines stay as they are. The shape stays."""
    for chance, change in (
        (0.3, bent),
        (0.08, dotted),
        (0.06, outlined),
        (0.07, worn),
        (0.12, heavier),
    ):
        if rng.random() < chance:
            image = change(image, rng)
    return image


def bent(image: Picture, rng: np.random.Generator) -> Picture:
    """Each pixel from somewhere near, as letters are written by hand: offsets along both axes,
    normal with a standard deviation of 0.4 to 1.6 px at knots 6 to 14 px apart, linear between."""
    height, width = image.shape
    apart, most = rng.uniform(6, 14), rng.uniform(0.4, 1.6)
    knots = int(height / apart) + 3, int(width / apart) + 3
    places = np.indices((height, width), np.float32)
    at = places / apart + rng.uniform(0, 1, (2, 1, 1))
    offsets = rng.normal(0, most, (2, *knots)).astype(np.float32)
    moved = [map_coordinates(offset, at, order=1, mode="nearest") for offset in offsets]
    seen = map_coordinates(image.astype(np.float32), places + moved, order=1, cval=PAPER)
    bent: Picture = seen.round().clip(0, PAPER).astype(np.uint8)
    return bent


def dotted(image: Picture, rng: np.random.Generator) -> Picture:
    """Ink only in rows, in columns, where both cross, or in either; half or more of it goes
    elsewhere. They are 2 to 5 px apart and thinner than that."""
    apart = rng.integers(2, 6)
    thick = rng.integers(1, apart)
    y, x = (np.indices(image.shape) + rng.integers(apart, size=(2, 1, 1))) % apart < thick
    kept = (y, x, y & x, y | x)[rng.integers(4)]
    return _faded(image, ~kept, rng.uniform(0.5, 1))


def outlined(image: Picture, rng: np.random.Generator) -> Picture:
    """The edge of the ink alone, 1 px inside of it or outside."""
    outside = rng.random() < 0.5
    other = np.asarray(weighted(Image.fromarray(image), outside, 1.0))
    edge = image - other if outside else other - image  # never below 0
    return PAPER - edge


def worn(image: Picture, rng: np.random.Generator) -> Picture:
    """Spots of a size of 0.6 to 2 px with 0.6 to 1 of their ink gone, on 4 to 27 % of the area."""
    noise = gaussian_filter(rng.standard_normal(image.shape), rng.uniform(0.6, 2.0))
    return _faded(image, noise > rng.uniform(0.6, 1.8) * noise.std(), rng.uniform(0.6, 1))


def heavier(image: Picture, rng: np.random.Generator) -> Picture:
    """At least 0.4 of each pixel from the darkest of 3x3 around it, or, three times in ten, from
    the lightest."""
    bolder = rng.random() < 0.7
    return np.asarray(weighted(Image.fromarray(image), bolder, rng.uniform(0.4, 1)))


def _faded(image: Picture, where: NDArray[np.bool_], share: float) -> Picture:
    """The picture with this share of the ink gone in some places."""
    left = PAPER - (PAPER - image) * (1 - share)
    return np.where(where, left, image).round().astype(np.uint8)
