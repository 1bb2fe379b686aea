"""What the kernel does, in plain NumPy, for reading and for the tests.

`sgd_with_errors` here takes the same arguments and gives the same answers: every point at every
step. `bounds` is the screening of one box.
"""

from typing import Any

import numpy as np


def sgd_with_errors(
    W_in: Any, b_in: Any, w_out: Any, b_out: Any, X: Any, y: Any, order: Any, learning_rate: float,
    points: Any, labels: Any, train_wrong: Any, other_wrong: Any,
) -> int:  # fmt: skip
    """See `chainrule.points.kernel.sgd_with_errors`."""
    for t, i in enumerate(order):
        y_hat = output(W_in, b_in, w_out, b_out, X[i][:, np.newaxis])[0]
        H = np.maximum(W_in @ X[i] + b_in, 0.0)
        s = -learning_rate * y[i] / (1.0 + np.exp(y[i] * y_hat))
        through = s * w_out * (H > 0.0)
        w_out -= s * H
        b_out -= s
        b_in -= through
        W_in -= np.outer(through, X[i])
        if not (
            np.isfinite(y_hat) and all(np.isfinite(p).all() for p in (W_in, b_in, w_out, b_out))
        ):
            return t
        wrong = (output(W_in, b_in, w_out, b_out, points) > 0.0) != (labels > 0.0)
        train_wrong[t], other_wrong[t] = wrong[: len(y)].sum(), wrong[len(y) :].sum()
    return -1


def output(W_in: Any, b_in: Any, w_out: Any, b_out: Any, points: Any) -> Any:
    """y_hat (N,) at points (d, N), in the order of sums that the counts are exact for."""
    total = np.zeros(points.shape[1])
    for W, b, w in zip(W_in, b_in, w_out, strict=True):
        z = np.full(points.shape[1], b)
        for weight, x in zip(W, points, strict=True):
            z = z + weight * x
        total = total + w * np.where(z > 0.0, z, 0.0)
    return total + b_out[0]


def bounds(W_in: Any, b_in: Any, w_out: Any, b_out: Any, points: Any) -> tuple[Any, Any]:
    """The least and the most that y_hat (N,) at points (d, N) can be in a box of parameters.

    The box is the smallest around those after some steps: W_in (T, h, d), b_in (T, h), w_out
    (T, h), b_out (T, 1). Interval arithmetic in float64, not moved outwards for rounding.
    """
    centre = (points.min(axis=1) + points.max(axis=1)) / 2
    x = points - centre[:, np.newaxis]
    (W, W_radius), (B, B_radius) = (
        _middle_and_radius(W_in),
        _middle_and_radius(b_in + W_in @ centre),
    )
    z = B[:, np.newaxis] + W @ x
    r = B_radius[:, np.newaxis] + W_radius @ np.abs(x)
    least, most = np.maximum(z - r, 0.0), np.maximum(z + r, 0.0)
    low, high = w_out.min(axis=0)[:, np.newaxis], w_out.max(axis=0)[:, np.newaxis]
    return (
        np.where(low > 0.0, low * least, low * most).sum(axis=0) + b_out.min(),
        np.where(high > 0.0, high * most, high * least).sum(axis=0) + b_out.max(),
    )


def _middle_and_radius(values: Any) -> tuple[Any, Any]:
    low, high = values.min(axis=0), values.max(axis=0)
    return (low + high) / 2, (high - low) / 2
