"""The two-layer network: its output, its loss, and the derivatives by its parameters.

For one example x (d,) with its label y in {-1, +1}, h hidden units and one output:

    z = W_in x + b_in              W_in (h, d), b_in (h,)
    H = relu(z)                    relu(z) = max(z, 0), entry by entry
    y_hat = w_out . H + b_out      w_out (h,), b_out ()
    s = log(1 + exp(-y y_hat))

The chain rule from the loss backwards, one factor at a time. With sigmoid(a) = 1 / (1 + exp(-a)):

    ds/dy_hat   = -y exp(-y y_hat) / (1 + exp(-y y_hat)) = -y sigmoid(-y y_hat)      ()
    ds/db_out   = ds/dy_hat * 1                    since dy_hat/db_out = 1           ()
    ds/dw_out   = ds/dy_hat * H                    since dy_hat/dw_out = H           (h,)
    ds/dH       = ds/dy_hat * w_out                since dy_hat/dH = w_out           (h,)
    ds/dz       = ds/dH * [z > 0]                  relu' is 1 above 0 and 0 below    (h,)
    ds/db_in    = ds/dz * 1                        since dz/db_in is the identity    (h,)
    ds/dW_in    = ds/dz x^T                        since dz_j/dW_in[j, k] = x_k      (h, d)

Each has the shape of its parameter, because it holds one number for each of its entries. At the
kink z_j = 0 the ReLU has no derivative; 0 is taken, one of the subgradients in [0, 1].
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from chainrule.errors import InputError, ShapeError

PARAMETERS = ("W_in", "b_in", "w_out", "b_out")


class Forward(NamedTuple):
    """What the network computes on the way to its output: z and H (..., h), y_hat (...)."""

    z: Float64[np.ndarray, "*n h"]
    H: Float64[np.ndarray, "*n h"]
    y_hat: Float64[np.ndarray, "*n"]


def forward(X: np.ndarray, parameters: Mapping[str, np.ndarray]) -> Forward:
    """The output y_hat (...) at each point of X (..., d), with z and H (..., h).

    Raises ShapeError if X and the parameters don't fit each other, InputError if y_hat overflows.
    """
    W_in, b_in, w_out, b_out = (np.asarray(parameters[name], np.float64) for name in PARAMETERS)
    X = np.asarray(X, np.float64)
    _check_shapes(X, W_in, b_in, w_out, b_out)
    with np.errstate(over="ignore", invalid="ignore"):
        z = X @ W_in.T + b_in
        H = np.maximum(z, 0.0)
        y_hat = np.asarray(H @ w_out + b_out)
    if not np.isfinite(y_hat).all():
        raise InputError("the output y_hat is not finite; expected smaller weights or features")
    return Forward(z, H, y_hat)


def loss(y_hat: np.ndarray, y: np.ndarray | float) -> Float64[np.ndarray, "..."]:
    """s = log(1 + exp(-y y_hat)), entry by entry, for labels y in {-1, +1}.

    With m = -y y_hat it is max(m, 0) + log1p(exp(-|m|)): nothing overflows, and a small loss
    keeps all its digits.
    """
    return np.asarray(np.logaddexp(0.0, -np.multiply(y, y_hat)))


def loss_derivative(y_hat: np.ndarray, y: np.ndarray | float) -> Float64[np.ndarray, "..."]:
    """ds/dy_hat = -y sigmoid(-y y_hat), entry by entry; exp is taken where it can't overflow."""
    margin = np.multiply(y, y_hat)
    e = np.exp(-np.abs(margin))
    return np.asarray(-np.asarray(y) * np.where(margin > 0, e, 1.0) / (1.0 + e))


def derivatives(
    x: np.ndarray, y: float, parameters: Mapping[str, np.ndarray]
) -> dict[str, Float64[np.ndarray, "..."]]:
    """The derivatives of one example's loss by W_in (h, d), b_in (h,), w_out (h,), b_out ().

    x (d,), y in {-1, +1}. Raises ShapeError if x and the parameters don't fit each other,
    InputError if y is another label or y_hat overflows.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 1:
        raise ShapeError(f"x has shape {x.shape}; expected one example of shape (d,)")
    if y not in (-1, 1):
        raise InputError(f"y: found {y}; expected -1 or 1")
    z, H, y_hat = forward(x, parameters)
    ds_dy_hat = loss_derivative(y_hat, y)
    ds_dH = ds_dy_hat * parameters["w_out"]
    ds_dz = ds_dH * (z > 0)
    return {
        "W_in": np.outer(ds_dz, x),
        "b_in": ds_dz,
        "w_out": ds_dy_hat * H,
        "b_out": ds_dy_hat,
    }


def _check_shapes(
    X: np.ndarray, W_in: np.ndarray, b_in: np.ndarray, w_out: np.ndarray, b_out: np.ndarray
) -> None:
    if W_in.ndim != 2 or 0 in W_in.shape:
        raise ShapeError(f"W_in has shape {W_in.shape}; expected (h, d) with h and d at least 1")
    h, d = W_in.shape
    for name, array, expected in (
        ("b_in", b_in, (h,)),
        ("w_out", w_out, (h,)),
        ("b_out", b_out, ()),
    ):
        if array.shape != expected:
            raise ShapeError(
                f"{name} has shape {array.shape}; expected {expected} beside W_in {W_in.shape}"
            )
    if X.ndim == 0 or X.shape[-1] != d:
        raise ShapeError(
            f"x has shape {X.shape}; expected (..., {d}) beside W_in {W_in.shape}: a feature for "
            "each column"
        )
