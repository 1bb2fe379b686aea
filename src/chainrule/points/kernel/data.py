"""The points as the kernel keeps them: neighbours together, from the centre of all."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.points.kernel.lanes import POINTS


class Data(NamedTuple):
    """exact (N d,) float64: all points, neighbours together. x, votes, place: see `Points`.

    size: N. centre, reach, span (d,) float64: of the box that holds all points the middle c, then
    max |x - c|, and max |x| + 2 |c|. How many positive training and validation points there are.
    """

    exact: Any
    x: Any
    votes: Any
    place: Any
    size: int
    centre: Any
    reach: Any
    span: Any
    train_positives: float
    other_positives: float


@njit(nogil=True)
def arrange(points, labels, n):  # type: ignore[no-untyped-def]
    """points (d, N), labels (N,): n training points, then the validation points."""
    d, N = points.shape
    length = (N // POINTS + 2) * POINTS
    centre, reach, span = np.zeros(d), np.zeros(d), np.zeros(d)
    for k in range(d):
        low = high = points[k, 0]
        for i in range(N):
            low, high = min(low, points[k, i]), max(high, points[k, i])
        centre[k] = 0.5 * low + 0.5 * high
        reach[k] = max(high - centre[k], centre[k] - low)
        span[k] = max(abs(low), abs(high)) + 2.0 * abs(centre[k])
    order = _neighbours(points, centre, reach)
    exact, x, votes = (
        np.zeros(N * d),
        np.zeros(d * length, np.float32),
        np.zeros(2 * length, np.float32),
    )
    place = np.zeros(length, np.int32)
    train = other = 0.0
    for i in range(N):
        point = order[i]
        place[i] = i
        for k in range(d):
            exact[i * d + k] = points[k, point]
            x[k * length + i] = points[k, point] - centre[k]
        if point < n:
            votes[i] = 1.0 if labels[point] > 0.0 else -1.0
            train += labels[point] > 0.0
        else:
            votes[length + i] = 1.0 if labels[point] > 0.0 else -1.0
            other += labels[point] > 0.0
    return Data(exact, x, votes, place, N, centre, reach, span, train, other)


@njit(nogil=True)
def _neighbours(points, centre, reach):  # type: ignore[no-untyped-def]
    """An order of the points in which those near the boundary are together: cell by cell of a grid
    over the first two features, with about 16 points a cell."""
    d, N = points.shape
    side = int(np.sqrt(N / POINTS)) + 1
    cell = np.zeros(N, np.int64)
    for k in range(min(d, 2)):
        for i in range(N):
            place = 0.5 + 0.5 * (points[k, i] - centre[k]) / reach[k] if reach[k] > 0.0 else 0.0
            cell[i] = side * cell[i] + max(0, min(int(side * place), side - 1))
    begin = np.zeros(side * side + 1, np.int64)
    for i in range(N):
        begin[cell[i] + 1] += 1
    for k in range(side * side):
        begin[k + 1] += begin[k]
    order = np.zeros(N, np.int64)
    for i in range(N):
        order[begin[cell[i]]] = i
        begin[cell[i]] += 1
    return order
