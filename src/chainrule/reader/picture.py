"""From a picture of one line of text to the strip that the reader sees, and back."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from chainrule.errors import FileError, InputError
from chainrule.reader.band import Band, find_band
from chainrule.reader.resample import evened, resampled

HEIGHT = 32  # of the strip, pixels
INK_HEIGHTS = 20, 30  # what the ink of a line is scaled to, at least and at most
CORE_HEIGHT = 13  # what the rows with most strokes are scaled to, where the ink allows: small
# letters without what sticks out above and below, whose height differs most between fonts
STROKE = 8.5  # columns for a stroke, at least
MOST_STRETCHED = 1.6
MARGIN = 6  # paper at the strip's both ends, pixels
LOWEST = 8  # a picture's height, pixels
WIDEST = 16_384  # a strip, pixels
LONGEST = 32_768  # a picture's side, pixels


@dataclass(frozen=True)
class Strip:
    """A line of text, paper 0 and ink about 1, and where it was in its picture.

    Pixel (x, y) of the strip lies at (left + x / scale_x, top + y / scale_y) of the picture.
    """

    values: NDArray[np.float32]  # (HEIGHT, width)
    left: float
    top: float
    scale_x: float
    scale_y: float


@dataclass(frozen=True)
class Looseness:
    """How far a strip may be off what `cut_strip` would cut: for training, and for second looks."""

    scale: float = 1.0  # of the ink's height
    stretch: float = 1.0  # of the width, besides
    rise: float = 0.0  # pixels of the strip
    blur: float = 0.0  # standard deviation of a Gaussian, pixels of the strip


def open_grey(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture as grey (height, width). Raises FileError, InputError."""
    try:
        with Image.open(path) as picture:
            if max(picture.size) > LONGEST:
                raise InputError(
                    f"picture {path} is {picture.width} px wide and {picture.height} px high; "
                    f"expected at most {LONGEST} px"
                )
            picture.load()
            return grey(picture)
    except InputError:
        raise
    # Pillow raises whatever its parsers meet in broken bytes
    except Exception as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(
            f"{path} cannot be read as a picture ({reason}); expected one line of text as PNG, "
            "JPEG or the like"
        ) from error


def grey(picture: Image.Image) -> NDArray[np.uint8]:
    """The picture's shades along the direction of colour in which they differ most."""
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture, np.float64)
        return _stretched(values)
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture.convert("RGBA"))
    colours = np.asarray(paper)[..., :3].astype(np.float32)
    if (colours == colours[..., :1]).all():
        return colours[..., 0].astype(np.uint8)
    pixels = colours.reshape(-1, 3) - colours.mean((0, 1))
    direction = np.linalg.eigh(pixels.T @ pixels)[1][:, -1]
    # brighter stays brighter, where that can be said
    along = colours @ (direction if direction.sum() >= 0 else -direction)
    return _stretched(along)


def cut_strip(
    picture: NDArray[np.uint8], looseness: Looseness | None = None, name: str = "the picture"
) -> Strip:
    """Find the band of text in a grey picture (height, width) and scale it to a strip.

    The paper is the shade at the picture's edge, ink what is darker or lighter, whichever has
    more. Rows and columns with ink are the band. It is scaled so that the rows in which the
    strokes are, become CORE_HEIGHT high, as far as INK_HEIGHTS allow, and stretched where strokes
    stand close. Raises InputError, with `name`, if the picture is too small or too wide or holds
    no text.
    """
    return cut_strips(picture, [looseness or Looseness()], name)[0]


def cut_strips(
    picture: NDArray[np.uint8], loosenesses: Sequence[Looseness], name: str = "the picture"
) -> list[Strip]:
    """The strip of a grey picture in several ways; the band is looked for once. Raises InputError
    as `cut_strip`."""
    height, width = picture.shape
    if height < LOWEST or width < 2:
        raise InputError(
            f"{name} is {width} px wide and {height} px high; expected a line of text at least "
            f"{LOWEST} px high"
        )
    if max(height, width) > LONGEST:
        raise InputError(
            f"{name} is {width} px wide and {height} px high; expected at most {LONGEST} px"
        )
    picture = np.require(
        picture, requirements=["C", "W"]
    )  # the one kind the loops are compiled for
    band = find_band(picture)
    if band is None:
        raise InputError(f"{name} holds no text: its shades are all alike; expected a line of text")
    return [_cut(picture, band, loose, name) for loose in loosenesses]


def _cut(picture: NDArray[np.uint8], band: Band, loose: Looseness, name: str) -> Strip:
    left, top, right, bottom = band.left, band.top, band.right, band.bottom
    ink_height = _held(CORE_HEIGHT * (bottom - top) / band.core, *INK_HEIGHTS)
    scale = ink_height / max(bottom - top, 6)
    stretch = _held(STROKE * band.strokes / (scale * (right - left)), 1, MOST_STRETCHED)
    scale_y = scale * loose.scale
    scale_x = scale_y * stretch * loose.stretch
    strip_width = round((right - left) * scale_x) + 2 * MARGIN
    if strip_width > WIDEST:
        raise InputError(
            f"{name} has text {right - left} px wide and {bottom - top} px high; expected a line "
            f"at most {int((WIDEST - 2 * MARGIN) / INK_HEIGHTS[0])} times as wide as high"
        )
    # where the strip's corners lie in the picture
    x = (left + right) / 2 - strip_width / 2 / scale_x
    y = (top + bottom) / 2 - (HEIGHT / 2 + loose.rise) / scale_y
    box = (x, y, x + strip_width / scale_x, y + HEIGHT / scale_y)
    values = resampled(picture, band.paper, band.sign, box, HEIGHT, strip_width)
    if loose.blur:
        values = gaussian_filter(values, loose.blur)
    return Strip(evened(values, 0.98), x, y, scale_x, scale_y)


def _held(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def _stretched(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low) or high == low:
        return np.zeros(values.shape, np.uint8)
    return ((values - low) * (255 / max(high - low, 255.0))).round().astype(np.uint8)
