"""Pictures of several trainings side by side."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

_STRETCHES = 500


def trial_curves(panels: Mapping[str, Mapping[str, Float[np.ndarray, " T"]]]) -> Figure:
    """The training error (a fraction) against the iteration: a panel a setting, a line a trial.

    A line is the mean of the errors over each of 500 stretches of its run.
    """
    columns = min(len(panels), 3 if len(panels) % 3 == 0 else 2)
    rows = -(-len(panels) // columns)
    size = (7.2, 4) if len(panels) == 1 else (9.6, 2.6 * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes_of = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, trials) in zip(axes_of.flat, panels.items(), strict=False):
        for trial, errors in trials.items():
            axes.plot(*_means(errors), linewidth=1, label=trial)
        axes.set_title(name, fontsize=10)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(alpha=0.3)
    for axes in axes_of.flat[len(panels) :]:
        axes.remove()
    axes_of.flat[0].legend(fontsize=8)
    figure.supxlabel("iteration", fontsize=10)
    figure.supylabel("training error (% of the points)", fontsize=10)
    return figure


def _means(
    errors: Float[np.ndarray, " T"],
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """The middle iteration of each stretch, and the mean error in it."""
    edges = np.unique(np.linspace(0, len(errors), _STRETCHES + 1).astype(int))
    means = np.add.reduceat(errors, edges[:-1]) / np.diff(edges)
    return (edges[:-1] + edges[1:] + 1) / 2, means
