"""The compiled kernel: per-sample SGD with both error counts exact after every step.

One step changes the sign of few outputs, so few are computed. Three rings of points:

- all points, looked at when ring 0 is made: those with |y_hat| < theta_0 become candidates;
- candidates, looked at when ring 1 is made: those with |y_hat| < theta_1 become active;
- active points, looked at after every step.

The output at any point x has moved since ring 1 was made, at parameters P', by at most

    bound = |db_out| + sum_j  |dw_j| H'_max,j  +  |w_j| max_x |dz_j(x)|,       d = now - then

because w H - w' H' = (w - w') H' + w (H - H') and the ReLU does not stretch differences. With the
points in a box of centre c and half-widths r, |dz_j(x)| <= |dW_j . c + db_j| + sum_k |dW_jk| r_k.
While the bound stays under theta_1 no point outside the active ring can have changed sign: the
counts are exact, not estimates. When it does not, ring 1 is made again (and ring 0 when the
movement since it was made leaves it no room). The thetas follow the cost: small rings are cheap at
each step but must be made again soon.

Rounding: each threshold is reached early by 1e-9 of the size of the terms, far above the rounding
of the sums. An output of exactly 0 counts as the negative class.
"""

import numpy as np
from numba import njit

_LANES = 8  # active points come in whole vectors; the padding has weight 0 in the count
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
    n = len(y)
    N = points.shape[1]
    H = np.empty(h)
    outputs, z = np.empty(N), np.empty(N)
    centre, reach = _box(points)

    room = N + _LANES
    candidates, candidate_labels = np.empty((d, room)), np.empty(room)
    candidate_weights = np.empty(room, np.int64)
    active, active_labels = np.empty((d, room)), np.empty(room)
    active_weights = np.empty(room, np.int64)
    weights = np.ones(N, np.int64)
    weights[n:] = _VALIDATION

    # what ring 0 and ring 1 were made at
    W_0, b_0, w_0, H_0 = W_in.copy(), b_in.copy(), w_out.copy(), np.zeros(h)
    W_1, b_1, w_1, H_1 = W_in.copy(), b_in.copy(), w_out.copy(), np.zeros(h)
    o_0 = o_1 = 0.0
    theta_0, theta_1 = 0.5, 0.1  # first guesses; they follow the cost from here on
    limit_1 = -1.0  # nothing is known yet: the first step makes both rings
    limit_0 = -1.0
    wrong_0 = wrong_1 = 0
    n_candidates = n_active = 0
    age_1 = work_0 = 0

    for t in range(len(order)):
        if not _step(W_in, b_in, w_out, b_out, X, y, order[t], learning_rate, H):
            return t
        age_1 += 1
        moved = _bound(W_in, b_in, w_out, b_out, W_1, b_1, w_1, o_1, H_1, centre, reach)
        if not moved < limit_1:
            if not _finite(W_in, b_in, w_out, b_out):
                return t
            # ring 1 was too tight if making it again cost more than looking at it, else too wide
            theta_1 *= 1.3 if n_candidates > age_1 * n_active else 0.75
            drift = _bound(W_in, b_in, w_out, b_out, W_0, b_0, w_0, o_0, H_0, centre, reach)
            if not drift + theta_1 < limit_0:
                if _dead(W_in, b_in, points, n):
                    _count_dead(
                        W_in, b_in, w_out, b_out, y, order, learning_rate, t, points, labels,
                        train_wrong, other_wrong, outputs, z,
                    )  # fmt: skip
                    return -1 if np.isfinite(b_out[0]) else len(order) - 1
                theta_0 *= 1.3 if work_0 < N else 0.75
                theta_0 = max(theta_0, 3.0 * theta_1)
                _outputs(points, N, W_in, b_in, w_out, b_out[0], outputs, z)
                wrong_0, n_candidates = _keep_near(
                    points, labels, weights, N, outputs, theta_0,
                    candidates, candidate_labels, candidate_weights,
                )  # fmt: skip
                o_0 = _remember(W_in, b_in, w_out, b_out, W_0, b_0, w_0, H_0, centre, reach)
                limit_0 = theta_0 - _slack(w_0, o_0, H_0)
                drift = 0.0
                work_0 = 0
            _outputs(candidates, n_candidates, W_in, b_in, w_out, b_out[0], outputs, z)
            wrong_1, n_active = _keep_near(
                candidates, candidate_labels, candidate_weights, n_candidates, outputs, theta_1,
                active, active_labels, active_weights,
            )  # fmt: skip
            n_active = _pad(active, active_labels, active_weights, n_active)
            o_1 = _remember(W_in, b_in, w_out, b_out, W_1, b_1, w_1, H_1, centre, reach)
            limit_1 = min(theta_1, limit_0 - drift) - _slack(w_1, o_1, H_1)
            work_0 += n_candidates
            age_1 = 0
        _outputs(active, n_active, W_in, b_in, w_out, b_out[0], outputs, z)
        wrong = wrong_0 + wrong_1
        for i in range(n_active):
            wrong += active_weights[i] if (outputs[i] > 0.0) != (active_labels[i] > 0.0) else 0
        train_wrong[t] = wrong & (_VALIDATION - 1)
        other_wrong[t] = wrong >> 32
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
    # ds/dy_hat = -y sigmoid(-y y_hat), from the side where exp cannot overflow
    margin = y[i] * y_hat
    e = np.exp(-abs(margin))
    g = -y[i] * (e / (1.0 + e) if margin > 0.0 else 1.0 / (1.0 + e))
    step = learning_rate * g
    b_out[0] -= step
    for j in range(h):
        if H[j] > 0.0:
            through = step * w_out[j]
            w_out[j] -= step * H[j]
            b_in[j] -= through
            for k in range(d):
                W_in[j, k] -= through * X[i, k]
    return True


