"""Pictures of points of more than two classes; they take data and give Matplotlib figures."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from chainrule.points.classes import ClassPoints, ClassRun, error_of, outputs_of
from chainrule.points.figures import drawn, limits_of, mark_errors

_NAMED = 12  # classes in a legend; more would cover the panels


def class_errors(run: ClassRun) -> Figure:
    """Both errors of all networks together (fractions) against the iteration."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(run.looks, run.validation_error, color="tab:red", label="validation", linewidth=1)
    axes.plot(run.looks, run.train_error, color="black", label="training", linewidth=1)
    mark_errors(axes, "iteration of each network", run.looks[-1])
    return figure


def class_regions(
    snapshots: Mapping[int, Mapping[str, np.ndarray]],
    training: ClassPoints,
    validation: ClassPoints,
) -> Figure:
    """Which class each place gets after each iteration of `snapshots`, one panel each.

    Raises InputError unless the points have two features.
    """
    columns = min(3, len(snapshots))
    rows = -(-len(snapshots) // columns)
    figure = Figure(figsize=(3.5 * columns, 3.2 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    colours = _colours(len(training.class_names))
    limits = limits_of(training.features, validation.features)
    for axes, iteration in zip(panels.flat, sorted(snapshots), strict=False):
        _panel(axes, snapshots[iteration], (training, validation), limits, colours)
        wrong = error_of(snapshots[iteration], training)
        axes.set_title(f"iteration {iteration:,}: {wrong:.1%} wrong", fontsize=10)
    for axes in panels.flat[len(snapshots) :]:
        axes.remove()
    figure.supxlabel(training.feature_names[0], fontsize=10)
    figure.supylabel(training.feature_names[1], fontsize=10)
    names = training.class_names[:_NAMED]
    handles = [
        mpl.lines.Line2D([], [], color=colour, marker="o", linestyle="", label=name)
        for name, colour in zip(names, colours, strict=False)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(6, len(names)), fontsize=8)
    return figure


def _panel(
    axes: Axes,
    parameters: Mapping[str, np.ndarray],
    parts: tuple[ClassPoints, ClassPoints],
    limits: tuple[float, float, float, float],
    colours: list[Any],
) -> None:
    left, right, bottom, top = limits
    u, v = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    found = outputs_of(np.stack([u.ravel(), v.ravel()], axis=1), parameters).argmax(axis=1)
    axes.imshow(
        found.reshape(u.shape),
        extent=limits,
        origin="lower",
        aspect="auto",
        cmap=ListedColormap(colours),
        vmin=0,
        vmax=len(colours) - 1,
        alpha=0.3,
        interpolation="nearest",
    )
    for points, size, marker in zip(parts, (5, 9), ("o", "x"), strict=True):
        for number, colour in enumerate(colours):
            ours = drawn(points.features[points.classes == number])
            axes.scatter(
                ours[:, 0], ours[:, 1], s=size, color=colour, marker=marker, linewidths=0.5
            )
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _colours(count: int) -> list[Any]:
    """So many colours: those that can be told apart first, else around the colour wheel."""
    if count <= 10:
        return list(mpl.colormaps["tab10"].colors[:count])  # type: ignore[attr-defined]
    return [mpl.colormaps["turbo"](k / (count - 1)) for k in range(count)]
