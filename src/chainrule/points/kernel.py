"""The compiled kernel: per-sample SGD with both error counts exact after every step.

One step changes the sign of few outputs, so few are computed. Rings of points, each inside the
one before: ring 0 holds all; when ring k is looked at, its points with |y_hat| < theta_k become
ring k + 1. The innermost ring is looked at again when its nearest point could have crossed zero.

The output at any point x has moved since a look, at parameters P', by at most

    moved = |db_out| + sum_j  |dw_j| H'_max,j  +  |w_j| max_x |dz_j(x)|,       d = now - then

because w H - w' H' = (w - w') H' + w (H - H') and the ReLU does not stretch differences. With the
points in a box of centre c and half-widths r, |dz_j(x)| <= |dW_j . c + db_j| + sum_k |dW_jk| r_k.
While `moved` stays under theta_k no point outside ring k + 1 can have changed sign: the counts are
exact, not estimates. By the triangle inequality an inner ring may use what its outer ring has left.
The thetas follow the cost: small rings are cheap to look at but must be made again soon.

Exact means: the sign of the float64 sum in the order that `_outputs` states, with no fused
multiply-add, as a plain loop over all points would find it. Each threshold is reached early by
1e-9 of the size of the terms (`_TINY`, also in H_max and r, so that it covers the terms of the
later parameters too), far above the rounding of the sums for h + d up to a million.
An output of exactly 0 counts as the negative class.

Both errors are kept in one number: a positive point has the vote +1, a negative one -1, and a
validation point 2^32 times as much. All positive points are wrong until their output is positive;
so wrong = (the votes of all positive points) - (the votes of all points with a positive output).

Numba counts references to every array that a function takes unless it is inlined or its last
uses lie on one path, and that costs more than a small ring: what runs at every step is inlined.
"""

import numpy as np
from numba import njit

_LANES = 8  # units and the points of a ring come in whole vectors of 64 bytes
_RINGS = 2
_OVERHEAD = 60  # what a look costs besides its points, in points (measured)
_TINY = 1e-9  # of the terms of a sum: far more than rounding can change
_VALIDATION = 1 << 32  # the vote of a validation point; a training point's is 1
_WITHOUT_SIGN = 0x7FFFFFFFFFFFFFFF  # all bits of a float64 but its sign
_INFINITY = 0x7FF0000000000000  # its bits


