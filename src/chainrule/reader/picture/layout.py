"""What stands in the way of a line: rules, frames and borders, a slope, a second line."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.io.compiled import compiled

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]  # 1 where there is ink

STEEPEST = 6.0  # degrees
LEVEL = 0.6  # degrees: what slopes less is left as it is
_RULE = 0.55  # of the picture's width: a horizontal stroke as long is a rule
_HIGHEST = 120  # pixels: slopes are looked for in pictures made as small


def ink_mask(picture: Picture) -> Mask:
    """Where the ink is: see `even_light`."""
    return even_light(picture, picture.shape[0] // 3)[1]


def even_light(picture: Picture, reach: int) -> tuple[Picture, Mask]:
    """A picture as if it lay in even light, dark ink on paper of 255, and where the ink is, by
    Otsu's threshold; of what is darker and what is lighter than the paper that which is rarer.

    The paper's shade at each place is the lightest within `reach` pixels, less what is narrower
    than these, and the picture is divided by it. reach: wider than the strokes, at least 15.
    """
    darker, lighter = (_darker(shades, max(15, reach)) for shades in (picture, 255 - picture))
    return darker if darker[1].sum() <= lighter[1].sum() else lighter


def _darker(picture: Picture, reach: int) -> tuple[Picture, Mask]:
    window = np.ones((reach, reach), np.uint8)
    paper = cv2.blur(cv2.morphologyEx(picture, cv2.MORPH_CLOSE, window), (reach, reach))
    even = np.asarray(cv2.divide(picture, np.maximum(paper, 1), scale=255), np.uint8)
    _, light = cv2.threshold(even, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return even, np.asarray(1 - light, np.uint8)


def is_blot(picture: Picture) -> bool:
    """Whether all of the ink is one full patch, about as wide as high: no character is."""
    rows, columns = np.nonzero(ink_mask(picture))
    if not len(rows):
        return False
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    return bool(len(rows) > 0.95 * height * width and 0.5 < width / height < 2)


def without_rules(picture: Picture, mask: Mask) -> Picture | None:
    """The picture with its rules, frames, comb boxes and black borders painted over with paper;
    None if there are none.

    A rule is a horizontal stroke of more than half of the picture's width. Upright strokes that
    touch one and are thin, as the sides of a frame and the teeth of a comb are, go with it; so do
    upright strokes of nearly the whole height along the picture's sides.
    """
    height, width = mask.shape
    across = np.ones((1, max(3, round(_RULE * width))), np.uint8)
    rules: Mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, across), np.uint8)
    if width < 2 * height or rules.mean() > 0.4:
        rules = np.zeros_like(mask)
    rules = rules | _sides(mask)
    if not rules.any():
        return None
    rules = rules | _teeth(mask, rules)
    rest = np.where(rules > 0, 0, mask).astype(np.uint8)
    gone = rules | _thin_neighbours(rest, rules)
    gone = np.asarray(cv2.dilate(gone, np.ones((3, 3), np.uint8)), np.uint8)
    left = np.where(gone > 0, 0, mask)
    if left.sum() < 0.1 * mask.sum() and left.sum() < 0.01 * mask.size:
        return None  # what looked like a rule was all there is
    cleaned = picture.copy()
    paper = picture[(mask == 0) & (gone == 0)]
    cleaned[gone > 0] = np.median(paper) if paper.size else 255
    return cleaned


def _sides(mask: Mask) -> Mask:
    """Upright strokes of nearly the whole height that begin within a few pixels of the sides."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    reach = max(2, round(0.15 * height))
    if width < 2 * height:
        return found
    full = np.asarray(mask.mean(0) > 0.9)
    for side in (slice(0, reach), slice(width - reach, width)):
        found[:, side] = full[side]
    # a stroke that goes on inwards is a border only if it lies at the very edge
    return np.asarray(found if full[0] or full[-1] or found.any() else 0 * found, np.uint8)


def _teeth(mask: Mask, rules: Mask) -> Mask:
    """Upright strokes that go all the way from a rule to the next, as between a form's boxes."""
    rows = np.flatnonzero(rules.mean(1) > 0.5 * _RULE)
    apart = np.diff(rows).max(initial=0) if len(rows) else 0
    if apart < 8:
        return np.zeros_like(mask)
    upright = np.ones((round(0.95 * apart), 1), np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, upright), np.uint8)


