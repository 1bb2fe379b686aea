"""The way of the parameters: the steps of a block are taken first, and every state is kept.

No step needs the counts, so a block runs ahead of them. As all of its way is known then, how far
the parameters move need not be guessed.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import UNITS, load_units, store
from chainrule.points.kernel.step import all_finite, features, step


class Trajectory(NamedTuple):
    """Pointers to the states of a block: slot 0 before its first step, slot t + 1 after step t.

    states, b_out: float64, as `step` has them. narrow, narrow_b_out: rounded to float32, a state in
    `stride` numbers, with B = b + W . centre (the hidden sums at the centre of all points) for b.
    """

    states: Any
    b_out: Any
    narrow: Any
    narrow_b_out: Any
    stride: int


@njit(nogil=True)
def take_steps(way, sizes, H, centre, x, y, order, first, count, learning_rate):  # type: ignore[no-untyped-def]
    """Take `count` steps from slot 0. Returns how many were taken before y_hat was not finite."""
    for t in range(count):
        i = order[first + t]
        finite, b_out = step(
            way.states, t * sizes.state, (t + 1) * sizes.state, way.b_out[t], H, sizes,
            x, i * features(sizes.axes), y[i], learning_rate,
        )  # fmt: skip
        if not finite:
            return t
        way.b_out[t + 1], way.narrow_b_out[t + 1] = b_out, np.float32(b_out)
        _round(way, t + 1, sizes, centre)
    return count


@njit(nogil=True, forceinline=True)
def _round(way, slot, sizes, centre):  # type: ignore[no-untyped-def]
    """Write the narrow state of a slot."""
    d = features(sizes.axes)
    for block in range(sizes.blocks):
        place = block * (d + 2) * UNITS
        W, to = slot * sizes.state + place, slot * way.stride + place
        middle = load_units(way.states, W + d * UNITS)
        for k in range(d):
            row = load_units(way.states, W + k * UNITS)
            middle += row * centre[k]
            store(way.narrow, to + k * UNITS, row)
        store(way.narrow, to + d * UNITS, middle)
        store(way.narrow, to + (d + 1) * UNITS, load_units(way.states, W + (d + 1) * UNITS))


@njit(nogil=True)
def finite_slots(way, sizes, last):  # type: ignore[no-untyped-def]
    """How many of the slots 0, ..., last come before the first with a number that is not finite.

    Such a number never becomes finite again, so the last slot answers for all.
    """
    if _finite(way, sizes, last):
        return last + 1
    slot = 0
    while _finite(way, sizes, slot):
        slot += 1
    return slot


@njit(nogil=True)
def _finite(way, sizes, slot):  # type: ignore[no-untyped-def]
    b_out = way.b_out[slot]
    return abs(b_out) < np.inf and all_finite(way.states, slot * sizes.state, sizes.state)
