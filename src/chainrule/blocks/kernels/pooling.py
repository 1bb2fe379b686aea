"""Max and average pooling, forwards and backwards. Arrays are (N, H, W, C) in one piece."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor

from chainrule.blocks.kernels import in_parts, pixels
from chainrule.blocks.kernels.memory import address, further
from chainrule.blocks.window import Window


class _Steps(NamedTuple):
    """A window as whole numbers: output i sees the pixels i * stride - before + k * dilation."""

    kh: int
    kw: int
    sh: int
    sw: int
    top: int
    left: int
    dh: int
    dw: int


def maxima(x: Tensor, window: Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The maxima (N, C, *size) and the place of each in its window, as a byte where that holds it.

    Of equal ones the first in reading order, of NaN the last.
    """
    array = pixels(x)
    n, _, _, c = array.shape
    kinds = np.uint8 if window.kernel[0] * window.kernel[1] <= 256 else np.int32
    y = np.empty((n, *size, c), array.dtype)
    place = np.empty(y.shape, kinds)
    steps = _steps(window)
    in_parts(n, array.size, lambda begin, end: _maxima(array, y, place, steps, begin, end))
    return _image(y).to(x.dtype), _image(place)


def to_maxima(dy: Tensor, place: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """dx (N, C, *size): each dy added where the maximum of its window lies."""
    array = pixels(dy)
    n, _, _, c = array.shape
    places = place.permute(0, 2, 3, 1).contiguous().numpy()
    dx = np.zeros((n, *size, c), array.dtype)
    # how far from the window's first pixel each of its pixels lies
    (kh, kw), (dh, dw) = window.kernel, window.dilation
    far = ((np.arange(kh) * dh)[:, None] * size[1] + np.arange(kw) * dw).ravel() * c
    steps = _steps(window)
    in_parts(
        n, array.size, lambda begin, end: _to_maxima(array, places, far, dx, steps, begin, end)
    )
    return _image(dx).to(dy.dtype)


def spread(dy: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
    """dx (N, C, *size): each dy added to every pixel of its window."""
    array = pixels(dy)
    n, _, _, c = array.shape
    dx = np.zeros((n, *size, c), array.dtype)
    steps = _steps(window)
    in_parts(n, dx.size, lambda begin, end: _spread(array, dx, steps, begin, end))
    return _image(dx).to(dy.dtype)


def _steps(window: Window) -> _Steps:
    top, _, left, _ = window.padding
    return _Steps(*window.kernel, *window.stride, top, left, *window.dilation)


def _image(array: Any) -> Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


@njit(cache=True, nogil=True)
def _maxima(x, y, place, s, begin, end):  # type: ignore[no-untyped-def]
    _, height, width, c = x.shape
    _, ho, wo, _ = y.shape
    px, py, pplace = address(x), address(y), address(place)
    for n in range(begin, end):
        for i in range(ho):
            out = (n * ho + i) * wo * c
            row, places = further(py, out), further(pplace, out)
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
        new, old = line[e], row[e]
        larger = (new > old) | np.isnan(new)
        row[e] = new if larger else old
        places[e] = at if larger else places[e]


@njit(nogil=True, inline="always")
def _reach(offset, stride, width, outputs):  # type: ignore[no-untyped-def]
    """The outputs j, from and to, whose pixel j * stride + offset lies in the image."""
    start = max(0, -(offset // stride))
    stop = min(outputs, (width - 1 - offset) // stride + 1)
    return start, stop


@njit(cache=True, nogil=True)
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
                    first[pfar[pplace[at]] + e] += pdy[at]
                    at += 1


@njit(cache=True, nogil=True)
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
