"""Where the ink of a line is, in compiled loops: a picture is looked at a few times, not thirty."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.io.compiled import compiled
from chainrule.reader.picture.resample import counted

FAINTEST = 6.0  # grey levels between paper and ink


class TextBox(NamedTuple):
    """The box of text in a picture.

    paper: its shade. sign: -1 where the ink is darker, else 1. The ink's box (right and bottom
    outside) and, in it, `core`: how many rows have at least 0.4 times the strokes of the fullest
    ones, and `strokes`: how many these have, the runs of ink in the row that a tenth of the rows
    are above.
    """

    paper: float
    sign: float
    left: int
    top: int
    right: int
    bottom: int
    core: int
    strokes: int


def find_text_box(picture: NDArray[np.uint8]) -> TextBox | None:
    """Find it in a grey picture (height, width), both at least 2 px.

    Looked at is the mean over 3x3 pixels. The paper is its median shade at the edge; ink is what is
    darker or lighter, whichever has more, by a fifth of the most, four times the noise, or half of
    the most. Gives None where there is none by FAINTEST.
    """
    found, box = find(picture)
    return TextBox(*box) if found else None


@compiled
def find(picture):  # type: ignore[no-untyped-def]
    """`find_text_box` for compiled functions: whether there is one, and it."""
    nothing = TextBox(0.0, 0.0, 0, 0, 0, 0, 0, 0)
    smooth = _smoothed(picture)
    height, width = smooth.shape
    counts = counted(smooth.ravel(), 256)
    edge = np.zeros(256, np.int64)
    for y in range(height):
        edge[smooth[y, 0]] += 1
        edge[smooth[y, width - 1]] += 1
    for x in range(width):
        edge[smooth[0, x]] += 1
        edge[smooth[height - 1, x]] += 1
    paper = _median(edge)
    low, high = 0.0, 0.0
    for level in range(256):
        if counts[level] > 0:
            low, high = min(low, level - paper), max(high, level - paper)
    sign = -1.0 if -low > high else 1.0
    if -low > 0.5 * high and high > -0.5 * low:  # noise to both sides, or paper that is uneven
        darker, lighter = 0, 0
        for level in range(256):
            darker += counts[level] if level - paper < low / 2 else 0
            lighter += counts[level] if level - paper > high / 2 else 0
        sign = -1.0 if darker >= lighter else 1.0
    most = high if sign > 0 else -low
    if most < FAINTEST:
        return False, nothing
    noise = 1.4826 * _median_distance(counts, paper)
    threshold = min(max(0.2 * most, 4 * noise), 0.5 * most)
    is_ink = _inked(paper, sign, threshold)
    rows, columns = np.zeros(height, np.int32), np.zeros(width, np.int32)
    for y in range(height):
        for x in range(width):
            rows[y] += is_ink[smooth[y, x]]
            columns[x] += is_ink[smooth[y, x]]
    top, bottom = _ends(rows, 3)
    left, right = _ends(columns, 2)
    if bottom <= top or right <= left:
        return False, nothing
    core, strokes = _core(picture[top:bottom, left:right], paper, sign)
    return True, TextBox(paper, sign, left, top, right, bottom, core, strokes)


@compiled
def _smoothed(picture):  # type: ignore[no-untyped-def]
    """The mean over 3x3 pixels, rounded; beyond the edge lies what is at the edge."""
    height, width = picture.shape
    smooth = np.empty((height, width), np.uint8)
    column = np.empty(width + 2, np.uint16)  # sums over three rows
    for y in range(height):
        above, here, below = picture[max(y - 1, 0)], picture[y], picture[min(y + 1, height - 1)]
        for x in range(width):
            column[x + 1] = np.uint16(above[x]) + np.uint16(here[x]) + np.uint16(below[x])
        column[0], column[width + 1] = column[1], column[width]
        for x in range(width):
            total = column[x] + column[x + 1] + column[x + 2] + 4
            smooth[y, x] = total * 7282 >> 16  # total // 9, without a division
    return smooth


@compiled
def _core(picture, paper, sign):  # type: ignore[no-untyped-def]
    height, width = picture.shape
    darkest, lightest = np.uint8(255), np.uint8(0)
    for y in range(height):
        for x in range(width):
            darkest, lightest = min(darkest, picture[y, x]), max(lightest, picture[y, x])
    most = max(sign * (darkest - paper), sign * (lightest - paper))
    is_ink = _inked(paper, sign, 0.5 * most)
    runs = np.zeros(height, np.int64)
    for y in range(height):
        before = np.uint8(0)
        for x in range(width):
            ink = is_ink[picture[y, x]]
            runs[y] += ink & ~before
            before = ink
    strokes = np.sort(runs)[int(0.9 * (height - 1))]
    core = 0
    for y in range(height):
        core += runs[y] >= max(1, 0.4 * strokes)
    return max(1, core), max(1, strokes)


@compiled
def _inked(paper, sign, threshold):  # type: ignore[no-untyped-def]
    """Of each shade, whether it is ink: 1 or 0."""
    is_ink = np.zeros(256, np.uint8)
    for level in range(256):
        is_ink[level] = sign * (level - paper) > threshold
    return is_ink


@compiled
def _ends(counts, least):  # type: ignore[no-untyped-def]
    """The first place with so many, and the one after the last; (0, 0) if there is none.

    The smoothing has made the ink one pixel larger all round, which is taken off again.
    """
    first, last = -1, -1
    for place in range(len(counts)):
        if counts[place] >= least:
            first = place if first < 0 else first
            last = place + 1
    if first < 0:
        return 0, 0
    return (first + 1, last - 1) if last - first > 2 else (first, last)


@compiled
def _median_distance(counts, paper):  # type: ignore[no-untyped-def]
    """The median of |level - paper|; the paper is a whole or a half number."""
    doubled = np.zeros(512, np.int64)  # of twice the distance
    for level in range(256):
        doubled[int(2 * abs(level - paper))] += counts[level]
    return 0.5 * _median(doubled)


@compiled
def _median(counts):  # type: ignore[no-untyped-def]
    """The median of 0, 1, 2, ..., of which there are so many each."""
    total, below, lower = counts.sum(), 0, -1
    for value in range(len(counts)):
        below += counts[value]
        if lower < 0 and below > (total - 1) // 2:
            lower = value
        if below > total // 2:
            break
    return 0.5 * (lower + value)
