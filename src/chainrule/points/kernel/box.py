"""The box of the parameters during some steps: the smallest and the largest of each.

Interval arithmetic works on its centre and half-widths (the radius).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import POINTS, larger, load_points, smaller, spread_points, store


class Box(NamedTuple):
    """A pointer to six rows of `stride` float32, in the layout of a narrow state, and two float32.

    Rows: the centre; the radius; of the largest of each number the positive and the negative part;
    of the smallest the same. low, high: b_out's. All are moved outwards by what rounding can do.
    """

    rows: Any
    stride: int
    low: Any
    high: Any


@njit(nogil=True)
def extremes(work, part):  # type: ignore[no-untyped-def]
    """The smallest and the largest of each number after some steps, to their rows of low, high."""
    values, stride = work.way.narrow, work.way.stride
    for k in range(0, stride, POINTS):
        a = b = load_points(values, part.slot * stride + k)
        for slot in range(part.slot + 1, part.slot + part.length):
            value = load_points(values, slot * stride + k)
            a, b = smaller(value, a), larger(value, b)
        store(work.low, part.box * stride + k, a)
        store(work.high, part.box * stride + k, b)


@njit(nogil=True)
def join(work, boxes):  # type: ignore[no-untyped-def]
    """The box of the boxes 0, ..., boxes - 1, as the next."""
    low, high, stride = work.low, work.high, work.way.stride
    for k in range(0, stride, POINTS):
        a, b = load_points(low, k), load_points(high, k)
        for box in range(1, boxes):
            a = smaller(load_points(low, box * stride + k), a)
            b = larger(load_points(high, box * stride + k), b)
        store(low, boxes * stride + k, a)
        store(high, boxes * stride + k, b)


@njit(nogil=True)
def make_box(work, part, margins):  # type: ignore[no-untyped-def]
    """The box of some steps."""
    rows, stride, b_out = work.rows, work.way.stride, work.way.narrow_b_out
    half, zero = np.float32(0.5), spread_points(np.float32(0.0))
    for k in range(0, stride, POINTS):
        a = load_points(work.low, part.box * stride + k)
        b = load_points(work.high, part.box * stride + k)
        centre = a * half + b * half
        store(rows, k, centre)
        store(rows, stride + k, b - centre + load_points(margins.radius, k))
        store(rows, 2 * stride + k, larger(b, zero) * margins.outwards)
        store(rows, 3 * stride + k, smaller(b, zero) * margins.inwards)
        store(rows, 4 * stride + k, larger(a, zero) * margins.inwards)
        store(rows, 5 * stride + k, smaller(a, zero) * margins.outwards)
    low = high = b_out[part.slot]
    for slot in range(part.slot + 1, part.slot + part.length):
        low, high = min(low, b_out[slot]), max(high, b_out[slot])
    return Box(rows, stride, low - margins.b_out, high + margins.b_out)
