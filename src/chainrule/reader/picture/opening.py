"""Any picture as the reader takes it: grey, by the shade in which it differs most."""

import os
from collections.abc import Iterable
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chainrule.errors import InputError
from chainrule.io.pictures import PictureSource, open_picture

Grey = NDArray[np.uint8]


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
    """An RGB picture's shades along the direction of colour in which they differ most."""
    colours = np.asarray(picture.convert("RGB")).astype(np.float32)
    if (colours == colours[..., :1]).all():
        return colours[..., 0].astype(np.uint8)
    pixels = colours.reshape(-1, 3) - colours.mean((0, 1))
    direction = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    # brighter stays brighter, where that can be said
    along = colours @ (direction if direction.sum() >= 0 else -direction)
    return _stretched(along)


def _is_grey(source: PictureSource) -> TypeGuard[Grey]:
    return isinstance(source, np.ndarray) and source.ndim == 2 and source.dtype == np.uint8


def _stretched(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low) or high == low:
        return np.zeros(values.shape, np.uint8)
    return ((values - low) * (255 / max(high - low, 255.0))).round().astype(np.uint8)
