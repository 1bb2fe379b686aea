"""One SGD step, and the layout that lets it take eight hidden units at once.

A state of the network is a row of blocks. A block holds eight units side by side, as d + 2 rows of
eight numbers each: W_1, ..., W_d, b, w. Units beyond the last are 0 and stay 0. b_out stands apart.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from chainrule.io.compiled import compiled
from chainrule.io.pointers import address
from chainrule.points.kernel.lanes import (
    UNITS,
    load_units,
    store,
    sum_in_order,
    where_positive,
)


@compiled
def sgd_steps(W_in, b_in, w_out, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """Take one SGD step for each index in `order`; change the parameters in place.

    W_in (h, d), b_in (h,), w_out (h,), b_out (1,), X (n, d), y (n,) in {-1, +1}: C-contiguous
    float64; order (T,) int64. Returns -1, or the step at which a number was no longer finite.
    """
    sizes = sizes_of(len(W_in), W_in.shape[1])
    state, H = np.zeros(sizes.state), np.zeros(sizes.blocks * UNITS)
    pack(W_in, b_in, w_out, state, sizes)
    failed, now = _steps(state, H, sizes, b_out[0], X, y, order, learning_rate)
    if failed < 0 and not (all_finite(state, 0, sizes.state) and abs(now) < np.inf):
        failed = len(order) - 1
    unpack(state, 0, W_in, b_in, w_out, sizes)
    b_out[0] = now
    return failed


@njit(nogil=True)
def _steps(state, H, sizes, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """`sgd_steps` in one place of memory: -1 or the step that failed, and b_out."""
    p, hidden, x = address(state), address(H), address(X)
    for t in range(len(order)):
        i = order[t]
        example = i * features(sizes.axes)
        finite, b_out = step(p, 0, 0, b_out, hidden, sizes, x, example, y[i], learning_rate)
        if not finite:
            return t, b_out
    return -1, b_out


class Sizes(NamedTuple):
    """The hidden units, the features, the blocks of eight units and the numbers in a state.

    axes: a tuple of as many entries as there are features, or their number; see `features`.
    """

    hidden: int
    axes: Any
    blocks: int
    state: int


@njit(nogil=True, forceinline=True)
def sizes_of(hidden, axes):  # type: ignore[no-untyped-def]
    blocks = -(-hidden // UNITS)
    return Sizes(hidden, axes, blocks, blocks * (features(axes) + 2) * UNITS)


def features(axes: Any) -> int:
    """How many features: known while compiling if `axes` is a tuple, so loops over them vanish."""
    return len(axes) if isinstance(axes, tuple) else int(axes)


@overload(features)
def _features(axes):  # type: ignore[no-untyped-def]
    if isinstance(axes, types.BaseTuple):
        d = len(axes)
        return lambda axes: d
    return lambda axes: axes


@njit(nogil=True, forceinline=True)
def unit_place(j, sizes):  # type: ignore[no-untyped-def]
    """Where W_j1 lies in a state; W_j2, ..., b_j and w_j follow, each 8 further on."""
    return j // UNITS * (features(sizes.axes) + 2) * UNITS + j % UNITS


@njit(nogil=True)
def pack(W_in, b_in, w_out, states, sizes):  # type: ignore[no-untyped-def]
    """Write a network as the first of `states`, which are 0."""
    d = features(sizes.axes)
    for j in range(sizes.hidden):
        W = unit_place(j, sizes)
        for k in range(d):
            states[W + k * UNITS] = W_in[j, k]
        states[W + d * UNITS], states[W + (d + 1) * UNITS] = b_in[j], w_out[j]


@njit(nogil=True)
def unpack(states, slot, W_in, b_in, w_out, sizes):  # type: ignore[no-untyped-def]
    """Copy a network back from one of `states`."""
    d = features(sizes.axes)
    for j in range(sizes.hidden):
        W = slot * sizes.state + unit_place(j, sizes)
        for k in range(d):
            W_in[j, k] = states[W + k * UNITS]
        b_in[j], w_out[j] = states[W + d * UNITS], states[W + (d + 1) * UNITS]


@njit(nogil=True)
def all_finite(numbers, first, count):  # type: ignore[no-untyped-def]
    """Are the numbers from `first` on finite?"""
    finite = True
    for k in range(first, first + count):
        finite &= abs(numbers[k]) < np.inf
    return finite


@njit(nogil=True, forceinline=True)
def output(p, state, b_out, H, sizes, x, example):  # type: ignore[no-untyped-def]
    """y_hat of the example x[example], x[example + 1], ...; leaves the activations in H.

    This order of the sums is what the counts are exact for: b, then W x by feature; then w H by
    unit, from the left; then b_out; each product and each sum rounded to float64.
    """
    d = features(sizes.axes)
    total = 0.0
    for block in range(sizes.blocks):
        W = state + block * (d + 2) * UNITS
        z = load_units(p, W + d * UNITS)
        for k in range(d):
            z += load_units(p, W + k * UNITS) * x[example + k]
        z = where_positive(z, z)
        store(H, block * UNITS, z)
        total = sum_in_order(total, load_units(p, W + (d + 1) * UNITS) * z)
    return total + b_out


@njit(nogil=True, forceinline=True)
def step(p, old, new, b_out, H, sizes, x, example, label, learning_rate):  # type: ignore[no-untyped-def]
    """Take one SGD step from the state p[old] to p[new], which may be the same.

    With s = rate ds/dy_hat: b_out -= s, w -= s H, and where H > 0 b -= s w, W -= s w x. Returns
    whether y_hat was finite (if not, nothing is written), and the new b_out.
    """
    d = features(sizes.axes)
    y_hat = output(p, old, b_out, H, sizes, x, example)
    if not abs(y_hat) < np.inf:
        return False, b_out
    s = learning_rate * _slope(label, label * y_hat)
    for block in range(sizes.blocks):
        W = block * (d + 2) * UNITS
        b, w = W + d * UNITS, W + (d + 1) * UNITS
        weight, hidden = load_units(p, old + w), load_units(H, block * UNITS)
        through = where_positive(hidden, weight * s)
        store(p, new + w, weight - hidden * s)
        store(p, new + b, load_units(p, old + b) - through)
        for k in range(d):
            at = W + k * UNITS
            store(p, new + at, load_units(p, old + at) - through * x[example + k])
    return True, b_out - s


@njit(nogil=True, forceinline=True)
def _slope(label, margin):  # type: ignore[no-untyped-def]
    """ds/dy_hat = -y sigmoid(-y y_hat), from the side where exp cannot overflow."""
    e = np.exp(-abs(margin))
    return -label * ((e if margin > 0.0 else 1.0) / (1.0 + e))
