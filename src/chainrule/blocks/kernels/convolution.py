"""The derivative of a convolution by its filters, from images with the channels last.

Without groups, and for one pixel of dy, the taps (m, c) of a filter's row k meet kw C numbers that
lie side by side in x. So for each row k of the filters

    dw[o, k, :] = sum_r dy[r, o] x[first pixel of the window of r, k rows on, :]

where r runs over all windows of all images: a matrix product whose right rows overlap in memory,
and need no copy. (Where the taps are dilated, or there are groups, each tap by itself: the C
numbers of the group.) The windows are taken
a few at a time, so that their pixels are still in the cache for the next row k. Where a run of taps
is shorter than two vectors, these few windows are copied, so that all their taps are one run.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks.kernels import in_parts, pixels
from chainrule.blocks.kernels.memory import further
from chainrule.blocks.kernels.tile import ROWS, VECTOR_BYTES, VECTORS, make_tile
from chainrule.blocks.window import Window
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address

_WINDOWS = 128
"""Windows at a time: of 48 float32 each, what a tile reads of x takes 24 KiB."""


def weight_derivative(x: Tensor, dy: Tensor, window: Window, groups: int = 1) -> Tensor:
    """dw (O, C / groups, kh, kw) of the convolution of x (N, C, H, W), padded already.

    The sums run in the windows' order whatever the number of threads, which share the filters.
    """
    image, given = pixels(x), pixels(dy)
    c, o = image.shape[3], given.shape[3]
    filters = np.zeros((o, *window.kernel, c // groups), image.dtype)
    if groups == c == o:
        _each_channel(image, given, filters, window)
    else:
        _by_tiles(image, given, filters, window, groups)
    return torch.from_numpy(filters).permute(0, 3, 1, 2).to(x.dtype)


def _by_tiles(
    image: NDArray[Any], given: NDArray[Any], filters: NDArray[Any], window: Window, groups: int
) -> None:
    o = len(filters)
    in_x, in_w, length = runs_of_taps(image.shape, filters.shape, window.dilation)
    windows = first_pixels(image.shape, given.shape, window.stride)
    rows, lanes = given.reshape(-1, o), VECTOR_BYTES // image.itemsize

    def run(begin: int, end: int) -> None:
        # whole tiles, as far as they go: the parts are counted in these
        part = begin * ROWS, min(o, end * ROWS)
        products(image, windows, rows, filters, in_x, in_w, (length, lanes, groups), *part)

    in_parts(-(-o // ROWS), given.size * filters[0].size // 64, run)


def _each_channel(
    image: NDArray[Any], given: NDArray[Any], filters: NDArray[Any], window: Window
) -> None:
    """The depthwise convolution's dw: what is side by side in memory are the channels."""
    channels, kh, kw, _ = filters.shape
    by_tap = np.zeros((kh, kw, channels), filters.dtype)
    lanes = VECTOR_BYTES // image.itemsize
    shape = (*window.stride, *window.dilation)

    def run(begin: int, end: int) -> None:
        _channels(image, given, by_tap, shape, begin * lanes, min(channels, end * lanes))

    in_parts(-(-channels // lanes), given.size * kh * kw // 4, run)
    filters[:] = by_tap.transpose(2, 0, 1)[..., None]


def runs_of_taps(
    x_shape: tuple[int, ...], filters_shape: tuple[int, ...], dilation: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Where the taps that lie side by side begin, in x (N, H, W, C) and in a filter; their number.

    filters_shape: (O, kh, kw, C), or with the channels of one group.
    """
    (_, _, width, channels), (_, kh, kw, c), (dh, dw) = x_shape, filters_shape, dilation
    taps = [0] if dw == 1 and c == channels else range(kw)
    in_x = np.array([(k * dh * width + m * dw) * channels for k in range(kh) for m in taps])
    in_w = np.array([(k * kw + m) * c for k in range(kh) for m in taps])
    return in_x, in_w, kw * c // len(taps)


def first_pixels(
    x_shape: tuple[int, ...], dy_shape: tuple[int, ...], stride: tuple[int, int]
) -> NDArray[np.int64]:
    """Where the first pixel of every window lies in x (N, H, W, C)."""
    (n, height, width, c), (_, ho, wo, _), (sh, sw) = x_shape, dy_shape, stride
    images = np.arange(n)[:, None, None] * height
    rows = (images + np.arange(ho)[:, None] * sh) * width
    return ((rows + np.arange(wo) * sw) * c).ravel()


def _rows(vectors: int, cut: bool) -> Any:
    """Compiled: the rows begin to end of C, so many vectors wide, in tiles as tall as they go."""
    tall, four, two, one = (make_tile(rows, vectors, cut) for rows in (ROWS, 4, 2, 1))

    @njit(nogil=True)
    def rows(count, a, a_step, b, offsets, c, c_step, left, begin, end):  # type: ignore[no-untyped-def]
        m = begin
        while m + ROWS <= end:
            tall(count, further(a, m), a_step, b, offsets, further(c, m * c_step), c_step, left)
            m += ROWS
        while m + 4 <= end:
            four(count, further(a, m), a_step, b, offsets, further(c, m * c_step), c_step, left)
            m += 4
        while m + 2 <= end:
            two(count, further(a, m), a_step, b, offsets, further(c, m * c_step), c_step, left)
            m += 2
        if m < end:
            one(count, further(a, m), a_step, b, offsets, further(c, m * c_step), c_step, left)

    return rows


_whole, _cut_1, _cut_2 = _rows(VECTORS, False), _rows(1, True), _rows(2, True)
_cut_3 = _rows(3, True) if VECTORS > 2 else _cut_2


@njit(nogil=True)
def _columns(  # type: ignore[no-untyped-def]
    count, a, a_step, b, offsets, c, c_step, length, lanes, begin, end
):
    """C[begin:end, :length] += A' B, in columns of tiles."""
    n = 0
    while n + VECTORS * lanes <= length:
        here, there = further(b, n), further(c, n)
        _whole(count, a, a_step, here, offsets, there, c_step, 0, begin, end)
        n += VECTORS * lanes
    here, there, left = further(b, n), further(c, n), length - n
    if left > 2 * lanes:
        _cut_3(count, a, a_step, here, offsets, there, c_step, left - 2 * lanes, begin, end)
    elif left > lanes:
        _cut_2(count, a, a_step, here, offsets, there, c_step, left - lanes, begin, end)
    elif left > 0:
        _cut_1(count, a, a_step, here, offsets, there, c_step, left, begin, end)


@compiled
def products(  # type: ignore[no-untyped-def]
    x, windows, dy, dw, in_x, in_w, sizes, begin, end
):
    """dw[begin:end] += for each run of taps, dy' times the pixels that it meets."""
    length, lanes, _ = sizes
    taps = dw.size // dw.shape[0]
    short = length < 2 * lanes and in_x.size > 1
    copies = np.empty(_WINDOWS * taps if short else 0, x.dtype)
    in_copies = np.arange(0, _WINDOWS * taps, taps)
    _products(x, windows, dy, dw, in_x, in_w, sizes, begin, end, copies, in_copies)


@njit(nogil=True)
def _products(  # type: ignore[no-untyped-def]
    x, windows, dy, dw, in_x, in_w, sizes, begin, end, copies, in_copies
):
    """copies: room for what so many windows see, if all their taps are to be one run."""
    o, c = dw.shape[0], dw.shape[3]
    length, lanes, groups = sizes
    taps = dw.size // o
    px, pw, pdy, pdw = address(x), address(windows), address(dy), address(dw)
    pcopies, pin = address(copies), address(in_copies)
    for first in range(0, windows.size, _WINDOWS):
        count = min(_WINDOWS, windows.size - first)
        a, offsets = further(pdy, first * o), further(pw, first)
        for group in range(groups):
            start, stop = max(begin, group * o // groups), min(end, (group + 1) * o // groups)
            if start >= stop:
                continue
            own = further(px, group * c)
            if copies.size:
                _copy_windows(own, offsets, count, in_x, in_w, length, pcopies, taps)
                _columns(count, a, o, pcopies, pin, pdw, taps, taps, lanes, start, stop)
                continue
            for t in range(in_x.size):
                b, total = further(own, in_x[t]), further(pdw, in_w[t])
                _columns(count, a, o, b, offsets, total, taps, length, lanes, start, stop)


@njit(nogil=True)
def _copy_windows(  # type: ignore[no-untyped-def]
    x, offsets, count, in_x, in_w, length, copies, taps
):
    """What each window sees, all its taps in one run."""
    for r in range(count):
        for t in range(in_x.size):
            seen, copy = further(x, offsets[r] + in_x[t]), further(copies, r * taps + in_w[t])
            for e in range(length):
                copy[e] = seen[e]


@compiled
def _channels(x, dy, dw, steps, begin, end):  # type: ignore[no-untyped-def]
    """dw[k, m, c] = sum over n, i, j of dy[n, i, j, c] x[n, i sh + k dh, j sw + m dw, c]."""
    images, height, width, channels = x.shape
    _, ho, wo, _ = dy.shape
    kh, kw, _ = dw.shape
    sh, sw, dh, dv = steps
    px, pdy, pdw = address(x), address(dy), address(dw)
    for n in range(images):
        for i in range(ho):
            for k in range(kh):
                line = (n * height + i * sh + k * dh) * width
                for m in range(kw):
                    total = further(pdw, (k * kw + m) * channels)
                    for j in range(wo):
                        seen = further(px, (line + j * sw + m * dv) * channels)
                        given = further(pdy, ((n * ho + i) * wo + j) * channels)
                        for c in range(begin, end):
                            total[c] += given[c] * seen[c]
