"""From a picture of one line of text to the crop that the reader sees, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.io.compiled import compiled
from chainrule.reader.picture.inks import evened_inks
from chainrule.reader.picture.levelling import levelled
from chainrule.reader.picture.resample import evened, resampled
from chainrule.reader.picture.text_box import FAINTEST, find

HEIGHT = 32  # of the crop, pixels
INK_HEIGHTS = 20, 30  # what the ink of a line is scaled to, at least and at most
CORE_HEIGHT = 13  # what the rows with most strokes are scaled to, where the ink allows: small
# letters without what sticks out above and below, whose height differs most between fonts
STROKE = 8.5  # columns for a stroke, at least
MOST_STRETCHED = 1.6
MARGIN = 6  # paper at the crop's both ends, pixels
LOWEST = 8  # a picture's height, pixels
WIDEST = 16_384  # a crop, pixels
LONGEST = 32_768  # a picture's side, pixels
_BELOW_INK = 0.98  # the share of a crop's pixels that are below the level of its ink


@dataclass(frozen=True)
class Crop:
    """A line of text, paper 0 and ink about 1, and where it was in its picture.

    Pixel (x, y) of the crop lies at (left + x / scale_x, top + y / scale_y) of the picture; where
    that was turned before, or a part of a picture, `back` is the matrix (2, 3) from there to the
    whole picture's places.
    """

    values: NDArray[np.float32]  # (HEIGHT, width)
    left: float
    top: float
    scale_x: float
    scale_y: float
    back: NDArray[np.float64] | None = None


class NoLine(NamedTuple):
    """Why a picture has no crop, as it stands after "the picture holds"."""

    reason: str


@dataclass(frozen=True)
class CropJitter:
    """How far a crop may be off what `crop_line` would cut: for training, and to read again."""

    scale: float = 1.0  # of the ink's height
    stretch: float = 1.0  # of the width, besides
    rise: float = 0.0  # pixels of the crop


def crop_line(picture: NDArray[np.uint8], jitter: CropJitter | None = None) -> Crop:
    """Find the box of text in a grey picture (height, width) and scale it to a crop.

    The paper is the shade at the picture's edge, ink what is darker or lighter, whichever has
    more. Rows and columns with ink are the box. It is scaled so that the rows in which the
    strokes are, become CORE_HEIGHT high, as far as INK_HEIGHTS allow, and stretched where strokes
    stand close. Raises InputError if the picture is too small or too wide or holds no text.
    """
    (cut,) = crop_lines([picture], [jitter or CropJitter()])
    if isinstance(cut, NoLine):
        raise InputError(f"the picture holds {cut.reason}")
    return cut[0]


def crop_whole(
    picture: NDArray[np.uint8], jitter: CropJitter | None = None, inverted: bool = False
) -> Crop:
    """All of a grey picture (height, width) as a crop, where its text cannot be told from the rest.

    It is scaled to HEIGHT, what is beyond its edges is as at the edge, and its light is made even
    (see `levelled`): of dark and light that which goes further from the middle becomes ink, the
    other way round if `inverted`. The jitter's rise may take it out of the middle. The picture must
    be at least LOWEST high.
    """
    (crop,) = whole_crops(picture, (jitter or CropJitter(),), inverted)
    return crop


def whole_crops(
    picture: NDArray[np.uint8], jitters: Sequence[CropJitter], inverted: bool = False
) -> list[Crop]:
    """`crop_whole` in each of some ways; those of one size are levelled once."""
    height, width = picture.shape
    values: dict[tuple[int, int], NDArray[np.float32]] = {}
    crops = []
    for jitter in jitters:
        scale_y = HEIGHT / height * jitter.scale
        scale_x = scale_y * jitter.stretch
        size = min(max(round(width * scale_x), 8), WIDEST), max(round(height * scale_y), 4)
        if size not in values:
            how = cv2.INTER_AREA if scale_y < 1 else cv2.INTER_LINEAR
            scaled = cv2.resize(picture, size, interpolation=how).astype(np.float32)
            values[size] = levelled(scaled, inverted)
        down = size[1]
        top = round((HEIGHT - down) / 2 + jitter.rise)
        rows = np.clip(np.arange(HEIGHT) - top, 0, down - 1)
        crops.append(Crop(values[size][rows], 0.0, -top / scale_y, scale_x, scale_y))
    return crops


def crop_wholes(
    pictures: Sequence[NDArray[np.uint8]], zoom: float = 1.0
) -> list[list[Crop] | NoLine]:
    """Each grey picture by `crop_whole`, so much larger, or why it has no crop."""
    found: list[list[Crop] | NoLine] = []
    for picture in pictures:
        why = _unfit(picture)
        if why is None and np.ptp(picture) < FAINTEST:
            why = NoLine("no text: its shades are all alike")
        if why is None and zoom * picture.shape[1] * HEIGHT > 0.8 * WIDEST * picture.shape[0]:
            why = NoLine("no line that can be read: it is too wide for its height")
        found.append([crop_whole(picture, CropJitter(zoom))] if why is None else why)
    return found


def crop_lines(
    pictures: Sequence[NDArray[np.uint8]], jitters: Sequence[CropJitter] = (CropJitter(),)
) -> list[list[Crop] | NoLine]:
    """The crop of each grey picture, if there are any, in several ways, or why it has none.

    All together take one compiled call, between which threads would wait for each other.
    """
    unfit = [_unfit(picture) for picture in pictures]
    fit = [picture for picture, why in zip(pictures, unfit, strict=True) if why is None]
    cut = iter(_cut_all(fit, jitters))
    return [next(cut) if why is None else why for why in unfit]


def _unfit(picture: NDArray[np.uint8]) -> NoLine | None:
    height, width = picture.shape
    size = f"it is {width} px wide and {height} px high"
    if height < LOWEST or width < 2:
        return NoLine(f"no text: {size}; expected a line at least {LOWEST} px high")
    if max(height, width) > LONGEST:
        return NoLine(f"no line that can be read: {size}; expected at most {LONGEST} px")
    return None


def _cut_all(
    pictures: Sequence[NDArray[np.uint8]], jitters: Sequence[CropJitter]
) -> list[list[Crop] | NoLine]:
    if not pictures:
        return []
    flat = np.concatenate([picture.ravel() for picture in pictures])
    shapes = np.array([picture.shape for picture in pictures])
    ways = np.array([(one.scale, one.stretch, one.rise) for one in jitters])
    inked, values, places = _cut_each(flat, shapes, ways)
    crops = [Crop(cut, *place) for cut, place in zip(values, places.tolist(), strict=True)]
    found: list[list[Crop] | NoLine] = []
    for number, (width, height) in enumerate(inked.tolist()):
        own = crops[number * len(ways) : (number + 1) * len(ways)]
        if not width:
            found.append(NoLine("no text: its shades are all alike"))
        elif not all(len(crop.values) for crop in own):
            most = int((WIDEST - 2 * MARGIN) / INK_HEIGHTS[0])
            found.append(
                NoLine(
                    f"no line that can be read: its text is {width} px wide and {height} px high; "
                    f"expected a line at most {most} times as wide as high"
                )
            )
        else:
            found.append(own)
    return found


@compiled
def _cut_each(flat, shapes, ways):  # type: ignore[no-untyped-def]
    """Of pictures with these shapes (N, 2), one after the other in `flat`: how wide and how high
    their ink is (N, 2), 0 where there is none; and for each in each way (scale, stretch, rise) the
    crop's values and place.

    place: left, top, scale_x and scale_y. Without ink, or too wide, a crop has no values.
    """
    inked = np.zeros((len(shapes), 2), np.int64)
    values, places = [], np.zeros((len(shapes) * len(ways), 4))  # type: ignore[var-annotated]
    start = 0
    for n in range(len(shapes)):
        height, width = shapes[n]
        picture = flat[start : start + height * width].reshape(height, width)
        start += height * width
        picture = evened_inks(picture)
        found, box = find(picture)
        if found:
            inked[n] = box.right - box.left, box.bottom - box.top
        for way in ways:
            cut = np.empty((0, 0), np.float32)
            if found:
                cut, place = _scaled(picture, box, way)
                places[len(values)] = place
            values.append(cut)
    return inked, values, places


@compiled
def _scaled(picture, box, way):  # type: ignore[no-untyped-def]
    """The values of a crop, none if it is too wide, and its left, top, scale_x and scale_y."""
    scale, stretch, rise = way
    across, down = box.right - box.left, box.bottom - box.top
    usual = _clamped(CORE_HEIGHT * down / box.core, INK_HEIGHTS[0], INK_HEIGHTS[1]) / max(down, 6)
    stretched = _clamped(STROKE * box.strokes / (usual * across), 1, MOST_STRETCHED)
    scale_y = usual * scale
    scale_x = scale_y * stretched * stretch
    width = int(np.rint(across * scale_x)) + 2 * MARGIN
    # where the crop's corners lie in the picture
    x = (box.left + box.right) / 2 - width / 2 / scale_x
    y = (box.top + box.bottom) / 2 - (HEIGHT / 2 + rise) / scale_y
    place = x, y, scale_x, scale_y
    if width > WIDEST:
        return np.empty((0, 0), np.float32), place
    corners = (x, y, x + width / scale_x, y + HEIGHT / scale_y)
    ink = resampled(picture, box.paper, box.sign, corners, HEIGHT, width)
    return evened(ink, _BELOW_INK), place


@compiled
def _clamped(value, least, most):  # type: ignore[no-untyped-def]
    return min(max(value, least), most)
