"""Words of different inks on one ground, brought to one strength."""

import numpy as np
from numba import njit

from chainrule.reader.picture.resample import counted

FLAT = 0.4
"""The share of pixels that are alike where a picture has a flat ground, as a screen has."""
ALIKE = 1 / 32
"""How far from each other the shades or colours of one ground may lie, of the strongest ink."""
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
    ground, shades = int(counts.argmax()), np.flatnonzero(counts)
    strongest = max(shades[-1] - ground, ground - shades[0])
    alike = int(ALIKE * strongest)
    if counts[max(ground - alike, 0) : ground + alike + 1].sum() < FLAT * picture.size:
        return picture
    darkest, lightest = np.full(width, ground, np.uint8), np.full(width, ground, np.uint8)
    rows = np.empty(height, np.int32)
    for y in range(height):
        least, most = np.uint8(255), np.uint8(0)
        for x in range(width):  # (of bytes: several at a time)
            shade = picture[y, x]
            darkest[x], lightest[x] = min(darkest[x], shade), max(lightest[x], shade)
            least, most = min(least, shade), max(most, shade)
        rows[y] = max(ground - least, most - ground)
    inks = np.maximum(ground - darkest.astype(np.int32), lightest.astype(np.int32) - ground)
    inked = np.flatnonzero(rows > FAINT * strongest)
    reach = int(REACH * (1 + inked[-1] - inked[0])) + 1 if strongest else 1
    around = np.empty(width, np.int32)
    for x in range(width):
        around[x] = inks[max(x - reach, 0) : x + reach + 1].max()
    factors = np.ones(width, np.float32)
    for x in range(width):
        if FAINT * strongest < around[x] < strongest:
            factors[x] = strongest / around[x]
    if (factors == 1).all():
        return picture
    even = np.empty_like(picture)
    for y in range(height):
        for x in range(width):
            shade = ground + factors[x] * (np.float32(picture[y, x]) - ground)
            even[y, x] = np.uint8(np.rint(min(max(shade, 0), 255)))
    return even
