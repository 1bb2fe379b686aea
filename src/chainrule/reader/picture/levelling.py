"""Light and contrast made even over a picture that is taken whole."""

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Values = NDArray[np.float32]

_LEAST_CONTRAST = 0.35  # of the largest there is, by which a picture's contrast is made even
_BLOCK = 32  # columns: their matrices are so small that no library takes threads for them


def levelled(shades: Values, inverted: bool) -> Values:
    """Ink about 1 and paper about 0, where light and contrast differ from place to place.

    From each pixel the mean around it (a Gaussian of 0.3 of the height) is taken, and the rest is
    divided by its own deviation around there, or by a share of the largest such deviation where
    that is more, so that empty paper does not become noise. Paper is the median, ink the side that
    reaches further, or if `inverted` the other, at the hundredth of the pixels that lie furthest
    there; what is beyond -0.5 and 1.5 is held there.
    """
    even = _even(shades)
    ordered = np.sort(even, axis=None)
    low, middle, high = (_quantile(ordered, share) for share in (0.01, 0.5, 0.99))
    ink = high if (high - middle > middle - low) != inverted else low
    reach = ink - middle
    even -= np.float32(middle)
    even *= np.float32(1 / (reach if abs(reach) > 1e-3 else 1.0))
    return np.clip(even, np.float32(-0.5), np.float32(1.5), out=even)


def _quantile(ordered: Values, share: float) -> float:
    """What a share of the values are below, between two of them in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return float(low + (place - below) * (high - low))


def _even(shades: Values) -> Values:
    """What differs from the mean around each pixel, by the deviation around it."""
    height = len(shades)
    away = shades - blurred(shades, 0.3 * height)
    around = np.sqrt(blurred(away * away, 0.5 * height))
    away /= np.maximum(around, np.float32(_LEAST_CONTRAST) * around.max() + 1)
    return away


def blurred(values: Values, deviation: float) -> Values:
    """Values (height, width) under a Gaussian of this deviation, cut off at four of them, as
    `cv2.GaussianBlur` does it; beyond the edge lies what is at the edge.

    Both ways it is a product of matrices: D V A with the weights D (height, height) of each row in
    each, what is beyond the edge included, and those A of the columns around each of _BLOCK.
    """
    height, width = values.shape
    down, across = _weights(height, deviation)
    reach, count = (len(across) - _BLOCK) // 2, -(-width // _BLOCK)
    wide = np.empty((height, count * _BLOCK + 2 * reach), np.float32)
    wide[:, reach : reach + width] = values
    wide[:, :reach], wide[:, reach + width :] = values[:, :1], values[:, -1:]
    row, column = wide.strides
    blocks = as_strided(wide, (count, height, len(across)), (_BLOCK * column, row, column))
    found: Values = np.matmul(down, blocks @ across, dtype=np.float32)
    return found.transpose(1, 0, 2).reshape(height, -1)[:, :width]


@lru_cache(maxsize=256)  # crops have few heights
def _weights(height: int, deviation: float) -> tuple[Values, Values]:
    """D and A of `blurred`."""
    reach = round(8 * deviation + 1) // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    down, across = np.zeros((height, height)), np.zeros((_BLOCK + 2 * reach, _BLOCK))
    for y in range(height):
        rows = np.clip(np.arange(y - reach, y + reach + 1), 0, height - 1)
        down[y] = np.bincount(rows, weights, height)
    for x in range(_BLOCK):
        across[x : x + 2 * reach + 1, x] = weights
    return down.astype(np.float32), across.astype(np.float32)
