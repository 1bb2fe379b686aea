"""Numbers of any type as 8-bit shades, by their range."""

import numpy as np
from PIL import Image

from chainrule.errors import InputError

_SCALES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
_MODES = {2: "LA", 3: "RGB", 4: "RGBA"}
_OUTLIERS = 0.1  # per cent at either end that a stretch leaves out


def picture_from_array(pixels: np.ndarray, name: str = "the picture") -> Image.Image:
    """An array (height, width[, channels]) as a picture: grey, grey and alpha, RGB, or RGBA.

    Raises InputError for another shape, and as `to_bytes`, which the colours pass alone.
    """
    given = tuple(pixels.shape)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
        raise InputError(
            f"{name} is an array of shape {given}; expected (height, width) or (height, width, "
            "channels) with 1 to 4 channels"
        )
    channels = pixels.shape[2]
    colours = to_bytes(pixels[..., : channels - 1 + channels % 2], name)
    bands = [Image.fromarray(np.ascontiguousarray(band)) for band in np.moveaxis(colours, -1, 0)]
    if channels % 2 == 0:
        bands.append(Image.fromarray(np.ascontiguousarray(to_bytes(pixels[..., -1], name))))
    return bands[0] if channels == 1 else Image.merge(_MODES[channels], bands)


def to_bytes(pixels: np.ndarray, name: str = "the picture") -> np.ndarray:
    """The shades from 0 (black) to 255 of `pixels`, of any shape.

    8-bit integers stay as they are; truth values are black and white. Of other numbers the largest
    decides what is white:

    - floating point up to 1: 1;
    - whole numbers up to 255, 1,023, 4,095, 16,383 or 65,535: that number, for cameras and
      scanners put 10, 12 or 14 bits into 16; of signed 16 bits the last is 32,767;
    - floating point above 64 likewise (below it no scale of integers would leave a picture);
    - all else, negative numbers among it: the range without a thousandth at either end.

    What is no number is black, infinity is white.

    Raises InputError for what is not numeric, or holds no finite number.
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == bool:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    if pixels.dtype.kind not in "iuf":
        raise InputError(f"{name} is an array of type {pixels.dtype}; expected numbers")
    finite = np.isfinite(pixels)
    if not finite.any():
        raise InputError(f"{name} holds no finite number; expected some")
    known = pixels[finite]
    low, high = _range(known)
    with np.errstate(invalid="ignore", over="ignore"):
        shades = (pixels.astype(np.float64) - low) * (255 / (high - low))
    shades = np.nan_to_num(shades, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.rint(shades), 0, 255).astype(np.uint8)


def _range(known: np.ndarray) -> tuple[float, float]:
    """What is black and what is white."""
    least, most = float(known.min()), float(known.max())
    if least >= 0 and known.dtype.kind == "f" and most <= 1:
        return 0.0, 1.0
    whole = known.dtype.kind != "f" or bool((known == np.rint(known)).all())
    signed_16 = known.dtype.kind == "i" and known.dtype.itemsize == 2
    scales = (*_SCALES[:-1], 2**15 - 1) if signed_16 else _SCALES
    if least >= 0 and most <= scales[-1] and (whole or most > 64):
        return 0.0, float(next(scale for scale in scales if scale >= most))
    low, high = (float(v) for v in np.percentile(known, (_OUTLIERS, 100 - _OUTLIERS)))
    if high <= low:
        low, high = least, most
    low = min(low, 0.0) if least >= 0 else low
    return (low, high) if high > low else (low, low + 1.0)
