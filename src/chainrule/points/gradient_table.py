"""The derivatives of one example's loss beside their numerical approximation."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from chainrule.checking.derivatives import (
    METHODS,
    Comparison,
    compare,
    error_curve,
    numerical_derivative,
)
from chainrule.points.example import Example
from chainrule.points.network import derivatives, forward, loss

# the report states delta = 1e-4; its own errors are those of 1e-3, half of delta times s''
REPORT_DELTA = 1e-3

DELTAS = np.logspace(-13, -1, 97)  # from where rounding rules to where truncation does


def gradient_table(
    example: Example, *, delta: float | None = None, method: str = "central"
) -> dict[str, Comparison]:
    """Compare the closed-form derivatives with numerical ones, for each parameter array.

    delta, method: as of `numerical_derivative`. Raises what it and `derivatives` raise.
    """
    true = derivatives(example.x, example.y, example.parameters)
    found = numerical_derivative(
        lambda parameters: _loss(example, parameters),
        example.parameters,
        delta=delta,
        method=method,
    )
    return compare(true, found)


def error_curves(
    example: Example, deltas: Float64[np.ndarray, " deltas"] = DELTAS
) -> dict[str, Float64[np.ndarray, " deltas"]]:
    """The worst relative error of any entry at each delta, for both methods."""
    true = derivatives(example.x, example.y, example.parameters)
    return {
        method: error_curve(
            lambda parameters: _loss(example, parameters),
            example.parameters,
            true,
            deltas.tolist(),
            method,
        )
        for method in METHODS
    }


def deltas_for(example: Example) -> Float64[np.ndarray, " deltas"]:
    """DELTAS, or as many times larger as the largest parameter is above 1: none gets lost."""
    return DELTAS * max(1.0, *(float(np.abs(a).max()) for a in example.parameters.values()))


def units_near_kink(example: Example, delta: float) -> list[int]:
    """The hidden units (from 0) whose z a step of delta in one parameter can carry to the kink.

    There a difference is a mixture of the slopes on both sides and no derivative.
    """
    z = forward(example.x, example.parameters).z
    reach = delta * max(1.0, float(np.abs(example.x).max()))
    return [int(j) for j in np.flatnonzero(np.abs(z) <= reach)]


def _loss(example: Example, parameters: Mapping[str, np.ndarray]) -> float:
    return float(loss(forward(example.x, parameters).y_hat, example.y))
