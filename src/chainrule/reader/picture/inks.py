"""Words of different inks on one ground, brought to one strength."""

import numpy as np
from numba import njit

from chainrule.reader.picture.resample import counted

FLAT = 0.4
"""The share of pixels that are alike where a picture has a flat ground, as a screen has."""
ALIKE = 3  # shades of one ground
FAINT = 0.25
"""Of the strongest ink: fainter marks, such as rules and shadows, stay as they are."""
REACH = 0.5  # of the height of all ink, to each side, in which inks are compared


@njit(nogil=True)
def evened_inks(picture):  # type: ignore[no-untyped-def]
    """A grey picture (height, width) of text on a flat ground in which the strongest ink within
    REACH of a column is as strong as the strongest of all, if it is not FAINT; else it itself.

    So a grey word beside a white one is read as surely as that.
    """
    height, width = picture.shape
    counts = counted(picture.ravel(), 256)
    ground = int(counts.argmax())
    if counts[max(ground - ALIKE, 0) : ground + ALIKE + 1].sum() < FLAT * picture.size:
        return picture
    columns, rows = np.zeros(width, np.int32), np.zeros(height, np.int32)
    for y in range(height):
        for x in range(width):
            ink = abs(np.int32(picture[y, x]) - ground)
            columns[x], rows[y] = max(columns[x], ink), max(rows[y], ink)
    most = columns.max()
    inked = np.flatnonzero(rows > FAINT * most)
    reach = int(REACH * (1 + inked[-1] - inked[0])) + 1 if most else 1
    around = np.empty(width, np.int32)
    for x in range(width):
        around[x] = columns[max(x - reach, 0) : x + reach + 1].max()
    factors = np.ones(width, np.float32)
    for x in range(width):
        if FAINT * most < around[x] < most:
            factors[x] = most / around[x]
    if (factors == 1).all():
        return picture
    even = np.empty_like(picture)
    for y in range(height):
        for x in range(width):
            shade = ground + factors[x] * (np.float32(picture[y, x]) - ground)
            even[y, x] = np.uint8(np.rint(min(max(shade, 0), 255)))
    return even
