"""Where in its picture each character of a line is that was read."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chainrule.glyphs.lines import Line
from chainrule.io.compiled import compiled
from chainrule.reader.picture.line_image import Crop
from chainrule.reader.search.best_path import LogP, align

_FRAME = 2  # columns of the crop
_INK = 0.35  # from which a pixel of the crop is ink


def fitted_between(
    lines: Sequence[Line], crops: Sequence[Crop], log_p: Sequence[LogP], alphabet: str
) -> tuple[float, float]:
    """Where one character ends and the next begins, from where both are named: see `Reader`.

    Least squares over the neighbours in lines whose boxes are known, spaces left out. log_p: of
    each crop.
    """
    place = {character: number for number, character in enumerate(alphabet, 1)}
    ways, borders = [], []
    for line, crop, own in zip(lines, crops, log_p, strict=True):
        named = _named(align(own, [place[character] for character in line.text]))
        for i, (one, other) in enumerate(pairwise(line.boxes)):
            if " " not in line.text[i : i + 2]:
                border = ((one[2] + other[0]) / 2 - crop.left) * crop.scale_x
                ways.append((named[i + 1] - named[i], 1.0))
                borders.append(border - named[i])
    share, offset = np.linalg.lstsq(np.array(ways), np.array(borders))[0]
    return float(share), float(offset)


def cells(
    crop: Crop, spans: list[tuple[int, int]], between: tuple[float, float]
) -> list[tuple[float, float]]:
    """The columns of the crop that belong to each character: from one column with the least ink
    about where two characters should meet to the next. None where nothing was read."""
    if not spans:
        return []
    width = crop.values.shape[1]
    ink = crop.values.clip(0).sum(0)
    borders = _borders(ink, np.array(_named(spans)), *between).tolist()
    return list(pairwise([0.0, *borders, float(width)]))


def ink_boxes(
    crop: Crop,
    cells: Sequence[tuple[float, float]],
    shape: tuple[int, ...],
    inked: Sequence[bool],
) -> list[tuple[int, int, int, int]]:
    """The ink in each cell (where it is not inked, as of a space, the columns without), in the
    picture's pixels.

    All of the cell, if there is nothing of the kind.
    """
    first = np.array([int(cell[0]) for cell in cells])
    last = np.maximum([int(cell[1]) for cell in cells], first + 1)
    columns, rows = _inked(crop.values, first, last, np.array(inked, bool))
    sides = crop.left + columns / crop.scale_x  # (n, 2): left and right
    ends = crop.top + rows / crop.scale_y
    if crop.back is not None:
        x, y = sides[:, [0, 1, 0, 1]], ends[:, [0, 0, 1, 1]]
        turned = crop.back @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        x, y = turned.reshape(2, *x.shape)
        sides, ends = (np.stack([one.min(1), one.max(1)], 1) for one in (x, y))
    height, width = shape
    boxes = np.stack([sides[:, 0], ends[:, 0], sides[:, 1], ends[:, 1]], 1).round().astype(int)
    least, most = (0, 0, 1, 1), (width - 1, height - 1, width, height)
    return [tuple(box) for box in boxes.clip(least, most).tolist()]


def _named(spans: Sequence[tuple[int, int]]) -> list[float]:
    """The columns in the middle of the frames of each character."""
    return [(first + last) / 2 * _FRAME for first, last in spans]


@compiled
def _borders(ink, named, share, offset):  # type: ignore[no-untyped-def]
    """The column with the least ink about where each character should end; of several alike, the
    nearest."""
    found = np.empty(len(named) - 1)
    for i in range(len(found)):
        apart = named[i + 1] - named[i]
        about = named[i] + share * apart + offset
        first = int(min(max(about - apart / 4, 0), len(ink) - 1))
        last = int(min(max(about + apart / 4, first), len(ink) - 1))
        least = np.inf
        for column in range(first, last + 1):
            score = ink[column] + 1e-3 * abs(column + 0.5 - about)
            if score < least:
                least, found[i] = score, column + 0.5
    return found


@compiled
def _inked(values, first, last, inked):  # type: ignore[no-untyped-def]
    """Of each cell from column `first` to `last` the columns and rows (n, 2) of what is in it."""
    height = len(values)
    columns, rows = np.empty((len(first), 2), np.int64), np.empty((len(first), 2), np.int64)
    for i in range(len(first)):
        left, right, top, bottom = -1, -1, -1, -1
        for x in range(first[i], min(last[i], values.shape[1])):
            some = False
            for y in range(height):
                if values[y, x] > _INK:
                    some = True
                    top = y if top < 0 or y < top else top
                    bottom = max(bottom, y + 1)
            if some == inked[i]:
                left, right = (x if left < 0 else left), x + 1
        if left < 0:
            left, right = first[i], last[i]
        if top < 0 or not inked[i]:
            top, bottom = 0, height
        columns[i, 0], columns[i, 1], rows[i, 0], rows[i, 1] = left, right, top, bottom
    return columns, rows
