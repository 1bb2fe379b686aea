"""Pictures of several trainings side by side."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_STRETCHES = 500


def trial_curves(panels: Mapping[str, Mapping[str, Float[np.ndarray, " T"]]]) -> Figure:
    """The training error (a fraction) against the iteration: a panel a setting, a line a trial.

    A line is the mean of the errors over each of 500 stretches of its run. The errors of the
    first fiftieth, where every run starts, may lie above the panel.
    """
    columns = min(len(panels), 3 if len(panels) % 3 == 0 else 2)
    rows = -(-len(panels) // columns)
    size = (7.2, 4) if len(panels) == 1 else (9.6, 2.6 * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes_of = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, trials) in zip(axes_of.flat, panels.items(), strict=False):
        top = 1.0
        for trial, errors in trials.items():
            iterations, means = _means(errors)
            axes.plot(iterations / 1000, 100 * means, linewidth=1, label=trial)
            top = max(top, 115 * float(means[len(means) // 50 :].max()))
            axes.set_xlim(0, len(errors) / 1000)
        axes.set_ylim(0, top)
        axes.set_title(name, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(alpha=0.3)
    for axes in axes_of.flat[len(panels) :]:
        axes.remove()
    handles, labels = axes_of.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), fontsize=8)
    figure.supxlabel("iteration (thousands)", fontsize=10)
    figure.supylabel("training error (% of the points)", fontsize=10)
    return figure


def _means(
    errors: Float[np.ndarray, " T"],
) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """The middle iteration of each stretch, and the mean error in it."""
    edges = np.unique(np.linspace(0, len(errors), _STRETCHES + 1).astype(int))
    means = np.add.reduceat(errors, edges[:-1]) / np.diff(edges)
    return (edges[:-1] + edges[1:] + 1) / 2, means
