"""A box of a picture scaled to a crop, its ink evened, in compiled loops: Pillow's and NumPy's
steps, one by one, took longer than all else that makes a crop."""

import numpy as np
from numba import njit

from chainrule.io.compiled import compiled


@compiled
def resampled(picture, paper, sign, box, height, width):  # type: ignore[no-untyped-def]
    """The ink, sign (shade - paper), of a grey picture in `box`, float32 (height, width).

    box: left, top, right, bottom, in parts of pixels; where it is outside the picture is paper.
    Bilinear as Pillow's `resize` is: each pixel is the mean of those around its centre, weighted by
    a triangle as wide as the larger of two old and two new pixels, as far as whole pixels of the
    box go.
    """
    left, top, right, bottom = box
    x0, x1, y0, y1 = np.floor(left), np.ceil(right), np.floor(top), np.ceil(bottom)
    columns, rows = int(x1 - x0), int(y1 - y0)
    ink = np.zeros((rows, columns), np.float32)
    first, after = max(int(-x0), 0), min(int(picture.shape[1] - x0), columns)
    for y in range(max(int(-y0), 0), min(int(picture.shape[0] - y0), rows)):
        shades = picture[y + int(y0), first + int(x0) : after + int(x0)]
        for x in range(after - first):
            ink[y, first + x] = (np.float32(shades[x]) - np.float32(paper)) * np.float32(sign)
    down = _weighted(ink, top - y0, bottom - y0, height)
    # column by column: the loops run along memory
    across = _weighted(np.ascontiguousarray(down.T), left - x0, right - x0, width)
    return np.ascontiguousarray(across.T)


@compiled
def counted(values, size):  # type: ignore[no-untyped-def]
    """How many of each of 0 to `size` - 1 there are.

    Four counts in turn: most pixels are paper, and to add one waits for the one before.
    """
    counts = np.zeros((4, size), np.int64)
    whole = values.size - values.size % 4
    for place in range(0, whole, 4):
        counts[0, values[place]] += 1
        counts[1, values[place + 1]] += 1
        counts[2, values[place + 2]] += 1
        counts[3, values[place + 3]] += 1
    for place in range(whole, values.size):
        counts[0, values[place]] += 1
    return counts.sum(0)


@njit(nogil=True, fastmath={"nnan"})  # no NaN: its minimum is several at a time
def evened(values, share):  # type: ignore[no-untyped-def]
    """Ink (height, width), float32, brought to about 1 where it lies: divided by the level that
    `share` of the pixels are below, or by half of the most, if that is more; then held to -0.5 to
    1.5.

    The level is to an eighth of a grey level: counting is faster than sorting.
    """
    flat = values.ravel()
    low, high = flat[0], flat[0]
    for value in flat:
        low, high = min(low, value), max(high, value)
    levels = np.empty(flat.size, np.int32)
    for place in range(flat.size):
        levels[place] = np.int32(np.float32(8) * (flat[place] - low))
    counts = counted(levels, int(8 * (high - low)) + 1)
    level, below = 0, counts[0]
    while below < share * flat.size:
        level += 1
        below += counts[level]
    factor = np.float32(1 / max(low + level / 8, 1e-3 + high / 2))
    for place in range(flat.size):
        flat[place] = min(max(flat[place] * factor, np.float32(-0.5)), np.float32(1.5))
    return flat.reshape(values.shape)


@compiled
def _weighted(lines, begin, end, count):  # type: ignore[no-untyped-def]
    """`count` lines instead of those from `begin` to `end`, each a weighted mean of neighbours."""
    size, length = lines.shape
    scale = (end - begin) / count
    reach = max(scale, 1.0)
    found = np.zeros((count, length), np.float32)
    for place in range(count):
        centre = begin + (place + 0.5) * scale
        first = max(int(centre - reach + 0.5), 0)
        last = min(int(centre + reach + 0.5), size)
        total = 0.0
        for line in range(first, last):
            total += max(1.0 - abs(line + 0.5 - centre) / reach, 0.0)
        for line in range(first, last):
            weight = np.float32(max(1.0 - abs(line + 0.5 - centre) / reach, 0.0) / total)
            for at in range(length):
                found[place, at] += weight * lines[line, at]
    return found
