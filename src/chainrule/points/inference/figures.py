"""Pictures of an inference: the posterior beside the prior, and the published rows in their
intervals. They take data and give Matplotlib figures; nothing is saved here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from chainrule.points.inference.prediction import Predicted, Prediction
from chainrule.points.inference.published import NEVER
from chainrule.points.moons import DrawnMoons

_INSIDE, _OUTSIDE, _INTERVAL = "#2166ac", "#b35806", "#a9cbe8"
_TITLES = ("training error (%)", "validation error (%)", "iteration (thousands)")


def posterior_figure(candidates: Sequence[DrawnMoons], posterior: Mapping[str, Any]) -> Figure:
    """A histogram of each number over its prior range, and the share of each choice.

    posterior: what `posterior_document` says of the candidates.
    """
    figure = Figure(figsize=(9.6, 5.6), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for axes, (name, number) in zip(
        above.subplots(1, len(posterior["numbers"])), posterior["numbers"].items(), strict=True
    ):
        low, high = number["prior"]
        values = [getattr(candidate.moons, name) for candidate in candidates]
        spaced = np.geomspace if name == "scale" else np.linspace
        axes.hist(values, bins=spaced(low, high, 41).tolist(), color=_INSIDE)
        axes.axvline(number["median"], color=_OUTSIDE)
        axes.set(title=f"{name}: {number['median']:.3g}", xlim=(low, high), yticks=[])
        if name == "scale":
            axes.set_xscale("log")
            axes.set_xticks([low, 1, 3, high])
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.minorticks_off()
    above.supylabel("candidates", fontsize=10)
    axes = below.subplots()
    names = list(posterior["choices"])
    for row, name in enumerate(reversed(names)):
        left = 0.0
        for (choice, share), colour in zip(
            posterior["choices"][name].items(), (_INTERVAL, _INSIDE), strict=True
        ):
            axes.barh(row, share, left=left, color=colour)
            if share > 0.04:
                axes.text(
                    left + share / 2, row, f"{choice} {100 * share:.0f} %", ha="center",
                    va="center", fontsize=9, color="black" if colour == _INTERVAL else "white",
                )  # fmt: skip
            left += share
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
    axes.set(xlim=(0, 1), xlabel="share of the candidates")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def rows_figure(predictions: Sequence[Prediction]) -> Figure:
    """The 95 % interval of every published number, with the number; hollow: held out."""
    figure = Figure(figsize=(10.4, 1.2 + 0.23 * len(predictions)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for column, axes in enumerate(panels):
        for row, prediction in enumerate(predictions):
            number = prediction.numbers[column]
            if number is not None:
                _draw(axes, row, number, prediction, column)
        axes.set_title(_TITLES[column], fontsize=10)
        axes.grid(axis="x", alpha=0.3)
    for axes in panels[:2]:
        axes.set_xscale("symlog", linthresh=1, linscale=0.4)
        axes.set_xlim(-0.1, 100)
        axes.set_xticks([0, 1, 2, 5, 10, 20, 50, 100])
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.minorticks_off()
    _scale_iterations(panels[2], predictions)
    panels[0].set_yticks(range(len(predictions)), [p.run.id for p in predictions], fontsize=8)
    panels[0].set_ylim(len(predictions) - 0.4, -0.6)
    figure.supxlabel(
        "bar: 95 % predictive interval; dot: published, orange outside of it, hollow if held out",
        fontsize=9,
    )
    return figure


def _draw(axes: Axes, row: int, number: Predicted, prediction: Prediction, column: int) -> None:
    most = 2.0 * prediction.run.setting.iterations
    low, high, published = (
        min(value, most) / 1000 if column == 2 else 100 * value
        for value in (number.low, number.high, number.published)
    )
    axes.plot([low, high], [row, row], color=_INTERVAL, linewidth=6, solid_capstyle="butt")
    if low == high:
        axes.plot(low, row, marker="|", color=_INTERVAL, markersize=9, markeredgewidth=3)
    colour = _INSIDE if number.within else _OUTSIDE
    axes.plot(
        published, row, marker="o", markersize=4.5, markeredgecolor=colour,
        color="white" if prediction.held_out else colour,
    )  # fmt: skip


def _scale_iterations(axes: Axes, predictions: Sequence[Prediction]) -> None:
    """Logarithmic; what has no iteration stands at twice the length of its run."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    never = [
        p.run.setting.iterations / 500
        for p in predictions
        if (n := p.numbers[2]) is not None and NEVER in (n.published, n.high)
    ]
    for position in sorted(set(never)):
        axes.axvline(position, color="grey", linewidth=0.8, linestyle=":")
        axes.annotate(
            "none", (position, 0), xytext=(0, 12), textcoords="offset points", fontsize=7,
            ha="center", annotation_clip=False,
        )  # fmt: skip
