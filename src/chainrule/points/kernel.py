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
"""

import numpy as np
from numba import njit

_LANES = 8  # active points come in whole vectors; the padding has weight 0 in the count
_RINGS = 2
_OVERHEAD = 60  # what a look costs besides its points, in points (measured)
_TINY = 1e-9  # of the terms of a sum: far more than rounding can change
_VALIDATION = 1 << 32  # one wrong validation point in the packed count


@njit(cache=True, nogil=True)
def sgd_steps(W_in, b_in, w_out, b_out, X, y, order, learning_rate):  # type: ignore[no-untyped-def]
    """Take one SGD step for each index in `order`; change the parameters in place.

    W_in (h, d), b_in (h,), w_out (h,), b_out (1,), X (n, d), y (n,) in {-1, +1}: C-contiguous
    float64; order (T,) int64. Returns -1, or the step at which a number was no longer finite.
    """
    H = np.empty(len(w_out))
    for t in range(len(order)):
        if not _step(W_in, b_in, w_out, b_out, X, y, order[t], learning_rate, H):
            return t
    return -1 if _finite(W_in, b_in, w_out, b_out) else len(order) - 1


@njit(cache=True, nogil=True)
def sgd_with_errors(  # type: ignore[no-untyped-def]
    W_in, b_in, w_out, b_out, X, y, order, learning_rate, points, labels, train_wrong, other_wrong
):
    """Take the same steps as `sgd_steps`, and count both errors after each.

    points (d, N) and labels (N,): the n training points, then the validation points.
    train_wrong, other_wrong (T,) int32: the number of wrong ones after each step, filled here.
    Returns -1, or the step at which a number was no longer finite (counts before it are valid).
    """
    h, d = W_in.shape
    n, N = len(y), len(labels)
    H = np.empty(h)
    centre, reach, largest = _box(points)
    # no tuples of arrays here: Numba counts references to each member at every use
    x = np.empty((_RINGS + 1, d, N + _LANES))
    label = np.empty((_RINGS + 1, N + _LANES))
    weight = np.empty((_RINGS + 1, N + _LANES), np.int64)
    x[0, :, :N], label[0, :N], weight[0, :n], weight[0, n:N] = points, labels, 1, _VALIDATION
    size = np.zeros(_RINGS + 1, np.int64)
    size[0] = N
    then = np.zeros((_RINGS + 1, h, d + 3))
    then_o = np.zeros(_RINGS + 1)
    limit = np.full(_RINGS + 1, -np.inf)  # nothing is known: the first step looks at every point
    theta = 0.5 * 0.25 ** np.arange(_RINGS + 1)  # first guesses; they follow the cost from here on
    theta[_RINGS] = 0.0
    wrong = np.zeros(_RINGS + 1, np.int64)  # among the points that the next ring lacks
    work = np.zeros(_RINGS + 1, np.int64)
    outputs, z = np.empty(N + _LANES), np.empty(N + _LANES)
    kept = np.empty(N + _LANES, np.int64)
    total = 0

    for t in range(len(order)):
        if not _step(W_in, b_in, w_out, b_out, X, y, order[t], learning_rate, H):
            return t
        moved = _moved(W_in, b_in, w_out, b_out, then, then_o, _RINGS, centre, reach)
        if not moved < limit[_RINGS]:
            if not moved < np.inf and not _finite(W_in, b_in, w_out, b_out):
                return t
            # the innermost ring that can still be trusted, with room for those inside it
            k = _RINGS
            room = np.inf
            while k > 0:
                drift = _moved(W_in, b_in, w_out, b_out, then, then_o, k - 1, centre, reach)
                if drift + theta[k] < limit[k - 1]:
                    room = limit[k - 1] - drift
                    work[k - 1] += size[k] + _OVERHEAD
                    break
                k -= 1
            if k == 0 and _dead(W_in, b_in, points, n):
                return _count_dead(
                    W_in, b_in, w_out, b_out, y, order, learning_rate, t, x, labels,
                    train_wrong, other_wrong, outputs, z,
                )  # fmt: skip
            _outputs(x, k, size[k], W_in, b_in, w_out, b_out[0], outputs, z)
            while k < _RINGS:
                # the ring was too tight if making it cost more than looking at it, else too wide
                theta[k] *= 1.3 if size[k] + _OVERHEAD >= work[k] else 0.75
                theta[k] = max(theta[k], 1.5 * theta[k + 1])
                wrong[k], size[k + 1] = _keep_near(
                    x, label, weight, k, size[k], outputs, theta[k], kept
                )
                limit[k] = min(theta[k], room)
                limit[k] -= _remember(
                    W_in, b_in, w_out, b_out, then, then_o, k, centre, reach, largest
                )
                room = limit[k]
                work[k] = size[k + 1] + _OVERHEAD
                k += 1
            wrong[k] = _count(label, weight, k, size[k], outputs)
            slack = _remember(W_in, b_in, w_out, b_out, then, then_o, k, centre, reach, largest)
            # a finite slack says that no output is NaN
            limit[k] = min(_nearest(outputs, size[k]), room) - slack if slack < np.inf else -np.inf
            total = wrong.sum()
        train_wrong[t] = total & (_VALIDATION - 1)
        other_wrong[t] = total >> 32
    return -1


@njit(cache=True, nogil=True, inline="always")
def _step(W_in, b_in, w_out, b_out, X, y, i, learning_rate, H):  # type: ignore[no-untyped-def]
    """One SGD step on example i. Returns False if the output is not finite."""
    h, d = W_in.shape
    total = 0.0
    for j in range(h):
        z = b_in[j]
        for k in range(d):
            z += W_in[j, k] * X[i, k]
        H[j] = z if z > 0.0 else 0.0
        total += w_out[j] * H[j]
    y_hat = total + b_out[0]
    if not abs(y_hat) < np.inf:
        return False
    step = learning_rate * _slope(y[i], y[i] * y_hat)
    b_out[0] -= step
    for j in range(h):
        if H[j] > 0.0:
            through = step * w_out[j]
            w_out[j] -= step * H[j]
            b_in[j] -= through
            for k in range(d):
                W_in[j, k] -= through * X[i, k]
    return True


@njit(cache=True, nogil=True, inline="always")
def _slope(label, margin):  # type: ignore[no-untyped-def]
    """ds/dy_hat = -y sigmoid(-y y_hat), from the side where exp cannot overflow."""
    e = np.exp(-abs(margin))
    return -label * (e / (1.0 + e) if margin > 0.0 else 1.0 / (1.0 + e))


@njit(cache=True, nogil=True)
def _outputs(x, k, count, W_in, b_in, w_out, o, outputs, z):  # type: ignore[no-untyped-def]
    """y_hat at the first `count` points of ring k, into `outputs`.

    The order of the sums is the same for every point and in `_step`: b, then W x by feature; then
    w H by unit, then b_out.
    """
    h, d = W_in.shape
    for i in range(count):
        outputs[i] = 0.0
    for j in range(h):
        b, w = b_in[j], w_out[j]
        if d == 2:  # the same sums in the same order, in one pass
            u, v = W_in[j, 0], W_in[j, 1]
            for i in range(count):
                pre = b + u * x[k, 0, i] + v * x[k, 1, i]
                outputs[i] += w * (pre if pre > 0.0 else 0.0)
        else:
            for i in range(count):
                z[i] = b
            for f in range(d):
                u = W_in[j, f]
                for i in range(count):
                    z[i] += u * x[k, f, i]
            for i in range(count):
                outputs[i] += w * (z[i] if z[i] > 0.0 else 0.0)
    for i in range(count):
        outputs[i] += o


@njit(cache=True, nogil=True)
def _keep_near(x, label, weight, k, count, outputs, theta, kept):  # type: ignore[no-untyped-def]
    """Make ring k + 1 of the points of ring k with |y_hat| < theta, and move their outputs along.

    Returns the packed count of the wrong among the others, and the size of the new ring.
    """
    n_kept = 0
    for i in range(count):
        kept[n_kept] = i  # overwritten unless it is near: cheaper than a branch
        n_kept += abs(outputs[i]) < theta
    wrong = 0
    for i in range(count):
        missed = (outputs[i] > 0.0) != (label[k, i] > 0.0)
        wrong += weight[k, i] if missed and not abs(outputs[i]) < theta else 0
    for f in range(x.shape[1]):
        for m in range(n_kept):
            x[k + 1, f, m] = x[k, f, kept[m]]
    for m in range(n_kept):
        label[k + 1, m] = label[k, kept[m]]
        weight[k + 1, m] = weight[k, kept[m]]
        outputs[m] = outputs[kept[m]]
    # fill up the last vector with copies that count for nothing
    whole = (n_kept + _LANES - 1) // _LANES * _LANES
    for m in range(n_kept, whole):
        x[k + 1, :, m] = x[k + 1, :, 0]
        label[k + 1, m] = label[k + 1, 0]
        weight[k + 1, m] = 0
        outputs[m] = outputs[0]
    return wrong, whole


@njit(cache=True, nogil=True)
def _count(label, weight, k, count, outputs):  # type: ignore[no-untyped-def]
    """The packed count of the wrong in ring k."""
    wrong = 0
    for i in range(count):
        wrong += weight[k, i] if (outputs[i] > 0.0) != (label[k, i] > 0.0) else 0
    return wrong


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _nearest(outputs, count):  # type: ignore[no-untyped-def]
    """The smallest |y_hat|; no output may be NaN."""
    nearest = np.inf
    for i in range(count):
        size = abs(outputs[i])
        nearest = size if size < nearest else nearest
    return nearest


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _moved(W, b, w, o, then, then_o, k, centre, reach):  # type: ignore[no-untyped-def]
    """A bound on how far the output has moved, at any point, since ring k was looked at."""
    h, d = W.shape
    moved = abs(o[0] - then_o[k])
    for j in range(h):
        middle = b[j] - then[k, j, d]
        spread = 0.0
        for f in range(d):
            change = W[j, f] - then[k, j, f]
            middle += change * centre[f]
            spread += abs(change) * reach[f]
        moved += abs(w[j] - then[k, j, d + 1]) * then[k, j, d + 2]
        moved += abs(w[j]) * (abs(middle) + spread)
    return moved * (1.0 + _TINY)


@njit(cache=True, nogil=True)
def _remember(W, b, w, o, then, then_o, k, centre, reach, largest):  # type: ignore[no-untyped-def]
    """Copy the parameters and bound each hidden unit over the box; return the slack.

    then[k] (h, d + 3) holds W, b, w and the largest H; then_o[k] holds b_out.
    """
    h, d = W.shape
    then_o[k] = o[0]
    size = abs(o[0])
    for j in range(h):
        top = b[j]
        terms = abs(b[j])
        for f in range(d):
            then[k, j, f] = W[j, f]
            top += W[j, f] * centre[f] + abs(W[j, f]) * reach[f]
            terms += abs(W[j, f]) * largest[f]
        then[k, j, d] = b[j]
        then[k, j, d + 1] = w[j]
        then[k, j, d + 2] = max(top, 0.0) + _TINY * terms
        size += abs(w[j]) * terms
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
def _finite(W_in, b_in, w_out, b_out):  # type: ignore[no-untyped-def]
    """Are all parameters finite?"""
    return (
        np.isfinite(W_in).all()
        and np.isfinite(b_in).all()
        and np.isfinite(w_out).all()
        and np.isfinite(b_out[0])
    )


@njit(cache=True, nogil=True)
def _dead(W_in, b_in, points, n):  # type: ignore[no-untyped-def]
    """Is no hidden unit active on any of the first n points?"""
    h, d = W_in.shape
    for j in range(h):
        for i in range(n):
            z = b_in[j]
            for k in range(d):
                z += W_in[j, k] * points[k, i]
            if z > 0.0:
                return False
    return True


@njit(cache=True, nogil=True)
def _count_dead(  # type: ignore[no-untyped-def]
    W_in, b_in, w_out, b_out, y, order, learning_rate, first, x, labels,
    train_wrong, other_wrong, outputs, z,
):  # fmt: skip
    """The rest of a dead run: only b_out moves, so the counts follow from its sign.

    At a validation point that still has active units y_hat = s + b_out with a fixed s, and the
    rounded sum is positive just when s > -b_out: two sorted lists of s give the count.
    Returns -1, or the step at which b_out was no longer finite.
    """
    n, N = len(y), len(labels)
    _outputs(x, 0, N, W_in, b_in, w_out, 0.0, outputs, z)
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
