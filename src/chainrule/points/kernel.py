"""The compiled kernel: per-sample SGD with both error counts exact after every step.

One step changes the sign of few outputs, so few are computed. Rings of points, each inside the
one before: ring 0 holds all, and ring k + 1 is made of the points of ring k that are so near the
boundary that their sign may soon change. The innermost ring is counted at every step; the signs
outside it are known until the network has moved too far, then rings are made again.

The output at a point x has moved since ring k + 1 was made, at parameters P', by at most

    |db_out| + sum_j  |dw_j| H'_j(x)  +  |w_j| |dz_j(x)|,       d = now - then

because w H - w' H' = (w - w') H' + w (H - H') and the ReLU does not stretch differences. With all
points in a box of centre c and half-widths r, let rho(x) = max_k |x_k - c_k| / r_k, from 0 at the
centre to 1 at the edge. H' is convex and |dz_j(x)| <= |dW_j . c + db_j| + rho sum_k |dW_jk| r_k, so

    moved(x) <= (1 - rho) A + rho E

with A the bound at the centre and E the one at the edge: `_moved` returns both. Ring k + 1 holds
the points with |y_hat| < theta (1 + slope rho). While A < theta and E < theta (1 + slope) no other
point can have changed sign: the counts are exact, not estimates. By the triangle inequality an
inner ring may use what its outer ring has left of A and of E. The slopes follow E / A, the thetas
the cost: a small ring is cheap to count but must be made again soon. When even ring 1 does not
last, all points are counted for some steps. Points are kept cell by cell of a grid, so those near
the boundary are together: making a ring first finds which sixteens of points have any, and then
copies from these alone.

Exact means: the sign of the float64 sum in the order that `_outputs` states, with no fused
multiply-add, as a plain loop over all points would find it. Each threshold is reached early by
1e-9 of the size of the terms (`_TINY`: of the terms then in `_remember` and in H', of their
change in `_moved`), far above the rounding of the sums for h + d up to a million; so the outputs
that only choose a ring may be fused. Where that is not less than theta, or no number, all points
are counted. An output of exactly 0 counts as the negative class.

The innermost ring is counted in float32 first, and points again in float64 unless |y_hat| exceeds
what float32 can miss (`_narrow_error`): 2^-24 of the size of its terms for each of the at most
d + h + 5 roundings that a term goes through. Let m_k = max(1, the largest |x_k|), Q = 1 + sum_k
m_k^2 and T_j = |b_j| + sum_k |W_jk| m_k. The size is at most |b_out| + sum_j |w_j| T_j, and

    sum_j |w_j| T_j <= N / (2 sqrt Q),        N = sum_j Q w_j^2 + T_j^2

A step s changes b_out by s, w_j by at most |s| T_j and T_j by at most |s w_j| Q, so N grows by at
most (1 + |s| sqrt Q)^2: by less than e^(1/2) while sum |s| < 1 / (4 sqrt Q). Beyond that the ring
is counted in float64, as it is where N, Q or b_out^2 reaches `_NARROW_RANGE`: else no number is
above 1.3e10, and nothing overflows. What underflow loses (2^-126 an operation, even where denormal
numbers are flushed) is added.

Both errors are kept in one number: a positive point has the vote +1, a negative one -1, and a
validation point 2^26 times as much (a float64 holds the sums for up to 2^26 points of each kind).
All positive points are wrong until their output is positive; so wrong = (the votes of all
positive points) - (the votes of all points with a positive output).
"""

import numpy as np
from numba import njit

from chainrule.points.lanes import (
    WIDTH,
    address,
    below,
    compress,
    count,
    load,
    magnitude,
    multiply_add,
    positive,
    spread,
    store,
    sum_in_any_order,
    sum_in_order,
    unless,
    where_positive,
)

