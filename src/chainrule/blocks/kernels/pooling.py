"""Max and average pooling, forwards and backwards. Arrays are (N, H, W, C) in one piece.

What `maxima_in` and `to_maxima_alone` take may also be bfloat16, as uint16.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks.kernels import in_parts, pixels
from chainrule.blocks.kernels.memory import further
from chainrule.blocks.kernels.numbers import number, put
from chainrule.blocks.kernels.taps import Taps, taps_of
from chainrule.blocks.window import Window
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address


def maxima(x: Tensor, window: Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The maxima (N, C, *size) and the place of each in its window, as a byte where that holds it.

    Of equal ones the first in reading order, of NaN the last.
    """
    array = pixels(x)
    n, _, _, c = array.shape
    kinds = np.uint8 if window.kernel[0] * window.kernel[1] <= 256 else np.int32
    y = np.empty((n, *size, c), array.dtype)
    place = np.empty(y.shape, kinds)
    taps = taps_of(window)
    in_parts(n, array.size, lambda begin, end: maxima_in(array, y, place, taps, begin, end))
    return _image(y).to(x.dtype), _image(place)


def to_maxima(dy: Tensor, place: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """dx (N, C, *size): each dy added where the maximum of its window lies."""
    array = pixels(dy)
    n, _, _, c = array.shape
    places = place.permute(0, 2, 3, 1).contiguous().numpy()
    dx = np.zeros((n, *size, c), array.dtype)
    taps = taps_of(window)
    # how far from the window's first pixel each of its pixels lies
    rows, columns = np.arange(taps.kh) * taps.dh, np.arange(taps.kw) * taps.dw
    far = (rows[:, None] * dx.shape[2] + columns).ravel() * dx.shape[3]
    in_parts(n, array.size, lambda begin, end: _to_maxima(array, places, far, dx, taps, begin, end))
    return _image(dx).to(dy.dtype)


def spread(dy: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """dx (N, C, *size): each dy added to every pixel of its window."""
    array = pixels(dy)
    n, _, _, c = array.shape
    dx = np.zeros((n, *size, c), array.dtype)
    taps = taps_of(window)
    in_parts(n, dx.size, lambda begin, end: _spread(array, dx, taps, begin, end))
    return _image(dx).to(dy.dtype)


def maxima_in(
    x: NDArray[Any], y: NDArray[Any], place: NDArray[Any], taps: Taps, begin: int, end: int
) -> None:
    """Write the maxima of the images from `begin` to `end`, and their places."""
    wide = np.float64 if x.dtype == np.float64 else np.float32
    _maxima(x, y, place, np.empty(y.shape[2] * y.shape[3], wide), taps, begin, end)


def to_maxima_alone(dy: NDArray[Any], place: NDArray[Any], dx: NDArray[Any], taps: Taps) -> None:
    """dx = dy where the maximum of a window lies, else 0; the windows do not overlap."""
    (_, height, width, _), (_, rows, columns, _) = dx.shape, dy.shape
    kernel, stride, dilation = (taps.kh, taps.kw), (taps.sh, taps.sw), (taps.dh, taps.dw)
    beyond = rows * taps.sh - taps.top, columns * taps.sw - taps.left
    if kernel != stride or dilation != (1, 1) or beyond[0] < height or beyond[1] < width:
        dx[:] = 0  # some pixels lie in no window
    _to_maxima_alone(dy, place, dx, taps)


def _image(array: Any) -> Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


@compiled
def _maxima(x, y, place, best, s, begin, end):  # type: ignore[no-untyped-def]
    """`best` holds a row of y while it is looked for."""
    _, height, width, c = x.shape
    _, ho, wo, _ = y.shape
    px, py, pplace, row = address(x), address(y), address(place), address(best)
    for n in range(begin, end):
        for i in range(ho):
            out = (n * ho + i) * wo * c
            to, places = further(py, out), further(pplace, out)
            _begin_row(row, places, i, wo, c, s)
            for k in range(s.kh):
                h = i * s.sh - s.top + k * s.dh
                if h < 0 or h >= height:
                    continue
                line = (n * height + h) * width
                for m in range(s.kw):
                    start, stop = _reach(m * s.dw - s.left, s.sw, width, wo)
                    at = k * s.kw + m
                    # neighbours are neighbours in x, too, unless the stride steps over some
                    length = c if s.sw > 1 else max(0, stop - start) * c
                    for j in range(start, stop if s.sw > 1 else min(stop, start + 1)):
                        pixel = (line + j * s.sw - s.left + m * s.dw) * c
                        _larger(
                            further(px, pixel),
                            further(row, j * c),
                            further(places, j * c),
                            length,
                            at,
                        )
            for e in range(wo * c):
                put(to, e, row[e])


@njit(nogil=True, inline="always")
def _begin_row(row, places, i, outputs, channels, s):  # type: ignore[no-untyped-def]
    """Minus infinity, found at the first pixel of each window that lies in the image."""
    first = max(0, -((i * s.sh - s.top) // s.dh))
    for j in range(outputs):
        at = first * s.kw + max(0, -((j * s.sw - s.left) // s.dw))
        for e in range(j * channels, (j + 1) * channels):
            row[e] = -np.inf
            places[e] = at


@njit(nogil=True, inline="always")
def _larger(line, row, places, count, at):  # type: ignore[no-untyped-def]
    """Take line[e] in row[e], where it is larger or NaN, and note where it was found."""
    for e in range(count):
        new, old = number(line, e), row[e]
        larger = (new > old) | np.isnan(new)
        row[e] = new if larger else old
        places[e] = at if larger else places[e]


@njit(nogil=True, inline="always")
def _reach(offset, stride, width, outputs):  # type: ignore[no-untyped-def]
    """The outputs j, from and to, whose pixel j * stride + offset lies in the image."""
    start = max(0, -(offset // stride))
    stop = min(outputs, (width - 1 - offset) // stride + 1)
    return start, stop


@compiled
def _to_maxima(dy, place, far, dx, s, begin, end):  # type: ignore[no-untyped-def]
    _, height, width, c = dx.shape
    _, ho, wo, _ = dy.shape
    pdy, pplace, pfar, pdx = address(dy), address(place), address(far), address(dx)
    at = begin * ho * wo * c
    for n in range(begin, end):
        for i in range(ho):
            for j in range(wo):
                h, w = i * s.sh - s.top, j * s.sw - s.left
                first = further(pdx, ((n * height + h) * width + w) * c)
                for e in range(c):
                    there = pfar[pplace[at]] + e
                    put(first, there, number(first, there) + number(pdy, at))
                    at += 1


@compiled
def _to_maxima_alone(dy, place, dx, s):  # type: ignore[no-untyped-def]
    images, height, width, c = dx.shape
    _, ho, wo, _ = dy.shape
    pdy, pplace, pdx = address(dy), address(place), address(dx)
    for n in range(images):
        for i in range(ho):
            for k in range(s.kh):
                h = i * s.sh - s.top + k * s.dh
                if h < 0 or h >= height:
                    continue
                for j in range(wo):
                    out = ((n * ho + i) * wo + j) * c
                    given, places = further(pdy, out), further(pplace, out)
                    for m in range(s.kw):
                        w = j * s.sw - s.left + m * s.dw
                        if 0 <= w < width:
                            found = further(pdx, ((n * height + h) * width + w) * c)
                            at = k * s.kw + m
                            for e in range(c):
                                found[e] = given[e] if places[e] == at else 0


@compiled
def _spread(dy, dx, s, begin, end):  # type: ignore[no-untyped-def]
    _, height, width, c = dx.shape
    _, ho, wo, _ = dy.shape
    pdy, pdx = address(dy), address(dx)
    for n in range(begin, end):
        for i in range(ho):
            for k in range(s.kh):
                h = i * s.sh - s.top + k * s.dh
                if h < 0 or h >= height:
                    continue
                for m in range(s.kw):
                    start, stop = _reach(m * s.dw - s.left, s.sw, width, wo)
                    for j in range(start, stop):
                        w = j * s.sw - s.left + m * s.dw
                        given = further(pdy, ((n * ho + i) * wo + j) * c)
                        total = further(pdx, ((n * height + h) * width + w) * c)
                        for e in range(c):
                            total[e] += given[e]