@njit(cache=True, nogil=True)
def _outputs(points, count, W_in, b_in, w_out, o, outputs, z):  # type: ignore[no-untyped-def]
    """y_hat at the first `count` columns of `points` (d, N), into `outputs`."""
    h, d = W_in.shape
    for i in range(count):
        outputs[i] = 0.0
    for j in range(h):
        b, w = b_in[j], w_out[j]
        if d == 2:  # the same sums in the same order, in one pass
            u, v = W_in[j, 0], W_in[j, 1]
            for i in range(count):
                pre = b + u * points[0, i] + v * points[1, i]
                outputs[i] += w * (pre if pre > 0.0 else 0.0)
        else:
            for i in range(count):
                z[i] = b
            for k in range(d):
                u = W_in[j, k]
                for i in range(count):
                    z[i] += u * points[k, i]
            for i in range(count):
                outputs[i] += w * (z[i] if z[i] > 0.0 else 0.0)
    for i in range(count):
        outputs[i] += o


@njit(cache=True, nogil=True)
def _keep_near(  # type: ignore[no-untyped-def]
    points, labels, weights, count, outputs, theta, near, near_labels, near_weights
):
    """Copy the points with |y_hat| < theta; return the packed count of the wrong among the rest."""
    d = len(points)
    wrong = kept = 0
    for i in range(count):
        if abs(outputs[i]) < theta:
            for k in range(d):
                near[k, kept] = points[k, i]
            near_labels[kept] = labels[i]
            near_weights[kept] = weights[i]
            kept += 1
        elif (outputs[i] > 0.0) != (labels[i] > 0.0):
            wrong += weights[i]
    return wrong, kept


@njit(cache=True, nogil=True)
def _pad(points, labels, weights, count):  # type: ignore[no-untyped-def]
    """Fill up the last vector with points that count for nothing; return the padded count."""
    whole = (count + _LANES - 1) // _LANES * _LANES
    for i in range(count, whole):
        points[:, i] = 0.0
        labels[i] = 1.0
        weights[i] = 0
    return whole


@njit(cache=True, nogil=True, fastmath={"reassoc"}, inline="always")
def _bound(W, b, w, o, W_then, b_then, w_then, o_then, H_max, centre, reach):  # type: ignore[no-untyped-def]
    """How far the output can have moved at any point of the box."""
    h, d = W.shape
    moved = abs(o[0] - o_then)
    for j in range(h):
        middle = b[j] - b_then[j]
        spread = 0.0
        for k in range(d):
            change = W[j, k] - W_then[j, k]
            middle += change * centre[k]
            spread += abs(change) * reach[k]
        moved += abs(w[j] - w_then[j]) * H_max[j] + abs(w[j]) * (abs(middle) + spread)
    return moved


@njit(cache=True, nogil=True)
def _remember(W, b, w, o, W_then, b_then, w_then, H_max, centre, reach):  # type: ignore[no-untyped-def]
    """Copy the parameters, and bound each hidden unit over the box; return b_out."""
    h, d = W.shape
    for j in range(h):
        top = b[j]
        for k in range(d):
            W_then[j, k] = W[j, k]
            top += W[j, k] * centre[k] + abs(W[j, k]) * reach[k]
        b_then[j] = b[j]
        w_then[j] = w[j]
        H_max[j] = max(top, 0.0)
    return o[0]


@njit(cache=True, nogil=True)
def _slack(w, o, H_max):  # type: ignore[no-untyped-def]
    """Far more than what rounding can do to an output."""
    size = abs(o)
    for j in range(len(w)):
        size += abs(w[j]) * H_max[j]
    return 1e-9 * size


@njit(cache=True, nogil=True)
def _box(points):  # type: ignore[no-untyped-def]
    """Centre and half-widths of the box that holds all points (d, N)."""
    d = len(points)
    centre, reach = np.empty(d), np.empty(d)
    for k in range(d):
        low, high = points[k].min(), points[k].max()
        centre[k] = 0.5 * low + 0.5 * high
        reach[k] = max(high - centre[k], centre[k] - low)
    return centre, reach


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
    W_in, b_in, w_out, b_out, y, order, learning_rate, first, points, labels,
    train_wrong, other_wrong, outputs, z,
):  # fmt: skip
    """The rest of a dead run: only b_out moves, so the counts follow from its sign.

    At a validation point that still has active units y_hat = s + b_out with a fixed s, and the
    rounded sum is positive just when s > -b_out: two sorted lists of s give the count.
    """
    n, N = len(y), points.shape[1]
    _outputs(points, N, W_in, b_in, w_out, 0.0, outputs, z)
    positive = np.sort(outputs[n:N][labels[n:] > 0.0])
    negative = np.sort(outputs[n:N][labels[n:] < 0.0])
    n_positive = (y > 0.0).sum()
    for t in range(first, len(order)):
        if t > first:
            label = y[order[t]]
            margin = label * b_out[0]
            e = np.exp(-abs(margin))
            g = -label * (e / (1.0 + e) if margin > 0.0 else 1.0 / (1.0 + e))
            b_out[0] -= learning_rate * g
        train_wrong[t] = n - n_positive if b_out[0] > 0.0 else n_positive
        missed = np.searchsorted(positive, -b_out[0], side="right")
        false = len(negative) - np.searchsorted(negative, -b_out[0], side="right")
        other_wrong[t] = missed + false