_RINGS = 2  # besides ring 0
_MAKING = 0.7  # what making a ring costs for each point of the outer ring; counting it costs 1
_OVERHEAD = 30  # and besides (both found by trial: the total is flat near them)
_LASTING, _PAUSE = 3, 63  # rings that last fewer steps do not pay; then up to so many without any
_TINY = 1e-9  # of the terms of a sum: far more than rounding can change
_NARROW = 6.5e-8  # the same for one rounding to float32, 2^-24, with room for the rest
_NARROW_RANGE = 1e20  # for the squares of the numbers: their products are far from overflow
_UNDERFLOW = 1e-17  # more than 2^-126, lost in each of a few operations, times two such numbers
_AT_ONCE = 2 * WIDTH  # points
_VALIDATION = 1 << 26  # the vote of a validation point; a training point's is 1


@njit(cache=True, nogil=True)
def sgd_steps(W_in, b_in, w_out, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """Take one SGD step for each index in `order`; change the parameters in place.

    W_in (h, d), b_in (h,), w_out (h,), b_out (1,), X (n, d), y (n,) in {-1, +1}: C-contiguous
    float64; order (T,) int64. Returns -1, or the step at which a number was no longer finite.
    """
    P = _packed(W_in, b_in, w_out)
    failed = _steps(P, b_out, X, y, order, learning_rate)
    if failed < 0 and not _finite(P, b_out):
        failed = len(order) - 1
    _unpack(P, W_in, b_in, w_out)
    return failed


@njit(cache=True, nogil=True)
def sgd_with_errors(  # type: ignore[no-untyped-def]
    W_in, b_in, w_out, b_out, X, y, order, learning_rate, points, labels, train_wrong, other_wrong
):
    """Take the same steps as `sgd_steps`, and count both errors after each.

    points (d, N) and labels (N,): the n training points, then the validation points.
    train_wrong, other_wrong (T,) int32: the number of wrong ones after each step, filled here.
    Returns -1, or the step at which a number was no longer finite (counts before it are valid).
    """
    P = _packed(W_in, b_in, w_out)
    failed, dead = _counted_steps(
        P, b_out, len(w_out), X, y, order, learning_rate, points, labels,
        train_wrong, other_wrong, np.zeros(_RINGS + 3, np.int64),
    )  # fmt: skip
    if dead:
        failed = _count_dead(
            P, b_out, len(w_out), y, order, learning_rate, failed, points, labels,
            train_wrong, other_wrong,
        )  # fmt: skip
    _unpack(P, W_in, b_in, w_out)
    return failed


@njit(cache=True, nogil=True)
def _steps(P, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """`sgd_steps` on packed parameters."""
    blocks, d = len(P), X.shape[1]
    p, o, x = address(P), address(b_out), address(X)
    for t in range(len(order)):
        i = order[t]
        finite, _ = _step(p, o, blocks, d, x, i * d, y[i], learning_rate)
        if not finite:
            return t
    return -1


@njit(cache=True, nogil=True)
def _counted_steps(  # type: ignore[no-untyped-def]
    P, b_out, h, X, y, order, learning_rate, points, labels, train_wrong, other_wrong, tally
):
    """`sgd_with_errors` on packed parameters: (the step that failed or -1, False).

    Or (a step, True): after this step no hidden unit was active on any training point.
    tally: how often ring 1, 2, ... was made, was not made for some steps, all points were counted,
    and the innermost ring in float32.
    """
    centre, reach, largest = _box(points)
    order_of_points = _neighbours(points, centre, reach)
    x, vote, whole = _rings(points, labels, len(y), order_of_points, centre, reach)
    then, then_o = np.zeros((_RINGS, *P.shape)), np.zeros(_RINGS)
    rounded_P, rounded_x = np.zeros(P.shape, np.float32), np.zeros(x.shape[1:], np.float32)
    return _count(
        P, b_out, h, X, y, order, learning_rate, points, train_wrong, other_wrong, tally,
        x, vote, np.empty(whole // WIDTH, np.int64), whole, then, then_o, rounded_P, rounded_x,
        centre, reach, largest,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _count(  # type: ignore[no-untyped-def]
    P, b_out, h, X, y, order, learning_rate, points, train_wrong, other_wrong, tally,
    ring_points, ring_votes, ring_found, whole, then_P, then_o, rounded_P, rounded_x,
    box_centre, box_reach, box_largest,
):  # fmt: skip
    """`_counted_steps` with its memory given, as pointers keep no array alive.

    limit[k], edge_limit[k]: while A and E since ring k + 1 was made stay below them it holds.
    """
    n, d, blocks, length = len(y), X.shape[1], len(P), ring_points.shape[2]
    p, o, examples = address(P), address(b_out), address(X)
    p32, x32, found = address(rounded_P), address(rounded_x), address(ring_found)
    x, vote, then, before = (
        address(ring_points), address(ring_votes), address(then_P), address(then_o)
    )  # fmt: skip
    centre, reach, largest = address(box_centre), address(box_reach), address(box_largest)
    positives = np.maximum(ring_votes[0], 0.0).sum()
    size = np.zeros(_RINGS + 1, np.int64)
    size[0] = whole
    limit, edge_limit = np.zeros(_RINGS), np.zeros(_RINGS)
    theta = 0.5 * 0.25 ** np.arange(_RINGS + 1)  # first guesses; they follow the cost from here on
    theta[_RINGS] = 0.0
    slope = np.ones(_RINGS)
    outside = np.zeros(_RINGS)  # the votes of the points that the next ring lacks
    work = np.zeros(_RINGS)  # what it cost to look inside ring k since it was looked at
    pause, resume, last = 0, -1, -_LASTING
    # of the innermost ring; nothing is known: the first step looks at every point
    made, inner_size, room, edge_room, missing = 0, 0, -np.inf, -np.inf, 0.0
    error, walk, walked = np.inf, 0.0, 0.0

    for t in range(len(order)):
        i = order[t]
        finite, step = _step(p, o, blocks, d, examples, i * d, y[i], learning_rate)
        if not finite:
            return t, False
        moved, edge = _moved(p, o, then, before, _RINGS - 1, blocks, d, centre, reach, largest)
        trusted = moved < room and edge < edge_room
        if not trusted and not edge < np.inf and not _finite(P, b_out):
            return t, False
        if not trusted and t >= resume:
            work[_RINGS - 1] = (t - made) * inner_size
            # the innermost ring that can still be trusted, with room for those inside it
            k = _RINGS - 1
            while True:
                if 0.0 < moved < np.inf and edge < np.inf:
                    slope[k] += 0.2 * (min(edge / moved - 1.0, 100.0) - slope[k])
                room, edge_room = np.inf, np.inf
                if k == 0:
                    break
                moved, edge = _moved(p, o, then, before, k - 1, blocks, d, centre, reach, largest)
                if (
                    moved + theta[k] < limit[k - 1]
                    and edge + theta[k] * (1.0 + slope[k]) < edge_limit[k - 1]
                ):
                    room, edge_room = limit[k - 1] - moved, edge_limit[k - 1] - edge
                    work[k - 1] += _MAKING * size[k] + _OVERHEAD
                    break
                k -= 1
            if k == 0:
                if _dead(P, points, n):
                    return t, True
                if t > resume and t - last < _LASTING:
                    pause = min(2 * pause + 1, _PAUSE)
                    resume = t + pause
                    room = -np.inf
                    tally[_RINGS] += 1
                else:
                    pause = pause if t == resume else 0
                    last = t
            while k < _RINGS and t >= resume:
                # the ring was too tight if making it cost more than looking at it, else too wide
                theta[k] *= 1.04 if _MAKING * size[k] + _OVERHEAD >= work[k] else 0.965
                theta[k] = min(max(theta[k], 1.5 * theta[k + 1], 1e-100), 1e100)
                size[k + 1], outside[k] = _make(
                    x, vote, found, k, size[k], length, d, p, o[0], h, theta[k], slope[k]
                )
                slack = _remember(p, o, then, before, k, blocks, d, centre, reach, largest)
                limit[k] = min(theta[k], room) - slack
                edge_limit[k] = min(theta[k] * (1.0 + slope[k]), edge_room) - slack
                room, edge_room = limit[k], edge_limit[k]
                work[k] = _MAKING * size[k + 1] + _OVERHEAD
                tally[k] += 1
                k += 1
            for f in range(d):
                for at in range(f * length, f * length + size[_RINGS], WIDTH):
                    store(x32, at, load(x, _RINGS * (d + 1) * length + at))
            error, walk = _narrow_error(p, o[0], h, d, blocks, largest)
            walked = 0.0
            made, inner_size, missing = t, size[_RINGS], positives - outside.sum()
        if room > 0.0 and edge_room > 0.0:
            walked += step
            if walked < walk:
                total = missing - _votes_narrow(
                    x, x32, vote, inner_size, length, d, p, p32, o[0], h, blocks, error
                )
                tally[_RINGS + 2] += 1
            else:
                total = missing - _votes(x, vote, _RINGS, inner_size, length, d, p, o[0], h)
        else:
            tally[_RINGS + 1] += 1
            total = positives - _votes(x, vote, 0, whole, length, d, p, o[0], h)
        wrong = np.int64(total)
        train_wrong[t], other_wrong[t] = wrong & (_VALIDATION - 1), wrong // _VALIDATION
    return -1, False


@njit(cache=True, nogil=True)
def _rings(points, labels, n, order, centre, reach):  # type: ignore[no-untyped-def]
    """Room for the rings, and ring 0; its size, a multiple of the points counted at once.

    x (rings, d + 1, N'): the features and rho, by `order`; vote (rings, N'). What fills up a ring
    has no vote.
    """
    d, N = points.shape
    whole = -(-N // _AT_ONCE) * _AT_ONCE
    x = np.zeros((_RINGS + 1, d + 1, whole + _AT_ONCE))
    vote = np.zeros((_RINGS + 1, whole + _AT_ONCE))
    for i in range(N):
        point = order[i]
        for f in range(d):
            x[0, f, i] = points[f, point]
            if reach[f] > 0.0:
                x[0, d, i] = max(x[0, d, i], min(abs(x[0, f, i] - centre[f]) / reach[f], 1.0))
        vote[0, i] = (1.0 if point < n else _VALIDATION) * (1.0 if labels[point] > 0.0 else -1.0)
    return x, vote, whole


@njit(cache=True, nogil=True)
def _neighbours(points, centre, reach):  # type: ignore[no-untyped-def]
    """An order of the points in which those near the boundary are together: cell by cell of a grid
    over the first two features, with about 16 points a cell."""
    d, N = points.shape
    side = int(np.sqrt(N / _AT_ONCE)) + 1
    cell = np.zeros(N, np.int64)
    for f in range(min(d, 2)):
        for i in range(N):
            place = 0.5 + 0.5 * (points[f, i] - centre[f]) / reach[f] if reach[f] > 0.0 else 0.0
            cell[i] = side * cell[i] + max(0, min(int(side * place), side - 1))
    begin = np.zeros(side * side + 1, np.int64)
    for i in range(N):
        begin[cell[i] + 1] += 1
    begin = np.cumsum(begin)
    order = np.empty(N, np.int64)
    for i in range(N):
        order[begin[cell[i]]] = i
        begin[cell[i]] += 1
    return order


@njit(cache=True, nogil=True)
def _packed(W_in, b_in, w_out):  # type: ignore[no-untyped-def]
    """The units side by side, so that a step takes a vector of them at once: (blocks, d + 4, 8).

    Rows: W_in by feature, b_in, w_out, then room for two values of H. Lanes beyond h stay 0.
    """
    h, d = W_in.shape
    P = np.zeros(((h + WIDTH - 1) // WIDTH, d + 4, WIDTH))
    for j in range(h):
        block, lane = j // WIDTH, j % WIDTH
        P[block, :d, lane] = W_in[j]
        P[block, d, lane], P[block, d + 1, lane] = b_in[j], w_out[j]
    return P


@njit(cache=True, nogil=True)
def _unpack(P, W_in, b_in, w_out):  # type: ignore[no-untyped-def]
    """Copy the parameters back from P."""
    h, d = W_in.shape
    for j in range(h):
        block, lane = j // WIDTH, j % WIDTH
        W_in[j] = P[block, :d, lane]
        b_in[j], w_out[j] = P[block, d, lane], P[block, d + 1, lane]


@njit(cache=True, nogil=True, inline="always")
def _step(p, o, blocks, d, x, example, label, learning_rate):  # type: ignore[no-untyped-def]
    """One SGD step on an example. Returns whether the output was finite, and |step|."""
    rows = (d + 4) * WIDTH
    b, w, H = d * WIDTH, (d + 1) * WIDTH, (d + 2) * WIDTH
    total = 0.0
    for block in range(0, blocks * rows, rows):
        z = load(p, block + b)
        for k in range(d):
            z += load(p, block + k * WIDTH) * x[example + k]
        z = where_positive(z, z)
        store(p, block + H, z)
        total = sum_in_order(total, load(p, block + w) * z)
    y_hat = total + o[0]
    if not abs(y_hat) < np.inf:
        return False, 0.0
    step = learning_rate * _slope(label, label * y_hat)
    o[0] -= step
    for block in range(0, blocks * rows, rows):
        weight, hidden = load(p, block + w), load(p, block + H)
        through = where_positive(hidden, weight * step)
        store(p, block + w, weight - hidden * step)
        store(p, block + b, load(p, block + b) - through)
        for k in range(d):
            store(p, block + k * WIDTH, load(p, block + k * WIDTH) - through * x[example + k])
    return True, abs(step)


@njit(cache=True, nogil=True, inline="always")
def _slope(label, margin):  # type: ignore[no-untyped-def]
    """ds/dy_hat = -y sigmoid(-y y_hat), from the side where exp cannot overflow."""
    e = np.exp(-abs(margin))
    return -label * ((e if margin > 0.0 else 1.0) / (1.0 + e))


@njit(cache=True, nogil=True, inline="always")
def _outputs(x, ring, i, length, d, p, o, h, fused):  # type: ignore[no-untyped-def]
    """y_hat at 16 points from point i of the ring that begins at x[ring], in two halves.

    The order of the sums is the same for every point and in `_step`: b, then W x by feature; then
    w H by unit, then b_out.
    """
    rows = (d + 4) * WIDTH
    left, right = spread(0.0), spread(0.0)
    for j in range(h):
        unit = (j >> 3) * rows + (j & 7)
        a = b = spread(p[unit + d * WIDTH])
        for f in range(d):
            weight, at = p[unit + f * WIDTH], ring + f * length + i
            a = _plus(a, load(x, at), weight, fused)
            b = _plus(b, load(x, at + WIDTH), weight, fused)
        weight = p[unit + (d + 1) * WIDTH]
        left = _plus(left, where_positive(a, a), weight, fused)
        right = _plus(right, where_positive(b, b), weight, fused)
    return left + o, right + o


@njit(cache=True, nogil=True, inline="always")
def _plus(total, values, weight, fused):  # type: ignore[no-untyped-def]
    """total + weight values, rounded twice unless it may be fused."""
    return multiply_add(values, weight, total) if fused else total + values * weight


@njit(cache=True, nogil=True)
def _votes(x, vote, k, size, length, d, p, o, h):  # type: ignore[no-untyped-def]
    """The sum of the votes in ring k with a positive output."""
    if d == 2:  # the same, compiled without the loops over features
        return _votes_of(x, vote, k, size, length, 2, p, o, h)
    return _votes_of(x, vote, k, size, length, d, p, o, h)


@njit(cache=True, nogil=True, inline="always")
def _votes_of(x, vote, k, size, length, d, p, o, h):  # type: ignore[no-untyped-def]
    ring, ring_vote = k * (d + 1) * length, k * length
    total = spread(0.0)
    for i in range(0, size, _AT_ONCE):
        left, right = _outputs(x, ring, i, length, d, p, o, h, False)
        total += where_positive(left, load(vote, ring_vote + i))
        total += where_positive(right, load(vote, ring_vote + i + WIDTH))
    return sum_in_any_order(total)


@njit(cache=True, nogil=True)
def _votes_narrow(x, x32, vote, size, length, d, p, p32, o, h, blocks, error):  # type: ignore[no-untyped-def]
    """`_votes` in the innermost ring: in float32, and again where that is not sure of the sign."""
    if d == 2:  # the same, compiled without the loops over features
        return _votes_narrow_of(x, x32, vote, size, length, 2, p, p32, o, h, blocks, error)
    return _votes_narrow_of(x, x32, vote, size, length, d, p, p32, o, h, blocks, error)


@njit(cache=True, nogil=True, inline="always")
def _votes_narrow_of(x, x32, vote, size, length, d, p, p32, o, h, blocks, error):  # type: ignore[no-untyped-def]
    rows = (d + 4) * WIDTH
    for block in range(0, blocks * rows, rows):
        for row in range(block, block + (d + 2) * WIDTH, WIDTH):
            store(p32, row, load(p, row))
    ring, ring_vote = _RINGS * (d + 1) * length, _RINGS * length
    unsure = spread(np.float32(error))
    total = spread(0.0)
    for i in range(0, size, _AT_ONCE):
        y_hat = spread(np.float32(o))
        for j in range(h):
            unit = (j >> 3) * rows + (j & 7)
            z = spread(p32[unit + d * WIDTH])
            for f in range(d):
                z = multiply_add(load(x32, f * length + i), p32[unit + f * WIDTH], z)
            y_hat = multiply_add(where_positive(z, z), p32[unit + (d + 1) * WIDTH], y_hat)
        wanted = positive(y_hat)
        if below(y_hat, unsure):
            left, right = _outputs(x, ring, i, length, d, p, o, h, False)
            wanted = positive(left) | positive(right) << WIDTH
        total += unless(~wanted, load(vote, ring_vote + i))
        total += unless(~wanted >> WIDTH, load(vote, ring_vote + i + WIDTH))
    return sum_in_any_order(total)


@njit(cache=True, nogil=True)
def _narrow_error(p, o, h, d, blocks, largest):  # type: ignore[no-untyped-def]
    """By how much float32 can miss an output while the sum of |step| from now on is below a limit.

    Returns both; the limit is 0 if float32 might overflow.
    """
    rows = (d + 4) * WIDTH
    b, w = d * WIDTH, (d + 1) * WIDTH
    Q = 1.0
    for f in range(d):
        Q += max(largest[f], 1.0) ** 2
    size = spread(0.0)
    for block in range(0, blocks * rows, rows):
        T = magnitude(load(p, block + b))
        for f in range(d):
            T += magnitude(load(p, block + f * WIDTH)) * max(largest[f], 1.0)
        weight = load(p, block + w)
        size += weight * weight * Q + T * T
    N = sum_in_any_order(size)
    if not (N < _NARROW_RANGE and Q < _NARROW_RANGE and o * o < _NARROW_RANGE):
        return np.inf, 0.0
    terms = 0.85 * N / np.sqrt(Q) + abs(o) + 1.0
    return _NARROW * (h + d + 5) * terms + h * (d + 1) * _UNDERFLOW, 0.25 / np.sqrt(Q)


@njit(cache=True, nogil=True)
def _make(x, vote, found, k, size, length, d, p, o, h, theta, slope):  # type: ignore[no-untyped-def]
    """Make ring k + 1 of the points of ring k with |y_hat| < theta (1 + slope rho).

    found: room for two numbers for every 16 points. Returns the ring's size and the votes of the
    other points with a positive output.
    """
    if d == 2:  # the same, compiled without the loops over features
        return _make_of(x, vote, found, k, size, length, 2, p, o, h, theta, slope)
    return _make_of(x, vote, found, k, size, length, d, p, o, h, theta, slope)


@njit(cache=True, nogil=True, inline="always")
def _make_of(x, vote, found, k, size, length, d, p, o, h, theta, slope):  # type: ignore[no-untyped-def]
    old, new = k * (d + 1) * length, (k + 1) * (d + 1) * length
    old_vote, new_vote = k * length, (k + 1) * length
    total = spread(0.0)
    some = 0  # how often 16 points have near ones among them: first to be found, then to be copied
    for i in range(0, size, _AT_ONCE):
        left, right = _outputs(x, old, i, length, d, p, o, h, True)
        rho, votes = old + d * length + i, old_vote + i
        near = below(left, load(x, rho) * (theta * slope) + theta)
        total += unless(near, where_positive(left, load(vote, votes)))
        other = below(right, load(x, rho + WIDTH) * (theta * slope) + theta)
        total += unless(other, where_positive(right, load(vote, votes + WIDTH)))
        near |= other << WIDTH
        found[2 * some], found[2 * some + 1] = i, near
        some += near != 0
    kept = 0
    for number in range(some):
        i, near = found[2 * number], found[2 * number + 1]
        for half in (0, WIDTH):
            for f in range(d + 1):
                values = load(x, old + f * length + i + half)
                store(x, new + f * length + kept, compress(values, near))
            store(vote, new_vote + kept, compress(load(vote, old_vote + i + half), near))
            kept += count(near & (1 << WIDTH) - 1)
            near >>= WIDTH
    for at in range(kept, kept + _AT_ONCE, WIDTH):
        for f in range(d + 1):
            store(x, new + f * length + at, spread(0.0))
        store(vote, new_vote + at, spread(0.0))
    return -(-kept // _AT_ONCE) * _AT_ONCE, sum_in_any_order(total)


@njit(cache=True, nogil=True, inline="always")
def _moved(p, o, then, before, k, blocks, d, centre, reach, largest):  # type: ignore[no-untyped-def]
    """A and E: how far the output can have moved since ring k + 1 was made from ring k."""
    rows = (d + 4) * WIDTH
    b, w, H = d * WIDTH, (d + 1) * WIDTH, (d + 2) * WIDTH
    old = k * blocks * rows
    moved, at_edge = spread(0.0), spread(0.0)
    for block in range(0, blocks * rows, rows):
        middle = load(p, block + b) - load(then, old + block + b)
        edge, nudge = spread(0.0), spread(0.0)
        for f in range(d):
            change = load(p, block + f * WIDTH) - load(then, old + block + f * WIDTH)
            middle += change * centre[f]
            edge += magnitude(change) * reach[f]
            nudge += magnitude(change) * largest[f]
        weight = load(p, block + w)
        turned = magnitude(weight - load(then, old + block + w))
        weight, middle = magnitude(weight), magnitude(middle) + nudge * _TINY
        moved += turned * load(then, old + block + H) + weight * middle
        at_edge += turned * load(then, old + block + H + WIDTH) + weight * (middle + edge)
    bias = abs(o[0] - before[k])
    more = 1.0 + _TINY
    return (sum_in_any_order(moved) + bias) * more, (sum_in_any_order(at_edge) + bias) * more


@njit(cache=True, nogil=True)
def _remember(p, o, then, before, k, blocks, d, centre, reach, largest):  # type: ignore[no-untyped-def]
    """Copy the parameters, and H at the centre and the largest at the edge; return the slack.

    then[k] (blocks, d + 4, 8) holds the rows W, b, w, these two; before[k] holds b_out.
    """
    rows = (d + 4) * WIDTH
    b, w, H = d * WIDTH, (d + 1) * WIDTH, (d + 2) * WIDTH
    old = k * blocks * rows
    before[k] = o[0]
    size = spread(0.0)
    for block in range(0, blocks * rows, rows):
        middle = load(p, block + b)
        store(then, old + block + b, middle)
        terms = magnitude(middle)
        edge = spread(0.0)
        for f in range(d):
            weight = load(p, block + f * WIDTH)
            store(then, old + block + f * WIDTH, weight)
            middle += weight * centre[f]
            edge += magnitude(weight) * reach[f]
            terms += magnitude(weight) * largest[f]
        weight = load(p, block + w)
        store(then, old + block + w, weight)
        edge += middle
        store(then, old + block + H, where_positive(middle, middle) + terms * _TINY)
        store(then, old + block + H + WIDTH, where_positive(edge, edge) + terms * _TINY)
        size += magnitude(weight) * terms
    return (sum_in_any_order(size) + abs(o[0])) * _TINY


@njit(cache=True, nogil=True)
def _box(points):  # type: ignore[no-untyped-def]
    """Centre and half-widths of the box that holds all points (d, N), and the largest |x|."""
    d = len(points)
    centre, reach, largest = np.empty(d), np.empty(d), np.empty(d)
    for k in range(d):
        low, high = points[k].min(), points[k].max()
        centre[k] = 0.5 * low + 0.5 * high
        largest[k] = max(abs(low), abs(high))
        reach[k] = max(high - centre[k], centre[k] - low) + _TINY * largest[k]
    return centre, reach, largest


@njit(cache=True, nogil=True)
def _finite(P, b_out):  # type: ignore[no-untyped-def]
    """Are all parameters finite?"""
    return np.isfinite(P).all() and np.isfinite(b_out[0])


@njit(cache=True, nogil=True)
def _dead(P, points, n):  # type: ignore[no-untyped-def]
    """Is no hidden unit active on any of the first n points?"""
    d = len(points)
    for block in range(len(P)):
        for j in range(WIDTH):
            for i in range(n):
                z = P[block, d, j]
                for k in range(d):
                    z += P[block, k, j] * points[k, i]
                if z > 0.0:
                    return False
    return True


@njit(cache=True, nogil=True)
def _count_dead(  # type: ignore[no-untyped-def]
    P, b_out, h, y, order, learning_rate, first, points, labels, train_wrong, other_wrong
):
    """The rest of a dead run: only b_out moves, so the counts follow from its sign.

    At a validation point that still has active units y_hat = s + b_out with a fixed s, and the
    rounded sum is positive just when s > -b_out: two sorted lists of s give the count.
    Returns -1, or the step at which b_out was no longer finite.
    """
    n, N = len(y), len(labels)
    centre, reach, _ = _box(points)
    x, _, whole = _rings(points, labels, n, np.arange(N), centre, reach)
    sums = np.empty(whole)
    _sums(x, whole, P, h, sums)
    positive = np.sort(sums[n:N][labels[n:] > 0.0])
    negative = np.sort(sums[n:N][labels[n:] < 0.0])
    n_positive = (y > 0.0).sum()
    for t in range(first, len(order)):
        if t > first:
            label = y[order[t]]
            b_out[0] -= learning_rate * _slope(label, label * b_out[0])
            if not np.isfinite(b_out[0]):
                return t
        train_wrong[t] = n - n_positive if b_out[0] > 0.0 else n_positive
        missed = np.searchsorted(positive, -b_out[0], side="right")
        false = len(negative) - np.searchsorted(negative, -b_out[0], side="right")
        other_wrong[t] = missed + false
    return -1


@njit(cache=True, nogil=True)
def _sums(x, whole, P, h, sums):  # type: ignore[no-untyped-def]
    """w H at all points."""
    d, length = x.shape[1] - 1, x.shape[2]
    for i in range(0, whole, _AT_ONCE):
        left, right = _outputs(address(x), 0, i, length, d, address(P), 0.0, h, False)
        store(address(sums), i, left)
        store(address(sums), i + WIDTH, right)
