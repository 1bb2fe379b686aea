"""Which points can change sign: an active set, found by interval arithmetic.

During some steps the parameters stay in a box. Over all of the box, z_j = B_j + W_j . (x - c) is
within

    B_j + W_j . (x - c)  +-  (rad B_j + sum_k rad W_jk |x_k - c_k|)

of the box's centre; H_j = max(z_j, 0) lies between the same bounds cut off at 0, and

    b_out^- + sum_j (w_j^- H_j^-)  <=  y_hat  <=  b_out^+ + sum_j (w_j^+ H_j^+)

for w_j >= 0; for a negative w_j the bounds of H_j change places. A point whose bounds have the same
sign keeps its sign in all of the steps: it is counted once. The others are the active set.

The idea is that of safe screening: leave out what provably does not matter (L. El Ghaoui,
V. Viallon and T. Rabbani, "Safe feature elimination in sparse supervised learning", 2010). C. Elkan
("Using the triangle inequality to accelerate k-means", 2003) and G. Hamerly ("Making k-means even
faster", 2010) bound how far the means have moved; here the parameters lie in intervals (R. E.
Moore, "Interval analysis", 1966).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import (
    POINTS,
    UNITS,
    load_points,
    magnitude,
    multiply_add,
    positive,
    spread_points,
    store,
    where_positive,
)
from chainrule.points.kernel.step import features, unit_place


class Points(NamedTuple):
    """Pointers to points, and how far apart their rows are; a multiple of 16, and 16 to spare.

    x (d, length) float32, from the centre; votes (2, length) float32: of the training points +1 if
    positive and -1 if negative, else 0, and of the validation points the same; place (length,)
    int32: the row in the exact points. What fills up the last 16 has no vote.
    """

    x: Any
    votes: Any
    place: Any
    length: int


class Groups(NamedTuple):
    """Sixteens of points with active ones among them: pointers.

    first, active: where they begin, and which are active (bits). always, ever: for each of the h
    units the points at which it is active in all of the box, and those at which in some of it.
    """

    first: Any
    active: Any
    always: Any
    ever: Any


@njit(nogil=True)
def screen(points, size, box, work):  # type: ignore[no-untyped-def]
    """Find the active points. Returns in how many sixteens they are; work.groups says which.

    work.sums (2, 16) float32: both votes of the points that are positive in all of the box, by
    lane.
    """
    sizes, groups = work.sizes, work.groups
    train = other = spread_points(np.float32(0.0))
    n = 0
    for i in range(0, size, POINTS):
        low, high = _bounds(points, i, box, sizes, groups, n * sizes.hidden)
        train += where_positive(low, load_points(points.votes, i))
        other += where_positive(low, load_points(points.votes, points.length + i))
        known = positive(low) | positive(np.float32(0.0) - high)  # neither, if not a number
        groups.first[n] = i
        groups.active[n] = ~known & (1 << min(size - i, POINTS)) - 1
        n += groups.active[n] != 0  # the next overwrites a group without active points
    store(work.sums, 0, train)
    store(work.sums, POINTS, other)
    return n


@njit(nogil=True, forceinline=True)
def _bounds(points, i, box, sizes, groups, at):  # type: ignore[no-untyped-def]
    """The least and the most that y_hat can be at points i, ..., i + 15."""
    p, stride, d = box.rows, box.stride, features(sizes.axes)
    low, high = spread_points(box.low), spread_points(box.high)
    for j in range(sizes.hidden):
        W = unit_place(j, sizes)
        b, w = W + d * UNITS, W + (d + 1) * UNITS
        z, r = spread_points(p[b]), spread_points(p[stride + b])
        for k in range(d):
            x = load_points(points.x, k * points.length + i)
            z = multiply_add(x, p[W + k * UNITS], z)
            r = multiply_add(magnitude(x), p[stride + W + k * UNITS], r)
        least, most = z - r, z + r
        groups.always[at + j] = np.uint16(positive(least))
        groups.ever[at + j] = np.uint16(positive(most))
        least, most = where_positive(least, least), where_positive(most, most)
        high = multiply_add(most, p[2 * stride + w], high)
        high = multiply_add(least, p[3 * stride + w], high)
        low = multiply_add(least, p[4 * stride + w], low)
        low = multiply_add(most, p[5 * stride + w], low)
    return low, high


@njit(nogil=True)
def keep(points, n, work):  # type: ignore[no-untyped-def]
    """Copy the active points of n groups to work.active. Returns how many they are."""
    groups, chosen, kept = work.groups, work.chosen, work.active
    size = 0
    for group in range(n):
        first, active = groups.first[group], groups.active[group]
        for lane in range(POINTS):
            chosen[size] = first + lane
            size += active >> lane & 1
    for i in range(size):
        kept.place[i] = points.place[chosen[i]]
    for k in range(features(work.sizes.axes)):
        for i in range(size):
            kept.x[k * kept.length + i] = points.x[k * points.length + chosen[i]]
    for k in range(2):
        for i in range(size):
            kept.votes[k * kept.length + i] = points.votes[k * points.length + chosen[i]]
        for i in range(size, size + POINTS):  # what fills up the last sixteen
            kept.votes[k * kept.length + i] = np.float32(0.0)
    return size
