"""Batch normalisation, with the ReLU behind it, in few passes over the memory.

Per channel, over the M entries of the batch, with r = (v + epsilon)^(-1/2) and x_hat = (x - mu) r:

    y  = max(low, a x + b),                  a = w r,  b = bias - mu a
    g  = dy where a x + b > low, else 0
    dx = a (g - x_hat dw / M - db / M),      dw = sum g x_hat,  db = sum g

(`BatchNormalization` derives it.) low is 0 with a ReLU and minus infinity without. The last line is
linear in g and x, dx = a g + c x + d, so each pass is one multiply-add or two for each entry.

x lies with the channels last, and a loop over C of them would be short. So what belongs to channels
comes `repeated`: several times in a row, for as many pixels at once.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.blocks.kernels.memory import further
from chainrule.blocks.kernels.numbers import number, put
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address

_PERIOD = 256  # numbers that a loop takes at once, about
_BLOCKS = 256  # summed in float32 before they are added to the float64 sums
_AT_ONCE = 4  # of these blocks, so that a sum is read and written once for them


def repeated(channels: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers of channels, as often as fills a loop."""
    found = np.empty((max(1, _PERIOD // len(channels)), len(channels)), np.float32)
    found[:] = channels
    return found.reshape(-1)


def moments(x: NDArray[Any], channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of each channel, and the sum of squares around it; 0 of nothing."""
    repeats = max(1, _PERIOD // channels)
    sums, part = np.zeros(channels * repeats), np.zeros(channels * repeats, np.float32)
    _sum(x, sums, part)
    mean = _folded(sums, channels) / max(1, x.size // channels)
    squares = np.zeros(channels * repeats)
    _sum_squares(x, repeated(mean), squares, part)
    return mean, _folded(squares, channels)


def derivative_sums(
    dy: NDArray[Any], x: NDArray[Any], a: Any, b: Any, low: float, r: Any, mean: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """db and dw of each channel, for channels' numbers a, b, r and mean."""
    channels = len(a)
    repeats = max(1, _PERIOD // channels)
    db, dw = np.zeros((2, channels * repeats))
    parts = np.zeros((2, channels * repeats), np.float32)
    in_x_hat = repeated(r), repeated(-np.asarray(mean) * r)
    _sum_derivatives(dy, x, repeated(a), repeated(b), np.float32(low), *in_x_hat, db, dw, parts)
    return _folded(db, channels), _folded(dw, channels)


def _folded(sums: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    total: NDArray[np.float64] = sums.reshape(-1, channels).sum(0)
    return total


@compiled
def scale(x, y, a, b, low):  # type: ignore[no-untyped-def]
    """y = max(low, a x + b); NaN stays."""
    px, py, pa, pb = address(x), address(y), address(a), address(b)
    for start in range(0, x.size, a.size):
        given, found = further(px, start), further(py, start)
        for e in range(min(a.size, x.size - start)):
            value = pa[e] * number(given, e) + pb[e]
            put(found, e, low if value < low else value)


@compiled
def scale_back(dy, x, dx, a, b, low, c, d):  # type: ignore[no-untyped-def]
    """dx = a g + c x + d."""
    pdy, px, pdx = address(dy), address(x), address(dx)
    pa, pb, pc, pd = address(a), address(b), address(c), address(d)
    for start in range(0, x.size, a.size):
        given, seen, found = further(pdy, start), further(px, start), further(pdx, start)
        for e in range(min(a.size, x.size - start)):
            value = number(seen, e)
            g = number(given, e) if pa[e] * value + pb[e] > low else np.float32(0)
            put(found, e, pa[e] * g + (pc[e] * value + pd[e]))


@compiled
def _sum(x, sums, part):  # type: ignore[no-untyped-def]
    px, pp = address(x), address(part)
    for first in range(0, x.size, part.size * _BLOCKS):
        part[:] = 0
        for start in range(first, min(x.size, first + part.size * _BLOCKS), part.size):
            given = further(px, start)
            for e in range(min(part.size, x.size - start)):
                pp[e] += number(given, e)
        sums += part


@compiled
def _sum_squares(x, mean, sums, part):  # type: ignore[no-untyped-def]
    px, pp, pm = address(x), address(part), address(mean)
    for first in range(0, x.size, part.size * _BLOCKS):
        part[:] = 0
        for start in range(first, min(x.size, first + part.size * _BLOCKS), part.size):
            given = further(px, start)
            for e in range(min(part.size, x.size - start)):
                away = number(given, e) - pm[e]
                pp[e] += away * away
        sums += part


@compiled
def _sum_derivatives(  # type: ignore[no-untyped-def]
    dy, x, a, b, low, r, away, db, dw, parts
):
    pdy, px = address(dy), address(x)
    numbers = address(a), address(b), low, address(r), address(away)
    sums = address(parts), further(address(parts), a.size)
    several = _AT_ONCE * a.size
    for first in range(0, x.size, a.size * _BLOCKS):
        parts[:] = 0
        end = min(x.size, first + a.size * _BLOCKS)
        whole = end - (end - first) % several
        for start in range(first, whole, several):
            _add_several(further(pdy, start), further(px, start), numbers, sums, a.size)
        for start in range(whole, end, a.size):
            left = min(a.size, end - start)
            _add_one(further(pdy, start), further(px, start), numbers, sums, left)
        db += parts[0]
        dw += parts[1]


def _adder(blocks: int) -> Any:
    """Compiled: add g and g x_hat of so many blocks, one after the other, to both sums."""

    @njit(nogil=True)
    def add(dy, x, numbers, sums, size):  # type: ignore[no-untyped-def]
        a, b, low, r, away = numbers
        of_b, of_w = sums
        for e in range(size):
            db = dw = np.float32(0)
            for block in range(blocks):
                value = number(x, block * size + e)
                above = a[e] * value + b[e] > low
                g = number(dy, block * size + e) if above else np.float32(0)
                db += g
                dw += g * (r[e] * value + away[e])
            of_b[e] += db
            of_w[e] += dw

    return add


_add_several, _add_one = _adder(_AT_ONCE), _adder(1)
