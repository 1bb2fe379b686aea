"""Pictures of the derivative check."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

_STYLES = {"forward": ("#b2182b", "o"), "central": ("#2166ac", "s")}


def error_against_delta(
    deltas: Float64[np.ndarray, " deltas"],
    curves: Mapping[str, Float64[np.ndarray, " deltas"]],
) -> Figure:
    """The worst relative error of each method at each delta, the best delta of each marked.

    deltas (n,) > 0; curves: for each method its errors (n,). Where the error is 0 nothing is
    drawn, since the axes are logarithmic; if all are, the errors' axis is linear.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for method, errors in curves.items():
        colour, marker = _STYLES[method]
        best = int(np.argmin(errors))
        axes.plot(deltas, errors, color=colour, lw=1.4, label=f"{method} difference")
        axes.plot(
            deltas[best],
            errors[best],
            marker,
            color=colour,
            ms=8,
            label=f"its best: delta {deltas[best]:.1e}, error {errors[best]:.1e}",
        )
    axes.set_title("$\\leftarrow$ rounding: 1/delta", loc="left", fontsize="medium")
    axes.set_title(
        "truncation: delta (forward), delta$^2$ (central) $\\rightarrow$",
        loc="right",
        fontsize="medium",
    )
    axes.set_xlabel("delta (step of each parameter, no unit)")
    axes.set_ylabel("worst relative error of all entries")
    axes.set_xscale("log")
    drawable = any(((errors > 0) & np.isfinite(errors)).any() for errors in curves.values())
    axes.set_yscale("log" if drawable else "linear")
    axes.grid(which="major", color="#dddddd", lw=0.6)
    axes.legend(frameon=False, loc="lower left")
    return figure
