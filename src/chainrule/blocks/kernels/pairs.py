"""The derivative of a convolution by its filters in bfloat16: products of pairs of numbers.

Where a processor multiplies bfloat16 it takes them in pairs, and adds up both products in float32.
Here the two are of windows r and r + 1, side by side in a row:

    dw[o, k, :] = sum over r = 0, 2, ... of   dy[r, o]     x[first pixel of window r, k rows on, :]
                                            + dy[r + 1, o] x[first pixel of window r + 1, ..., :]

The loops are those of `chainrule.blocks.kernels.convolution`, with (dy[r], dy[r + 1]) for dy, and
(x[p], x[p + stride]) for every pixel p of the padded images. So many images are laid out like this
at a time as stay in the cache until they are multiplied. A pixel is copied twice, not once for each
tap as in patches.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.blocks.kernels.convolution import first_pixels, products, runs_of_taps
from chainrule.blocks.kernels.memory import further
from chainrule.blocks.kernels.taps import taps_of
from chainrule.blocks.kernels.tile import VECTOR_BYTES
from chainrule.blocks.window import Window
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address

_CACHED = 256 << 10
"""Bytes of pairs of x at a time, in a cache of the second level."""


def weight_derivative_by_pairs(
    x: NDArray[np.uint16], dy: NDArray[np.uint16], window: Window
) -> NDArray[np.float32]:
    """dw (O, kh, kw, C) of the convolution of x (N, H, W, C), not padded yet; dy (N, H', W', O)."""
    (n, _, _, c), (_, rows, columns, o) = x.shape, dy.shape
    (sh, sw), (high, wide) = window.stride, window.extent
    seen = (rows - 1) * sh + high, (columns - 1) * sw + wide
    images = max(1, min(n, _CACHED // (4 * math.prod(seen) * c)))
    x_pairs = np.empty((images, *seen, c), np.uint32)
    dy_pairs = np.empty((images, rows, -(-columns // 2), o), np.uint32)
    filters = np.zeros((o, *window.kernel, c), np.float32)
    windows = first_pixels(x_pairs.shape, dy_pairs.shape, (sh, 2 * sw))
    in_x, in_w, length = runs_of_taps(x_pairs.shape, filters.shape, window.dilation)
    sizes = length, VECTOR_BYTES // 4, 1
    _sum(x, dy, filters, x_pairs, dy_pairs, windows, in_x, in_w, sizes, taps_of(window))
    return filters


@compiled
def _sum(  # type: ignore[no-untyped-def]
    x, dy, filters, x_pairs, dy_pairs, windows, in_x, in_w, sizes, taps
):
    """Add up the filters' derivatives, as many images at a time as the arrays of pairs hold."""
    images, outputs = len(x), len(filters)
    each = dy_pairs[0].size // outputs
    for first in range(0, images, len(x_pairs)):
        count = min(len(x_pairs), images - first)
        for n in range(count):
            _pair_pixels(x, first + n, x_pairs, n, taps)
            _pair_windows(dy, first + n, dy_pairs, n)
        own = windows[: count * each]
        products(x_pairs, own, dy_pairs, filters, in_x, in_w, sizes, 0, outputs)


@njit(nogil=True)
def _pair_pixels(x, image, pairs, to, taps):  # type: ignore[no-untyped-def]
    """Each pixel of a padded image with the one that a window further on sees in its place."""
    _, height, width, c = x.shape
    _, rows, columns, _ = pairs.shape
    seen = min(width, columns - taps.left)  # of the pixels of a row
    both = max(0, seen - taps.sw)
    for row in range(rows):
        h = row - taps.top
        found = further(address(pairs), (to * rows + row) * columns * c)
        if h < 0 or h >= height:
            for e in range(columns * c):
                found[e] = 0
            continue
        given = further(address(x), (image * height + h) * width * c)
        low, high = further(found, taps.left * c), further(given, taps.sw * c)
        for e in range(both * c):
            low[e] = given[e] | np.uint32(high[e]) << np.uint32(16)
        for e in range(both * c, (columns - taps.left) * c):
            low[e] = given[e] if e < seen * c else 0
        for e in range(-taps.left * c, min(0, columns - taps.left) * c):
            second = e + taps.sw * c
            low[e] = np.uint32(given[second]) << np.uint32(16) if 0 <= second < seen * c else 0


@njit(nogil=True)
def _pair_windows(dy, image, pairs, to):  # type: ignore[no-untyped-def]
    """Two windows of a row side by side; the last of an odd number with nothing."""
    _, rows, columns, o = dy.shape
    half = pairs.shape[2]
    for row in range(rows):
        given = further(address(dy), (image * rows + row) * columns * o)
        found = further(address(pairs), (to * rows + row) * half * o)
        for j in range(columns // 2):
            low, there = further(given, 2 * j * o), further(found, j * o)
            high = further(low, o)
            for e in range(o):
                there[e] = low[e] | np.uint32(high[e]) << np.uint32(16)
        if columns % 2:
            last, there = further(given, (columns - 1) * o), further(found, (half - 1) * o)
            for e in range(o):
                there[e] = last[e]
