"""What rounding can do, bounded beforehand: a floating-point filter.

A sign is first looked for in float32. Where the result is farther from 0 than rounding can have
moved it, its sign is that of the exact sum and of the float64 sum; elsewhere float64 decides
(J. R. Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric
predicates", 1997; N. J. Higham, "Accuracy and stability of numerical algorithms", 2002, ch. 3).

A sum in which no term goes through more than n roundings is wrong by at most gamma_n times the sum
of its terms' sizes, gamma_n = n u / (1 - n u), u = 2^-24 in float32 and 2^-53 in float64. With
c the centre of the points and all bounds over the box of a block of steps, the sizes are

    T_j = |B_j| + sum_k |W_jk| max |x_k - c_k|            of z_j = B_j + W_j . (x - c)
    U_j = |B_j| + sum_k |W_jk| (max |x_k| + 2 |c_k|)      of the same in float64, with b and x
    |w_j| T_j, |w_j| U_j, |b_out|                         of the terms of y_hat

In a row of m products that are added one by one a term goes through at most m + 1 roundings, also
where the processor does not fuse the two. Where numbers underflow, each operation loses at most
2^-126, times what it is multiplied by later.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import UNITS
from chainrule.points.kernel.step import features, unit_place

_UNIT, _UNIT_64 = 2.0**-24, 2.0**-53
# 64 times 2^-126: the operations that a term goes through and that lose its underflow are fewer
_UNDERFLOW = 2.0**-120
# room for the roundings of these bounds themselves, in float64 and once to float32
_ROOM = 1.01
# the sum that is compared with it exceeds every number in float32: far from overflow at 3.4e38
_RANGE = 1e36


class Margins(NamedTuple):
    """Pointers to float32, radius (stride,) and unit (stride,), and four float32.

    radius: what is added to the half-widths of a box, so that the bounds on z_j hold after
    rounding; outwards, inwards, b_out: factors and a summand that do the same for y_hat.
    constant, unit: an output is wrong by at most `constant`, and `unit`, at its place, of each unit
    that may be active.
    """

    radius: Any
    unit: Any
    outwards: Any
    inwards: Any
    b_out: Any
    constant: Any


@njit(nogil=True)
def set_margins(work, part):  # type: ignore[no-untyped-def]
    """The margins for all boxes inside the box of some steps; infinite if float32 might overflow.

    work.reach[k] = max |x_k - c_k|, work.span[k] = max |x_k| + 2 |c_k|.
    """
    h, d = work.sizes.hidden, features(work.sizes.axes)
    b_out = 0.0
    for slot in range(part.slot, part.slot + part.length):
        b_out = max(b_out, abs(work.way.b_out[slot]))
    # z_j: inputs 2 roundings, centre or half-width 2, a row of d products d + 1, the sum of both 1
    of_z = 2.0 * gamma(d + 6, _UNIT)
    # y_hat: inputs 3, a row of h products and one of d products, and h sums of the bounds
    of_y = gamma(2 * h + d + 8, _UNIT)
    # float64: z_j and B_j, rows of d products each, and x - c; y_hat: a row of h products, b_out
    of_z_64, of_y_64 = gamma(2 * d + 4, _UNIT_64), gamma(h + 2, _UNIT_64)
    largest, lost = b_out, 0.0
    for j in range(h):
        W = unit_place(j, work.sizes)
        b, w = W + d * UNITS, _size(work, part, W + (d + 1) * UNITS)
        T = U = _size(work, part, b)
        factors = 1.0 + d  # what an underflow can be multiplied by, and how often there is one
        for k in range(d):
            size = _size(work, part, W + k * UNITS)
            T += size * work.reach[k]
            U += size * work.span[k]
            factors += size + work.reach[k]
        work.radius[b] = _ROOM * (of_z * T + of_z_64 * U) + _UNDERFLOW * factors
        error = _ROOM * w * (of_y * T + (of_z_64 + of_y_64) * U)
        work.unit[W] = error + _UNDERFLOW * (1.0 + w) * (factors + T)
        largest += (1.0 + w) * (factors + T)
        lost += _UNDERFLOW * (factors + T)
    # the bounds: inputs 3, a row of 2 h products; twice, as the terms that are summed are widened
    widening = gamma(2 * (2 * h + 4), _UNIT)
    if not (largest < _RANGE and widening < 1.0):
        none = np.float32(np.inf)
        return Margins(work.radius, work.unit, none, none, none, none)
    return Margins(
        work.radius,
        work.unit,
        np.float32(1.0 + widening),
        np.float32(1.0 - widening),
        np.float32(_ROOM * widening * b_out + lost),
        np.float32(_ROOM * of_y * b_out + _UNDERFLOW),
    )


@njit(nogil=True)
def gamma(n, unit):  # type: ignore[no-untyped-def]
    """What n roundings can do to a sum, of the sum of its terms' sizes (Higham, lemma 3.1)."""
    return n * unit / (1.0 - n * unit) if n * unit < 0.5 else np.inf


@njit(nogil=True)
def _size(work, part, k):  # type: ignore[no-untyped-def]
    """The largest size of a number in a box."""
    at = part.box * work.way.stride + k
    return max(abs(np.float64(work.low[at])), abs(np.float64(work.high[at])))