def _thin_neighbours(rest: Mask, rules: Mask) -> Mask:
    """The thin upright parts of what is left that touch a rule."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    touched = np.zeros(count, bool)
    touched[labels[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0]] = True
    touched[0] = False  # what is no ink
    across, down = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    thin = (across <= max(2, 0.12 * len(rest))) & (down > 1.5 * across)
    return np.asarray((touched & thin)[labels], np.uint8)


def slope(mask: Mask, wide: float = 2.0, highest: int = _HIGHEST) -> float:
    """The angle in degrees by which a line rises to the right, found to a quarter of a degree: at
    it the ink's rows differ most in how full they are. 0 if none is much better than level, or the
    picture is not so many times as wide as high. It is looked for in a picture at most so high."""
    height, width = mask.shape
    factor = min(1.0, highest / height)
    small = cv2.resize(mask * 255, (max(8, round(width * factor)), max(8, round(height * factor))))
    ink = small > 127
    if ink.sum() < 20 or width < wide * height:
        return 0.0
    angles = np.arange(-STEEPEST, STEEPEST + 0.01, 0.25)
    columns = np.ascontiguousarray(ink.T).view(np.uint8)
    sharp = _sharpness(columns, np.tan(np.radians(angles)))
    best, level = int(sharp.argmax()), sharp[np.flatnonzero(angles == 0.0)[0]]
    found = float(angles[best])
    return found if sharp[best] > 1.1 * level and abs(found) >= LEVEL else 0.0


@compiled
def _sharpness(columns, tangents):  # type: ignore[no-untyped-def]
    """The sum of the squares of how much ink is in each row, for each of some slopes: by these the
    columns (width, height), 1 where there is ink, are moved about the ink's middle."""
    width, height = columns.shape
    ink = np.zeros(width)
    for x in range(width):
        for y in range(height):
            ink[x] += columns[x, y]
    middle = (ink * np.arange(width)).sum() / ink.sum()
    reach = int(width * np.abs(tangents).max()) + 2
    found = np.zeros(len(tangents))
    for k in range(len(tangents)):
        rows = np.zeros(height + 2 * reach, np.int32)
        for x in range(width):
            first = int(np.rint(tangents[k] * (x - middle))) + reach
            moved, column = rows[first : first + height], columns[x]
            for y in range(height):
                moved[y] += column[y]
        found[k] = (rows.astype(np.float64) ** 2).sum()
    return found


def turned(picture: Picture, degrees: float) -> tuple[Picture, NDArray[np.float64]]:
    """The picture turned clockwise so that a line which rises by so much is level, on more of its
    paper, and the matrix (2, 3) that takes its places back to the picture's."""
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    sine, cosine = abs(matrix[0, 1]), abs(matrix[0, 0])
    across, down = round(height * sine + width * cosine), round(height * cosine + width * sine)
    matrix[:, 2] += (across - width) / 2, (down - height) / 2
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    paper = float(np.median(edge))
    found = cv2.warpAffine(
        picture, matrix, (across, down), flags=cv2.INTER_LINEAR, borderValue=paper
    )
    return np.asarray(found, np.uint8), np.asarray(cv2.invertAffineTransform(matrix))


def bands(mask: Mask) -> list[tuple[int, int]]:
    """The rows (first, last + 1) of the lines of text, one above the other; one if it is one.

    Two rows of ink are two lines if hardly any ink is between them, both are wide, and the lower
    of the two is at least half as high as the other: dots, accents and small print are no lines.
    """
    height, width = mask.shape
    ink = mask.sum(1)
    rows = ink > max(1, 0.015 * width)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(np.int8), [0]])))
    found = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 5]
    if len(found) < 2:
        return [(0, height)]
    most = max(b - a for a, b in found)
    full = [band for band in found if band[1] - band[0] >= 0.5 * most and _wide(mask, band)]
    if len(full) < 2:
        return [(0, height)]
    cuts = [(one[1] + other[0]) // 2 for one, other in pairwise(full)]
    ends = [0, *cuts, height]
    return [(ends[i], ends[i + 1]) for i in range(len(full))]


def _wide(mask: Mask, band: tuple[int, int]) -> bool:
    columns = np.flatnonzero(mask[band[0] : band[1]].any(0))
    return bool(len(columns)) and columns[-1] - columns[0] > 1.5 * (band[1] - band[0])
