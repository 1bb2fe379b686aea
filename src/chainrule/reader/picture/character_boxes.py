"""Where in its picture each character of a line is that was read."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrule.glyphs.lines import Line
from chainrule.reader.picture.line_image import Crop
from chainrule.reader.search.best_path import LogP, align

_FRAME = 2  # columns of the crop


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
    share, offset = between
    borders = [
        _least(ink, one + share * (other - one) + offset, (other - one) / 4)
        for one, other in pairwise(_named(spans))
    ]
    return list(pairwise([0.0, *borders, float(width)]))


def ink_box(
    crop: Crop, cell: tuple[float, float], shape: tuple[int, ...], inked: bool
) -> tuple[int, int, int, int]:
    """The ink in a cell (for a space the columns without), in the picture's pixels.

    All of the cell, if there is nothing of the kind.
    """
    first = int(cell[0])
    last = max(int(cell[1]), first + 1)
    mask = crop.values[:, first:last] > 0.35
    rows = np.flatnonzero(mask.any(1)) if inked else np.empty(0, np.intp)
    columns = np.flatnonzero(mask.any(0) == inked)
    if not rows.size:
        rows = np.arange(crop.values.shape[0])
    if not columns.size:
        columns = np.arange(last - first)
    left = crop.left + (first + columns[0]) / crop.scale_x
    right = crop.left + (first + columns[-1] + 1) / crop.scale_x
    top = crop.top + rows[0] / crop.scale_y
    bottom = crop.top + (rows[-1] + 1) / crop.scale_y
    height, width = shape
    if crop.back is not None:
        corners = np.array([[left, right, left, right], [top, top, bottom, bottom], [1, 1, 1, 1]])
        x, y = crop.back @ corners
        left, top, right, bottom = x.min(), y.min(), x.max(), y.max()
    return (
        int(np.clip(round(left), 0, width - 1)),
        int(np.clip(round(top), 0, height - 1)),
        int(np.clip(round(right), 1, width)),
        int(np.clip(round(bottom), 1, height)),
    )


def _named(spans: Sequence[tuple[int, int]]) -> list[float]:
    """The columns in the middle of the frames of each character."""
    return [(first + last) / 2 * _FRAME for first, last in spans]


def _least(ink: NDArray[np.float32], about: float, reach: float) -> float:
    first = int(np.clip(about - reach, 0, len(ink) - 1))
    last = int(np.clip(about + reach, first, len(ink) - 1)) + 1
    window = ink[first:last]
    # of several alike, the nearest
    score = window + 1e-3 * np.abs(np.arange(first, last) + 0.5 - about)
    return first + float(score.argmin()) + 0.5
