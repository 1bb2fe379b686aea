"""A picture of the two-layer network: forward to the loss, and the chain rule back."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_FORWARD, _BACK, _PARAMETER = "#333333", "#b2182b", "#2166ac"

# quantity, and what multiplies the derivative on the way back to the quantity before it
_CHAIN = (
    ("$x$", ""),
    ("$z$", ""),
    ("$H$", r"$[z > 0]$"),
    (r"$\hat{y}$", r"$w_\mathrm{out}$"),
    ("$s$", r"$-y\,\sigma(-y\hat{y})$"),
)
# where a parameter enters: the step's end, its name, and what multiplies the derivative there
_PARAMETERS = (
    (1, -0.28, r"$W_\mathrm{in}$", r"$x^\top$"),
    (1, 0.28, r"$b_\mathrm{in}$", "$1$"),
    (3, -0.28, r"$w_\mathrm{out}$", "$H$"),
    (3, 0.28, r"$b_\mathrm{out}$", "$1$"),
)
_FORMULAS = (
    r"$W_\mathrm{in}x + b_\mathrm{in}$",
    r"$\max(z, 0)$",
    r"$w_\mathrm{out}\cdot H + b_\mathrm{out}$",
    r"$\log(1 + e^{-y\hat{y}})$",
)


def chain_diagram() -> Figure:
    """The quantities from x to the loss s in a row.

    Above the arrows stand the functions, under the arrows back the local derivatives that the
    chain rule multiplies; at the foot each parameter with the factor of its own.
    """
    figure = Figure(figsize=(8.6, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.3, 4.3), ylim=(-1.6, 0.7))
    axes.axis("off")
    for i, (name, local) in enumerate(_CHAIN):
        axes.text(i, 0, name, ha="center", va="center", fontsize=15)
        if i > 0:
            _arrow(axes, (i - 0.85, 0.1), (i - 0.15, 0.1), _FORWARD)
            axes.text(i - 0.5, 0.24, _FORMULAS[i - 1], ha="center", fontsize=11, color=_FORWARD)
        if local:
            _arrow(axes, (i - 0.15, -0.1), (i - 0.85, -0.1), _BACK)
            axes.text(i - 0.5, -0.36, local, ha="center", fontsize=11, color=_BACK)
    for i, aside, name, factor in _PARAMETERS:
        _arrow(axes, (i + 0.35 * aside, -0.25), (i + aside, -1.2), _BACK)
        axes.text(
            i + 0.7 * aside + (0.07 if aside > 0 else -0.07), -0.72, factor,
            ha="left" if aside > 0 else "right", fontsize=11, color=_BACK,
        )  # fmt: skip
        axes.text(i + aside, -1.45, name, ha="center", fontsize=13, color=_PARAMETER)
    axes.text(-0.3, 0.5, "function", fontsize=10, color=_FORWARD)
    axes.text(-0.3, -1.45, "derivative by", fontsize=10, color=_PARAMETER)
    axes.text(-0.3, -0.72, "local derivative", fontsize=10, color=_BACK)
    return figure


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.2})
