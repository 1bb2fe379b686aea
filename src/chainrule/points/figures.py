"""Pictures of the points bench. They take data and give Matplotlib figures; nothing is saved here.

Class -1 is orange and class +1 blue, in colours that colour-blind readers tell apart.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter, StrMethodFormatter
from PIL import Image

from chainrule.errors import InputError
from chainrule.io.figures import MARK
from chainrule.io.progress import Progress
from chainrule.points.data import Points
from chainrule.points.network import forward
from chainrule.points.study import Summary

_MOST_DRAWN = 20_000  # of a class; more are a blot, and take seconds
_NEGATIVE, _POSITIVE = "#b35806", "#2166ac"
# pale, so that the points stand out from it
_SHADES = LinearSegmentedColormap.from_list("classes", ["#fcc98a", "#ffffff", "#a9cbe8"])
_BINS = 1000  # a curve with more iterations than this is drawn as a band with its mean


def error_curves(
    train_error: Float[np.ndarray, " T"], validation_error: Float[np.ndarray, " T"]
) -> Figure:
    """Both errors (fractions) against the iteration.

    Long curves are cut into bins: the line is the mean of a bin, the band its smallest and
    largest value, so that no spike is lost.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for error, colour, name in (
        (validation_error, "tab:red", "validation"),
        (train_error, "black", "training"),
    ):
        _curve(axes, error, colour, name)
    mark_errors(axes, "iteration", len(train_error))
    return figure


def mark_errors(axes: Axes, iteration: str, last: int) -> None:
    """Name and scale the axes of errors (fractions) against the iteration, and add a legend."""
    axes.set(xlabel=iteration, ylabel="error (% of the points)", xlim=(0, last))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.3)
    axes.legend()