@njit(cache=True, nogil=True)
def sgd_steps(W_in, b_in, w_out, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """Take one SGD step for each index in `order`; change the parameters in place.

    W_in (h, d), b_in (h,), w_out (h,), b_out (1,), X (n, d), y (n,) in {-1, +1}: C-contiguous
    float64; order (T,) int64. Returns -1, or the step at which a number was no longer finite.
    """
    P = _packed(W_in, b_in, w_out)
    failed = -1
    for t in range(len(order)):
        if not _step(P, b_out, len(w_out), X, y, order[t], learning_rate):
            failed = t
            break
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
    failed = _counted_steps(
        P, b_out, len(w_out), X, y, order, learning_rate, points, labels, train_wrong, other_wrong
    )
    _unpack(P, W_in, b_in, w_out)
    return failed


@njit(cache=True, nogil=True)
def _counted_steps(  # type: ignore[no-untyped-def]
    P, b_out, h, X, y, order, learning_rate, points, labels, train_wrong, other_wrong
):
    """`sgd_with_errors` on packed parameters."""
    d, wide = X.shape[1], P.shape[1]
    n, N = len(y), len(labels)
    centre, reach, largest = _box(points)
    # no tuples of arrays here: Numba counts references to each member at every use
    x = np.empty((_RINGS + 1, d, N + _LANES))
    vote = np.empty((_RINGS + 1, N + _LANES), np.int64)
    x[0, :, :N] = points
    for i in range(N):
        vote[0, i] = (1 if i < n else _VALIDATION) * (1 if labels[i] > 0.0 else -1)
    positives = np.maximum(vote[0, :N], 0).sum()
    size = np.zeros(_RINGS + 1, np.int64)
    size[0] = N
    then = np.zeros((_RINGS + 1, d + 3, wide))
    then_o = np.zeros(_RINGS + 1)
    limit = np.full(_RINGS + 1, -np.inf)  # nothing is known: the first step looks at every point
    theta = 0.5 * 0.25 ** np.arange(_RINGS + 1)  # first guesses; they follow the cost from here on
    theta[_RINGS] = 0.0
    votes = np.zeros(_RINGS + 1, np.int64)  # of the points that the next ring lacks
    work = np.zeros(_RINGS + 1, np.int64)
    outputs, z = np.empty(N + _LANES), np.empty(N + _LANES)
    kept = np.empty(N + _LANES, np.int64)
    nearest = np.empty(1, np.int64)
    total = 0

    for t in range(len(order)):
        if not _step(P, b_out, h, X, y, order[t], learning_rate):
            return t
        moved = _moved(P, b_out, then, then_o, _RINGS, centre, reach)
        if not moved < limit[_RINGS]:
            if not moved < np.inf and not _finite(P, b_out):
                return t
            # the innermost ring that can still be trusted, with room for those inside it
            k = _RINGS
            room = np.inf
            while k > 0:
                drift = _moved(P, b_out, then, then_o, k - 1, centre, reach)
                if drift + theta[k] < limit[k - 1]:
                    room = limit[k - 1] - drift
                    work[k - 1] += size[k] + _OVERHEAD
                    break
                k -= 1
            if k == 0 and _dead(P, points, n):
                return _count_dead(
                    P, b_out, h, y, order, learning_rate, t, x, labels,
                    train_wrong, other_wrong, outputs, z,
                )  # fmt: skip
            _outputs(x, k, size[k], P, h, b_out[0], outputs, z)
            votes[k] = _votes(vote, k, size[k], outputs)
            while k < _RINGS:
                # the ring was too tight if making it cost more than looking at it, else too wide
                theta[k] *= 1.3 if size[k] + _OVERHEAD >= work[k] else 0.75
                theta[k] = max(theta[k], 1.5 * theta[k + 1])
                size[k + 1] = _keep_near(x, vote, k, size[k], outputs, theta[k], kept)
                votes[k + 1] = _votes(vote, k + 1, size[k + 1], outputs)
                votes[k] -= votes[k + 1]
                limit[k] = min(theta[k], room)
                limit[k] -= _remember(P, b_out, then, then_o, k, centre, reach, largest)
                room = limit[k]
                work[k] = size[k + 1] + _OVERHEAD
                k += 1
            slack = _remember(P, b_out, then, then_o, k, centre, reach, largest)
            # a finite slack says that no output is NaN
            nearest[0] = _nearest(outputs, size[k])
            limit[k] = min(nearest.view(np.float64)[0], room) - slack if slack < np.inf else -np.inf
            total = positives
            for ring in range(_RINGS + 1):
                total -= votes[ring]
        train_wrong[t] = total & (_VALIDATION - 1)
        other_wrong[t] = total >> 32
    return -1


@njit(cache=True, nogil=True)
def _packed(W_in, b_in, w_out):  # type: ignore[no-untyped-def]
    """The units side by side, so that a step takes a vector of them at once: (d + 4, lanes).

    Rows: W_in by feature, b_in, w_out, then room for H and w H. Lanes beyond h hold 0 and stay 0.
    """
    h, d = W_in.shape
    P = np.zeros((d + 4, (h + _LANES - 1) // _LANES * _LANES))
    P[:d, :h], P[d, :h], P[d + 1, :h] = W_in.T, b_in, w_out
    return P


@njit(cache=True, nogil=True)
def _unpack(P, W_in, b_in, w_out):  # type: ignore[no-untyped-def]
    """Copy the parameters back from P."""
    h, d = W_in.shape
    W_in[:], b_in[:], w_out[:] = P[:d, :h].T, P[d, :h], P[d + 1, :h]


@njit(cache=True, nogil=True, inline="always")
def _step(P, b_out, h, X, y, i, learning_rate):  # type: ignore[no-untyped-def]
    """One SGD step on example i. Returns False if the output is not finite."""
    d, wide = X.shape[1], P.shape[1]
    b, w, H, wH = d, d + 1, d + 2, d + 3
    for first in range(0, wide, _LANES):
        for j in range(first, first + _LANES):
            P[H, j] = P[b, j]
        for k in range(d):
            for j in range(first, first + _LANES):
                P[H, j] += P[k, j] * X[i, k]
        for j in range(first, first + _LANES):
            P[H, j] = P[H, j] if P[H, j] > 0.0 else 0.0
            P[wH, j] = P[w, j] * P[H, j]
    total = 0.0
    for j in range(h):
        total += P[wH, j]
    y_hat = total + b_out[0]
    if not abs(y_hat) < np.inf:
        return False
    step = learning_rate * _slope(y[i], y[i] * y_hat)
    b_out[0] -= step
    for first in range(0, wide, _LANES):
        for j in range(first, first + _LANES):
            through = step * P[w, j] if P[H, j] > 0.0 else 0.0
            P[w, j] -= step * P[H, j]
            P[b, j] -= through
            P[wH, j] = through
        for k in range(d):
            for j in range(first, first + _LANES):
                P[k, j] -= P[wH, j] * X[i, k]
    return True


@njit(cache=True, nogil=True, inline="always")
def _slope(label, margin):  # type: ignore[no-untyped-def]
    """ds/dy_hat = -y sigmoid(-y y_hat), from the side where exp cannot overflow."""
    e = np.exp(-abs(margin))
    return -label * ((e if margin > 0.0 else 1.0) / (1.0 + e))


@njit(cache=True, nogil=True)
def _outputs(x, k, count, P, h, o, outputs, z):  # type: ignore[no-untyped-def]
    """y_hat at the first `count` points of ring k, into `outputs`.

    The order of the sums is the same for every point and in `_step`: b, then W x by feature; then
    w H by unit, then b_out.
    """
    d = x.shape[1]
    for i in range(count):
        outputs[i] = 0.0
    for j in range(h):
        b, w = P[d, j], P[d + 1, j]
        if d == 2:  # the same sums in the same order, in one pass
            u, v = P[0, j], P[1, j]
            for i in range(count):
                pre = b + u * x[k, 0, i] + v * x[k, 1, i]
                outputs[i] += w * (pre if pre > 0.0 else 0.0)
        else:
            for i in range(count):
                z[i] = b
            for f in range(d):
                u = P[f, j]
                for i in range(count):
                    z[i] += u * x[k, f, i]
            for i in range(count):
                outputs[i] += w * (z[i] if z[i] > 0.0 else 0.0)
    for i in range(count):
        outputs[i] += o


@njit(cache=True, nogil=True)
def _keep_near(x, vote, k, count, outputs, theta, kept):  # type: ignore[no-untyped-def]
    """Make ring k + 1 of the points of ring k with |y_hat| < theta, and move their outputs along.

    Returns the size of the new ring.
    """
    n_kept = 0
    for i in range(count):
        kept[n_kept] = i  # overwritten unless it is near: cheaper than a branch
        n_kept += abs(outputs[i]) < theta
    for f in range(x.shape[1]):
        for m in range(n_kept):
            x[k + 1, f, m] = x[k, f, kept[m]]
    for m in range(n_kept):
        vote[k + 1, m] = vote[k, kept[m]]
        outputs[m] = outputs[kept[m]]
    # fill up the last vector with copies that have no vote
    whole = (n_kept + _LANES - 1) // _LANES * _LANES
    for m in range(n_kept, whole):
        for f in range(x.shape[1]):
            x[k + 1, f, m] = x[k + 1, f, 0]
        vote[k + 1, m] = 0
        outputs[m] = outputs[0]
    return whole


@njit(cache=True, nogil=True)
def _votes(vote, k, count, outputs):  # type: ignore[no-untyped-def]
    """The sum of the votes in ring k with a positive output."""
    total = 0
    for i in range(count):
        total += vote[k, i] if outputs[i] > 0.0 else 0
    return total


@njit(cache=True, nogil=True)
def _nearest(outputs, count):  # type: ignore[no-untyped-def]
    """The bits of the smallest |y_hat|; no output may be NaN.

    Floats without a sign are in the order of their bits; whole numbers compare in vectors.
    """
    bits = outputs.view(np.int64)
    nearest = _INFINITY
    for i in range(count):
        nearest = min(nearest, bits[i] & _WITHOUT_SIGN)
    return nearest


@njit(cache=True, nogil=True, inline="always", fastmath={"reassoc"})
def _moved(P, o, then, then_o, k, centre, reach):  # type: ignore[no-untyped-def]
    """A bound on how far the output has moved, at any point, since ring k was looked at."""
    d, wide = len(centre), P.shape[1]
    b, w, H = d, d + 1, d + 2
    middle, spread = d + 2, d + 3  # rows of P that are free between two steps
    moved = abs(o[0] - then_o[k])
    for first in range(0, wide, _LANES):
        for j in range(first, first + _LANES):
            P[middle, j] = P[b, j] - then[k, b, j]
            P[spread, j] = 0.0
        for f in range(d):
            for j in range(first, first + _LANES):
                change = P[f, j] - then[k, f, j]
                P[middle, j] += change * centre[f]
                P[spread, j] += abs(change) * reach[f]
        for j in range(first, first + _LANES):
            moved += abs(P[w, j] - then[k, w, j]) * then[k, H, j]
            moved += abs(P[w, j]) * (abs(P[middle, j]) + P[spread, j])
    return moved * (1.0 + _TINY)


@njit(cache=True, nogil=True)
def _remember(P, o, then, then_o, k, centre, reach, largest):  # type: ignore[no-untyped-def]
    """Copy the parameters and bound each hidden unit over the box; return the slack.

    then[k] (d + 3, lanes) holds the rows W, b, w and the largest H; then_o[k] holds b_out.
    """
    d, wide = len(centre), P.shape[1]
    then_o[k] = o[0]
    size = abs(o[0])
    for j in range(wide):
        top = P[d, j]
        terms = abs(P[d, j])
        for f in range(d):
            then[k, f, j] = P[f, j]
            top += P[f, j] * centre[f] + abs(P[f, j]) * reach[f]
            terms += abs(P[f, j]) * largest[f]
        then[k, d, j] = P[d, j]
        then[k, d + 1, j] = P[d + 1, j]
        then[k, d + 2, j] = max(top, 0.0) + _TINY * terms
        size += abs(P[d + 1, j]) * terms
    return _TINY * size


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
    return np.isfinite(P[:-2]).all() and np.isfinite(b_out[0])


@njit(cache=True, nogil=True)
def _dead(P, points, n):  # type: ignore[no-untyped-def]
    """Is no hidden unit active on any of the first n points?"""
    d = len(points)
    for j in range(P.shape[1]):
        for i in range(n):
            z = P[d, j]
            for k in range(d):
                z += P[k, j] * points[k, i]
            if z > 0.0:
                return False
    return True


@njit(cache=True, nogil=True)
def _count_dead(  # type: ignore[no-untyped-def]
    P, b_out, h, y, order, learning_rate, first, x, labels,
    train_wrong, other_wrong, outputs, z,
):  # fmt: skip
    """The rest of a dead run: only b_out moves, so the counts follow from its sign.

    At a validation point that still has active units y_hat = s + b_out with a fixed s, and the
    rounded sum is positive just when s > -b_out: two sorted lists of s give the count.
    Returns -1, or the step at which b_out was no longer finite.
    """
    n, N = len(y), len(labels)
    _outputs(x, 0, N, P, h, 0.0, outputs, z)
    positive = np.sort(outputs[n:N][labels[n:] > 0.0])
    negative = np.sort(outputs[n:N][labels[n:] < 0.0])
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
