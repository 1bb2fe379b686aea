"""Any picture as the reader takes it: grey, by how its colours differ from its ground or most."""

import os
from collections.abc import Iterable
from typing import TypeGuard

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image

from chainrule.errors import InputError
from chainrule.io.compiled import compiled
from chainrule.io.pictures import PictureSource, open_picture
from chainrule.reader.picture.inks import ALIKE, FLAT

Grey = NDArray[np.uint8]

_PART = 8192  # pixels that are looked at before more are
APART = 3
"""Pixels to the side, about a stroke's width."""
MOST_ALIKE = 8.0
"""Levels of a channel: how far from each other the colours of one ground may lie at most, however
far the furthest colour is. Those of a JPEG file are not quite one."""


def open_grey(source: PictureSource) -> Grey:
    """A path, a file's bytes, a picture of Pillow or an array as grey (height, width).

    It is opened and turned upright by `chainrule.io.pictures.open_picture`; what is transparent is
    laid on the ground on which it can be read. Raises FileError, InputError as that does.
    """
    if _is_grey(source):
        return source
    return grey(open_picture(source, ground="contrast"))


def several(pictures: Iterable[PictureSource]) -> list[PictureSource]:
    """The pictures as a list. Raises InputError if it is one picture, or nothing of the kind."""
    one = isinstance(pictures, str | os.PathLike | bytes | Image.Image) or (
        isinstance(pictures, np.ndarray) and pictures.ndim < 3
    )
    if one or not isinstance(pictures, Iterable):
        kind = type(pictures).__name__
        raise InputError(f"pictures: found one {kind}; expected a list of pictures")
    return list(pictures)


def grey(picture: Image.Image) -> Grey:
    """An RGB picture's shades.

    Where FLAT of its pixels are ALIKE, as on a screen, that is the ground, and a shade is how far a
    colour lies from it: words in any two colours are ink, of which no one direction of colour holds
    both. In other pictures it is the place along the direction in which colours differ most from
    those APART from them, as ink does from what is beside it.
    """
    colours = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    pixels = colours.reshape(-1, 3)
    if _all_grey(pixels):
        return colours[..., 0].copy()
    is_flat, shades = _away(pixels)
    if not is_flat:
        direction = np.linalg.eigh(_edges(pixels))[1][:, -1]
        # brighter stays brighter, where that can be said
        shades = _along(pixels, direction if direction.sum() >= 0 else -direction)
    return np.asarray(shades, np.uint8).reshape(colours.shape[:2])


def _is_grey(source: PictureSource) -> TypeGuard[Grey]:
    return isinstance(source, np.ndarray) and source.ndim == 2 and source.dtype == np.uint8


@compiled
def _all_grey(colours):  # type: ignore[no-untyped-def]
    for first in range(0, len(colours), _PART):
        grey = True
        for place in range(first, min(first + _PART, len(colours))):
            r, g, b = colours[place]
            grey &= r == g and g == b
        if not grey:
            return False
    return True


@compiled
def _away(colours):  # type: ignore[no-untyped-def]
    """Whether colours (n, 3) have a flat ground, and how far each lies from that, as shades; dark
    on a light one."""
    r, g, b = _most_frequent(colours)
    values = np.empty(len(colours), np.float32)
    for place in range(len(colours)):
        red, green, blue = colours[place, 0] - r, colours[place, 1] - g, colours[place, 2] - b
        values[place] = np.sqrt(red * red + green * green + blue * blue)
    alike, count = min(np.float32(MOST_ALIKE), np.float32(ALIKE) * values.max()), 0
    for value in values:
        count += value <= alike
    if count < FLAT * len(colours):
        return False, np.empty(0, np.uint8)
    shades = _shades(values)
    if r + g + b > 1.5 * 255:
        for place in range(len(shades)):
            shades[place] = 255 - shades[place]
    return True, shades


@njit(nogil=True)
def _most_frequent(colours):  # type: ignore[no-untyped-def]
    """The mean of the colours of which there are most, to 16 levels a channel, of _PART of them."""
    counts, sums = np.zeros(4096, np.int32), np.zeros((4096, 3), np.int32)
    for place in range(0, len(colours), 1 + len(colours) // _PART):
        r, g, b = colours[place]
        level = (r >> 4) << 8 | (g >> 4) << 4 | b >> 4
        counts[level] += 1
        sums[level, 0] += r
        sums[level, 1] += g
        sums[level, 2] += b
    most = counts.argmax()
    r, g, b = sums[most] / counts[most]
    return np.float32(r), np.float32(g), np.float32(b)


@compiled
def _edges(colours):  # type: ignore[no-untyped-def]
    """Of n colours (n, 3) the sum of d d^T over the differences d of those that are APART, exactly:
    on the ground d is small even where that goes from one colour to another."""
    products = np.zeros((3, 3), np.int64)
    for i in range(3):
        for j in range(i + 1):
            total = np.int64(0)
            for place in range(len(colours) - APART):
                one = np.int32(colours[place + APART, i]) - np.int32(colours[place, i])
                other = np.int32(colours[place + APART, j]) - np.int32(colours[place, j])
                total += np.int64(one * other)
            products[i, j] = products[j, i] = total
    return products.astype(np.float64)


@compiled
def _along(colours, direction):  # type: ignore[no-untyped-def]
    """Where colours (n, 3) lie along a direction, as shades."""
    values = np.empty(len(colours), np.float32)
    r, g, b = direction.astype(np.float32)
    for place in range(len(colours)):
        values[place] = r * colours[place, 0] + g * colours[place, 1] + b * colours[place, 2]
    return _shades(values)


@njit(nogil=True)
def _shades(values):  # type: ignore[no-untyped-def]
    """Values as shades from 0, at most 255 apart."""
    low, high = values[0], values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
    factor = np.float32(255) / max(high - low, np.float32(255))
    shades = np.empty(len(values), np.uint8)
    for place in range(len(values)):
        shades[place] = np.uint8(np.rint((values[place] - low) * factor))
    return shades