def decision_boundaries(
    snapshots: Mapping[int, Mapping[str, np.ndarray]], training: Points, validation: Points
) -> Figure:
    """The boundary after each iteration of `snapshots`, one panel each.

    The black line is y_hat = 0, the shading the probability of class +1, 1 / (1 + exp(-y_hat)).
    Raises InputError unless the points have two features.
    """
    columns = min(3, len(snapshots))
    rows = -(-len(snapshots) // columns)
    figure = Figure(figsize=(3.5 * columns + 0.9, 3.2 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    limits = limits_of(training.features, validation.features)
    shown = list(panels.flat[: len(snapshots)])
    for axes, iteration in zip(shown, sorted(snapshots), strict=True):
        shading = _boundary(axes, snapshots[iteration], training, validation, limits)
        wrong = _error(snapshots[iteration], training)
        axes.set_title(f"iteration {iteration:,}: {wrong:.1%} wrong", fontsize=10)
    for axes in panels.flat[len(snapshots) :]:
        axes.remove()
    for axes in shown[-columns:]:  # the lowest of each column, also above an empty place
        axes.tick_params(labelbottom=True)
    figure.supxlabel(training.feature_names[0], fontsize=10)
    figure.supylabel(training.feature_names[1], fontsize=10)
    figure.colorbar(shading, ax=shown, label=_probability(training), shrink=0.8)
    figure.legend(
        handles=_legend(training),
        loc="outside upper center",
        ncols=min(3, columns + 1),
        fontsize=8,
    )
    return figure


def boundary_animation(
    snapshots: Mapping[int, Mapping[str, np.ndarray]],
    training: Points,
    validation: Points,
    *,
    milliseconds: int = 150,
    progress: Progress | None = None,
) -> bytes:
    """The boundary through the iterations of `snapshots` as a GIF; the last frame stays 2 s.

    Raises InputError unless the points have two features.
    """
    limits = limits_of(training.features, validation.features)
    frames = []
    for iteration in sorted(snapshots):
        figure = Figure(figsize=(5.6, 5.2), dpi=100, layout="constrained")
        axes = figure.subplots()
        shading = _boundary(axes, snapshots[iteration], training, validation, limits)
        wrong = _error(snapshots[iteration], training)
        axes.set_title(f"iteration {iteration:,}: {wrong:.1%} of the training points wrong")
        axes.set(xlabel=training.feature_names[0], ylabel=training.feature_names[1])
        figure.colorbar(shading, ax=axes, label=_probability(training))
        figure.legend(handles=_legend(training), loc="outside lower center", ncols=3, fontsize=8)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
        if progress is not None:
            progress(len(frames), len(snapshots))
    # one palette for all frames, or the colours would flicker
    palette = frames[-1].quantize(128)
    first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    stream = io.BytesIO()
    first.save(
        stream,
        "GIF",
        save_all=True,
        append_images=rest,
        duration=[milliseconds] * len(rest) + [2000],
        loop=0,
        comment=MARK,
    )
    return stream.getvalue()


def study_map(summaries: Sequence[Summary]) -> Figure:
    """Hidden units against learning rate: share of zero runs, and their median iteration.

    Every (hidden, learning_rate) must be there once; cells where no run reached zero are grey in
    the right panel. Raises InputError if the settings are no such grid.
    """
    hidden = sorted({s.setting.hidden for s in summaries})
    rates = sorted({s.setting.learning_rate for s in summaries})
    if len(summaries) != len(hidden) * len(rates):
        raise InputError(
            f"map: found {len(summaries)} settings with {len(hidden)} numbers of hidden units and "
            f"{len(rates)} learning rates; expected every combination once"
        )
    shares, medians = (np.full((len(hidden), len(rates)), np.nan) for _ in range(2))
    for s in summaries:
        cell = hidden.index(s.setting.hidden), rates.index(s.setting.learning_rate)
        shares[cell] = s.zero_share
        if s.converged_at_median is not None:
            medians[cell] = s.converged_at_median
    size = 1.5 + 0.36 * len(rates), 1.9 + 0.32 * len(hidden)
    figure = Figure(figsize=(2 * max(size[0], 4), max(size[1], 3)), layout="constrained")
    left, right = figure.subplots(1, 2)
    texts = [[f"{100 * v:.0f}" for v in row] for row in shares]
    _cells(left, shares, hidden, rates, texts, cmap="viridis", vmin=0, vmax=1)
    left.set_title("share of runs that reach zero error (%)", fontsize=10)
    found = medians[np.isfinite(medians)]
    scale = LogNorm(found.min(), max(found.max(), found.min() * 1.01)) if len(found) else None
    texts = [[_thousands(v) for v in row] for row in medians]
    _cells(right, medians, hidden, rates, texts, cmap="viridis_r", norm=scale)
    right.set_title("median iteration of convergence (thousands)", fontsize=10)
    return figure


def study_shares(summaries: Sequence[Summary]) -> Figure:
    """Per setting: the share of runs that reached zero with its Wilson 95 % interval."""
    figure = Figure(figsize=(7, 1.2 + 0.3 * len(summaries)), layout="constrained")
    axes = figure.subplots()
    shares = np.array([s.zero_share for s in summaries])
    intervals = np.array([s.document()["zero_share_interval"] for s in summaries])
    rows = np.arange(len(summaries))
    axes.errorbar(
        shares,
        rows,
        xerr=np.abs(intervals.T - shares),
        fmt="o",
        color="black",
        ecolor="tab:gray",
        capsize=3,
        clip_on=False,
    )
    axes.set(
        xlabel="runs that reach zero training error (%, with the 95 % interval)",
        xlim=(0, 1),
        ylim=(len(summaries) - 0.5, -0.5),
    )
    axes.set_yticks(rows, [_name(s) for s in summaries])
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.grid(axis="x", alpha=0.3)
    return figure


def _curve(axes: Axes, error: Float[np.ndarray, " T"], colour: str, name: str) -> None:
    T = len(error)
    if T <= _BINS:
        axes.plot(np.arange(1, T + 1), error, color=colour, label=name, linewidth=1)
        return
    edges = np.linspace(0, T, _BINS + 1).astype(int)
    middle = (edges[:-1] + edges[1:] + 1) / 2
    low = np.minimum.reduceat(error, edges[:-1])
    high = np.maximum.reduceat(error, edges[:-1])
    mean = np.add.reduceat(error, edges[:-1]) / np.diff(edges)
    axes.fill_between(middle, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(middle, mean, color=colour, label=f"{name} (mean, range)", linewidth=1)


def _boundary(
    axes: Axes,
    parameters: Mapping[str, np.ndarray],
    training: Points,
    validation: Points,
    limits: tuple[float, float, float, float],
) -> Any:
    """Draw one boundary; give the shading, for the colour bar."""
    left, right, bottom, top = limits
    u, v = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    # row by row: all at once, thousands of hidden units would take gigabytes
    places = zip(u, v, strict=True)
    y_hat = np.stack([forward(np.stack(row, axis=-1), parameters).y_hat for row in places])
    shading = axes.imshow(
        1 / (1 + np.exp(-np.clip(y_hat, -50, 50))),
        extent=limits,
        origin="lower",
        aspect="auto",
        cmap=_SHADES,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )
    if y_hat.min() < 0 < y_hat.max():
        axes.contour(u, v, y_hat, levels=[0], colors="black", linewidths=1.5)
    for label, colour in ((-1, _NEGATIVE), (1, _POSITIVE)):
        ours = drawn(training.features[training.labels == label])
        theirs = drawn(validation.features[validation.labels == label])
        axes.scatter(ours[:, 0], ours[:, 1], s=5, color=colour, linewidths=0)
        axes.scatter(theirs[:, 0], theirs[:, 1], s=9, color=colour, marker="x", linewidths=0.5)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return shading


def drawn(features: np.ndarray) -> np.ndarray:
    """At most _MOST_DRAWN points, equally far apart in their order."""
    return features[:: -(-len(features) // _MOST_DRAWN) or 1]


def _probability(points: Points) -> str:
    return f"probability of class {points.class_names[1]}"


def _legend(points: Points) -> list[Line2D]:
    dots = [
        Line2D(
            [], [], color=colour, marker=marker, linestyle="", markersize=5,
            label=f"{part}, class {name}",
        )
        for marker, part in (("o", "training"), ("x", "validation"))
        for colour, name in zip((_NEGATIVE, _POSITIVE), points.class_names, strict=True)
    ]  # fmt: skip
    return [*dots, Line2D([], [], color="black", label="output 0")]


def _error(parameters: Mapping[str, np.ndarray], points: Points) -> float:
    """The fraction of wrong points; an output of 0 counts as the negative class."""
    return float(((forward(points.features, parameters).y_hat > 0) != (points.labels > 0)).mean())


def limits_of(training: np.ndarray, validation: np.ndarray) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a box around both sets."""
    features = np.concatenate([training, validation])
    if features.shape[1] != 2:
        raise InputError(
            f"decision boundary: found points with {features.shape[1]} features; expected 2"
        )
    low, high = features.min(axis=0), features.max(axis=0)
    margin = np.maximum(0.06 * (high - low), 1e-6)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def _cells(
    axes: Axes,
    values: Float64[np.ndarray, "h r"],
    hidden: Sequence[int],
    rates: Sequence[float],
    texts: Sequence[Sequence[str]],
    **shading: Any,
) -> None:
    axes.set_facecolor("lightgray")
    mesh = axes.imshow(values, origin="lower", aspect="auto", **shading)
    for (i, j), value in np.ndenumerate(values):
        red, green, blue, _ = mesh.to_rgba(value) if np.isfinite(value) else (1, 1, 1, 1)
        bright = 0.3 * red + 0.59 * green + 0.11 * blue > 0.5
        colour = "black" if bright else "white"
        axes.text(j, i, texts[i][j], ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates], rotation=45)
    axes.set_yticks(range(len(hidden)), [str(h) for h in hidden])
    axes.set(xlabel="learning rate", ylabel="hidden units")


def _thousands(iteration: float) -> str:
    if np.isnan(iteration):
        return "–"
    return f"{iteration / 1000:.0f}" if iteration >= 9950 else f"{iteration / 1000:.1f}"


def _name(summary: Summary) -> str:
    s = summary.setting
    return f"h = {s.hidden}, rate {s.learning_rate:g}, {s.iterations:,} it., {s.trials} runs"
