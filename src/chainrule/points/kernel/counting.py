"""The active points at each of up to 32 steps, with the steps side by side.

In sixteen neighbouring points most units are active at all of them or at none, in all of the
steps. What the former add to y_hat is linear in x, with the same coefficients at all sixteen: their
sum is made once. Only the few units that change are evaluated point by point.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import (
    STEPS,
    UNITS,
    first_of,
    load_steps,
    multiply_add,
    spread_steps,
    store,
    transpose,
    where_positive,
    within,
)
from chainrule.points.kernel.step import features, output, unit_place
from chainrule.points.kernel.tally import ACTIVE_IN_PARTS, DECIDED, PARTS


class Room(NamedTuple):
    """Pointers to memory to work in.

    tile (blocks, d + 2, 8, 32) float32: the parameters, a row of 32 steps each. linear (d + 1, 32)
    float32. units (2, h + 1) int64: the places of the units that are active always, and of those
    that are sometimes. sign (32,) float32. H: see `output`.
    """

    tile: Any
    linear: Any
    units: Any
    sign: Any
    H: Any


@njit(nogil=True)
def count_active(work, part, n, margins):  # type: ignore[no-untyped-def]
    """Add up the votes of the active points, in n groups, with a positive output after each step.

    work.totals (2, 32) float32: the votes of training and of validation points, filled here.
    """
    points, room = work.active, work.room
    if n:
        _fill(room.tile, work.way, part, work.sizes)
    train = other = spread_steps(np.float32(0.0))
    valid = (1 << part.length) - 1
    last, error, changing, seen = -1, margins.constant, 0, 0
    for group in range(n):
        first, active = work.groups.first[group], work.groups.active[group]
        key, always, sometimes = _sort_units(group, active, work)
        if key != last:
            last, changing = key, sometimes
            error = _sum_linear(work, part, always, sometimes, margins)
        while active:
            i = first + first_of(active)
            active &= active - 1
            seen += 1
            y = _outputs(work, i, changing)
            doubtful = within(y, error) & valid
            if doubtful:
                store(room.sign, 0, y)
                _decide(doubtful, work, part, points.place[i])
                y = load_steps(room.sign, 0)
            train += where_positive(y, points.votes[i])
            other += where_positive(y, points.votes[points.length + i])
    store(work.totals, 0, train)
    store(work.totals, STEPS, other)
    work.tally[PARTS] += 1
    work.tally[ACTIVE_IN_PARTS] += seen


@njit(nogil=True, forceinline=True)
def _outputs(work, i, changing):  # type: ignore[no-untyped-def]
    """y_hat of an active point after each step, with `changing` units that are active sometimes."""
    d, h, tile, linear = (
        features(work.sizes.axes),
        work.sizes.hidden,
        work.room.tile,
        work.room.linear,
    )
    x, length = work.active.x, work.active.length
    y = load_steps(linear, d * STEPS)
    for k in range(d):
        y = multiply_add(load_steps(linear, k * STEPS), x[k * length + i], y)
    for unit in range(h + 1, h + 1 + changing):
        W = work.room.units[unit] * STEPS
        z = load_steps(tile, W + d * UNITS * STEPS)
        for k in range(d):
            z = multiply_add(load_steps(tile, W + k * UNITS * STEPS), x[k * length + i], z)
        w = load_steps(tile, W + (d + 1) * UNITS * STEPS)
        y = multiply_add(where_positive(z, z), w, y)
    return y


@njit(nogil=True, forceinline=True)
def _fill(tile, way, part, sizes):  # type: ignore[no-untyped-def]
    """The narrow states as rows of steps; what is beyond the last step has no meaning."""
    for step in range(0, part.length, UNITS):
        for k in range(0, sizes.state, UNITS):
            at = (part.slot + step) * way.stride + k
            transpose(way.narrow, at, way.stride, tile, k * STEPS + step, STEPS)


@njit(nogil=True, forceinline=True)
def _sort_units(group, active, work):  # type: ignore[no-untyped-def]
    """Which units are active always and which sometimes, at the active points of a group.

    Returns a number that stands for the answer, and how many of both there are; room.units has
    their places.
    """
    groups, units, h = work.groups, work.room.units, work.sizes.hidden
    always = sometimes = key = 0
    for j in range(h):
        in_some = groups.ever[group * h + j] & active != 0
        in_all = groups.always[group * h + j] & active == active
        units[always] = units[h + 1 + sometimes] = unit_place(j, work.sizes)
        always += in_all
        sometimes += in_some and not in_all
        key = key << 2 | in_some << 1 | in_all
    # two bits a unit: with more than 31 units each group has a number of its own
    return key if h <= 31 else -2 - group, always, sometimes


@njit(nogil=True, forceinline=True)
def _sum_linear(work, part, always, sometimes, margins):  # type: ignore[no-untyped-def]
    """b_out and what the units that are always active add to y_hat: coefficients of x, and of 1.

    Returns by how much an output can be wrong.
    """
    d, tile, units, h = (
        features(work.sizes.axes),
        work.room.tile,
        work.room.units,
        work.sizes.hidden,
    )
    for k in range(d + 1):  # the rows W_1, ..., W_d, b
        total = spread_steps(np.float32(0.0))
        if k == d:
            total = load_steps(work.way.narrow_b_out, part.slot)
        for unit in range(always):
            W = units[unit] * STEPS
            w = load_steps(tile, W + (d + 1) * UNITS * STEPS)
            total = multiply_add(load_steps(tile, W + k * UNITS * STEPS), w, total)
        store(work.room.linear, k * STEPS, total)
    error = margins.constant
    for unit in range(always):
        error += margins.unit[units[unit]]
    for unit in range(h + 1, h + 1 + sometimes):
        error += margins.unit[units[unit]]
    return error


@njit(nogil=True)
def _decide(doubtful, work, part, place):  # type: ignore[no-untyped-def]
    """Write +1 or -1 to room.sign at the doubtful steps: the sign of float64."""
    example = place * features(work.sizes.axes)
    while doubtful:
        t = first_of(doubtful)
        doubtful &= doubtful - 1
        slot = part.slot + t
        y_hat = output(
            work.way.states, slot * work.sizes.state, work.way.b_out[slot], work.room.H,
            work.sizes, work.exact, example,
        )  # fmt: skip
        work.tally[DECIDED] += 1
        work.room.sign[t] = np.float32(1.0 if y_hat > 0.0 else -1.0)
