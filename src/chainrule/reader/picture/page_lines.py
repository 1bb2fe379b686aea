"""The lines of text of a page, in the order in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.reader.picture.layout import Mask, Picture, even_light, slope, turned

Boxes = NDArray[np.int64]  # (n, 4): left, top, right, bottom; right and bottom outside

_LOWEST = 4  # a letter, pixels
_GAP = 1.6  # letters that stand closer than so many of their usual heights are of one line
_COLUMN = 1.0  # a gap as wide, through all lines, parts columns
_TEXT = 9  # usual heights: columns of text are as wide; narrower ones are cells of a table's rows


class Box(NamedTuple):
    """A box in a picture's pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class PageLine:
    """A line by itself, on paper, and the matrix (2, 3) from its places to those of the page."""

    picture: Picture
    back: NDArray[np.float64]


def page_lines(page: Picture) -> list[PageLine]:
    """Find the lines of a grey page (height, width): one column or several, a slope of up to 6
    degrees, any light.

    Letters are the connected pieces of ink that are about as high as most of them are. Those beside
    each other, at the same height and with no wide gap between, are a line; marks go to the line
    that is nearest. Columns are read one after the other, and what stands above them before.
    """
    even, mask = even_light(page, min(page.shape) // 20)
    angle = slope(mask, wide=0.0, highest=600)
    level, back = turned(even, angle) if angle else (even, None)
    if angle:
        level, mask = even_light(level, min(page.shape) // 20)
    pieces, of_piece, usual = _letters(mask)
    if not len(pieces):
        return []
    line_of = _lines_of(pieces, usual, mask.shape)
    boxes = np.array([_union(pieces[line_of == line]) for line in range(line_of.max() + 1)])
    found = []
    for line in _in_order(boxes, list(range(len(boxes))), usual):
        own = np.zeros(len(pieces) + 1, bool)
        own[1:] = line_of == line
        box = _padded(boxes[line], usual, mask.shape)
        found.append(PageLine(_alone(level, mask, own[of_piece], box), _back(box, back)))
    return found


def _letters(mask: Mask) -> tuple[Boxes, NDArray[np.int64], float]:
    """The boxes of letters and marks, of each pixel the number of its own (from 1; 0 for none), and
    the letters' usual height."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, across, down, area = stats[1:].T.astype(np.int64)
    high = (down >= _LOWEST) & (area >= 2 * _LOWEST)
    if not high.any():
        return np.zeros((0, 4), np.int64), np.zeros(mask.shape, np.int64), 0.0
    usual = float(np.median(down[high]))
    kept = (area > 2) & (down < 5 * usual) & (across < 12 * usual)
    kept &= ~((across > 4 * usual) & (down < 0.4 * usual))  # rules
    number = np.zeros(len(area) + 1, np.int64)
    number[1:][kept] = np.arange(1, kept.sum() + 1)
    boxes = np.stack([left, top, left + across, top + down], 1)[kept]
    return boxes, number[labels], usual


def _lines_of(pieces: Boxes, usual: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Of each piece its line, or -1. The middles of letters, made as long as a gap, meet along a
    line."""
    bands = np.zeros(shape, np.uint8)
    left, top, right, bottom = pieces.T
    high = bottom - top >= 0.5 * usual
    middle = (top + bottom) / 2
    for x0, x1, y, own in zip(left, right, middle, high, strict=True):
        if own:
            first, last = int(y - 0.35 * usual), int(y + 0.35 * usual) + 1
            bands[max(first, 0) : last, x0 : int(x1 + _GAP * usual)] = 1
    _, labels = cv2.connectedComponents(bands, connectivity=4)
    found = labels[middle.astype(int), left].astype(np.int64)
    found[~high] = 0
    known = np.unique(found[found > 0])
    boxes = np.array([_union(pieces[found == line]) for line in known]).reshape(-1, 4)
    for piece in np.flatnonzero(found == 0):  # marks: to the nearest line
        x, y = (left[piece] + right[piece]) / 2, middle[piece]
        away = np.maximum(boxes[:, 1] - y, y - boxes[:, 3])
        near = (boxes[:, 0] - usual < x) & (x < boxes[:, 2] + usual) & (away < 0.6 * usual)
        if near.any():
            found[piece] = known[int(np.where(near, away, np.inf).argmin())]
    return np.asarray(np.searchsorted(known, found) - (found == 0) * (len(known) + 1), np.int64)


def _in_order(boxes: Boxes, lines: Sequence[int], usual: float) -> list[int]:
    """Recursive cuts along the page's gaps: columns from the left, blocks from above.

    Source: Nagy and Seth, Hierarchical representation of optically scanned documents, 1984.
    """
    if len(lines) < 2:
        return list(lines)
    columns = _parts(boxes, lines, 0, _COLUMN * usual)
    if len(columns) > 1 and all(_is_text(boxes, part, usual) for part in columns):
        return [line for part in columns for line in _in_order(boxes, part, usual)]
    rows = _parts(boxes, lines, 1, 0.0)
    if len(rows) < 2:
        return _row_by_row(boxes, lines, usual)
    # cut at the widest gap, so that what stands above columns is cut off before they are parted
    ends = [max(boxes[line, 3] for line in row) for row in rows]
    starts = [min(boxes[line, 1] for line in row) for row in rows]
    gaps = [start - end for end, start in zip(ends, starts[1:], strict=False)]
    cut = int(np.argmax(gaps)) + 1
    parts = [[line for row in half for line in row] for half in (rows[:cut], rows[cut:])]
    return [line for part in parts for line in _in_order(boxes, part, usual)]


def _row_by_row(boxes: Boxes, lines: Sequence[int], usual: float) -> list[int]:
    """Lines that no gap parts, by their middles' heights; those of one height from the left."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    rows: list[list[int]] = []
    for line in sorted(lines, key=lambda line: float(middle[line])):
        if not rows or middle[line] - middle[rows[-1][0]] > 0.7 * usual:
            rows.append([])
        rows[-1].append(line)
    return [line for row in rows for line in sorted(row, key=lambda line: int(boxes[line, 0]))]


def _is_text(boxes: Boxes, lines: Sequence[int], usual: float) -> bool:
    left, right = boxes[lines, 0].min(), boxes[lines, 2].max()
    return bool(right - left > _TEXT * usual)


def _parts(boxes: Boxes, lines: Sequence[int], axis: int, gap: float) -> list[list[int]]:
    """The lines in parts between which there is a gap of more than so much along an axis."""
    order = sorted(lines, key=lambda line: int(boxes[line, axis]))
    parts, end = [[order[0]]], boxes[order[0], axis + 2]
    for line in order[1:]:
        if boxes[line, axis] - end > gap:
            parts.append([])
        parts[-1].append(line)
        end = max(end, boxes[line, axis + 2])
    return parts


def _union(boxes: Boxes) -> tuple[int, int, int, int]:
    return (
        int(boxes[:, 0].min()),
        int(boxes[:, 1].min()),
        int(boxes[:, 2].max()),
        int(boxes[:, 3].max()),
    )


def _padded(box: Boxes, usual: float, shape: tuple[int, ...]) -> Box:
    pad = max(3, round(0.4 * usual))
    left, top, right, bottom = box.tolist()
    return Box(
        max(left - pad, 0),
        max(top - pad, 0),
        min(right + pad, shape[1]),
        min(bottom + pad, shape[0]),
    )


def _alone(page: Picture, mask: Mask, own: NDArray[np.bool_], box: Box) -> Picture:
    """The line's part of the page, what is of other lines painted over with paper."""
    part = slice(box.top, box.bottom), slice(box.left, box.right)
    picture = page[part].copy()
    others = ((mask[part] > 0) & ~own[part]).astype(np.uint8)
    gone = (cv2.dilate(others, np.ones((3, 3), np.uint8)) > 0) & ~own[part]
    picture[gone] = 255  # as the paper is in even light
    return picture


def _back(box: Box, back: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The matrix (2, 3) from the places of a box to those of the page as it was."""
    whole = np.eye(3)[:2] if back is None else back
    return np.asarray(whole @ np.array([[1.0, 0, box.left], [0, 1.0, box.top], [0, 0, 1.0]]))
