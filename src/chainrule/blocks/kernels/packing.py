"""Patches of images as the rows of a matrix, and back: what makes a convolution a product.

Row r of the patches holds what window r sees, taps (k, m) in order and the channels of each: (k, m,
c). With the filters as rows w[o] of a matrix in the same order,

    y = patches w',        dw = dy' patches,        d patches = dy w

and each pixel's derivative is the sum of those of its places in the patches. A row may be longer
than its taps: the first number after them is 1, so that a bias is one column more of w and its
derivative one more of dw; what follows is 0.

Arrays are (N, H, W, C) in one piece, of float32, float64 or bfloat16 (as uint16).
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.blocks.kernels.memory import MOVED, further, move
from chainrule.blocks.kernels.numbers import number, put
from chainrule.blocks.kernels.taps import Taps
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address

SLACK = 64
"""Numbers behind the patches that `pack` may write: it copies in whole vectors."""

_LONG = 128


def line_of(taps: Taps, columns: int, width: int, channels: int, kind: Any) -> NDArray[Any]:
    """A row of pixels with what falls into the padding beside it, for `unpack` to add up in."""
    seen = (columns - 1) * taps.sw + (taps.kw - 1) * taps.dw + 1
    return np.zeros(max(width + taps.left, seen) * channels, kind)


@compiled
def pack(x, patches, taps, size, length, tail):  # type: ignore[no-untyped-def]
    """Write the patches of x, `length` numbers a row; size: rows and columns of windows.

    `patches` is flat and has SLACK numbers more than rows times length; x may be read as far, too.
    tail: what stands behind the taps in each row: 1 and zeros, SLACK of them.
    """
    images, height, width, c = x.shape
    rows, columns = size
    px, pp, ptail = address(x), address(patches), address(tail)
    # taps of a row of the window that lie side by side are copied in one run
    runs, run = (1, taps.kw * c) if taps.dw == 1 else (taps.kw, c)
    used, down = taps.kh * taps.kw * c, taps.dh * width * c
    for n in range(images):
        for i in range(rows):
            first = i * taps.sh - taps.top
            within = first >= 0 and first + (taps.kh - 1) * taps.dh < height
            for j in range(columns):
                to = further(pp, ((n * rows + i) * columns + j) * length)
                start = j * taps.sw - taps.left
                pixel = further(px, ((n * height + first) * width + start) * c)
                if within and start >= 0 and start + (taps.kw - 1) * taps.dw < width:
                    for k in range(taps.kh):
                        for m in range(runs):
                            seen = further(pixel, k * down + m * taps.dw * c)
                            _copy(seen, further(to, k * taps.kw * c + m * c), run)
                else:
                    _pack_border(pixel, to, first, start, height, width, c, taps)
                if length > used:
                    _copy(ptail, further(to, used), length - used)


@njit(nogil=True)
def _pack_border(pixel, to, first, start, height, width, c, taps):  # type: ignore[no-untyped-def]
    """One patch whose window reaches over the border, where there are zeros."""
    for k in range(taps.kh):
        h = first + k * taps.dh
        for m in range(taps.kw):
            w = start + m * taps.dw
            there = further(to, (k * taps.kw + m) * c)
            if 0 <= h < height and 0 <= w < width:
                _copy(further(pixel, (k * taps.dh * width + m * taps.dw) * c), there, c)
            else:
                for e in range(c):
                    there[e] = 0


@compiled
def unpack(patches, dx, taps, size, length, line):  # type: ignore[no-untyped-def]
    """dx: each pixel's sum over its places in the patches, in the kind of `line`.

    One row of pixels at a time, which stays in the cache in `line` (as `line_of` gives it): of the
    windows that see it, each adds a row of its taps.
    """
    images, height, width, c = dx.shape
    rows, columns = size
    pp, pd = address(patches), address(dx)
    before, pl = taps.left * c, address(line)
    runs, run = (1, taps.kw * c) if taps.dw == 1 else (taps.kw, c)
    for n in range(images):
        for h in range(height):
            for e in range(line.size):
                pl[e] = 0
            for k in range(taps.kh):
                above = h + taps.top - k * taps.dh
                i = above // taps.sh
                if above < 0 or above % taps.sh or i >= rows:
                    continue
                for j in range(columns):
                    seen = further(pp, ((n * rows + i) * columns + j) * length + k * taps.kw * c)
                    for m in range(runs):
                        there = further(pl, (j * taps.sw + m * taps.dw) * c)
                        given = further(seen, m * c)
                        for e in range(run):
                            there[e] += number(given, e)
            to, inside = further(pd, (n * height + h) * width * c), further(pl, before)
            for e in range(width * c):
                put(to, e, inside[e])


@njit(nogil=True)
def _copy(line, to, count):  # type: ignore[no-untyped-def]
    """Copy; short runs in whole vectors, up to a vector more than `count`, written over later."""
    if count >= _LONG:
        for e in range(count):
            to[e] = line[e]
        return
    for block in range(0, count, MOVED):
        move(further(line, block), further(to, block))
