"""Pictures of the practical's experiments. They take data and give Matplotlib figures.

Axes that show a picture are in pixels, counted from its upper left corner.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image, ImageOps
from torch import Tensor

from chainrule.practical.blobs import Labels
from chainrule.practical.on_picture import pixel_norms
from chainrule.practical.small_cnn import SmallCnn, errors_of
from chainrule.practical.stability import Change, Stability

_SEEN = 1600  # pixels of a picture's longer side in a figure
_POOLINGS = {
    "none": ("no pooling", "#777777", "o"),
    "average": ("average pooling", "#b35806", "s"),
    "max": ("max pooling", "#2166ac", "^"),
}
_TAIL = 0.5  # percent of the values that a picture's colours may leave out at each end


def laplacian_figure(x: Float32[Tensor, "1 3 h w"], y: Float32[Tensor, "1 1 i j"]) -> Figure:
    """The picture, the Laplacian's output, and minus its absolute value."""
    figure, axes = _panels(x, 3)
    _picture(axes[0], x)
    _signed(axes[1], y[0, 0], "Laplacian, summed over the channels")
    response = -y[0, 0].abs().numpy()
    low = float(np.percentile(response, 2 * _TAIL))
    shown = axes[2].imshow(response, cmap="gray", vmin=low, vmax=0)
    axes[2].set_title("minus its absolute value", fontsize=10)
    _bar(figure, axes[2], shown)
    return figure


def edges_figure(x: Float32[Tensor, "1 3 h w"], y: Float32[Tensor, "1 2 i j"]) -> Figure:
    """The picture and the output of each filter of the pair."""
    figure, axes = _panels(x, 3)
    _picture(axes[0], x)
    _signed(axes[1], y[0, 0], "filter (1, 0, −1)")
    _signed(axes[2], y[0, 1], "filter (−1, 0, 1)")
    return figure


def relu_figure(x: Float32[Tensor, "1 3 h w"], y: Float32[Tensor, "1 2 i j"]) -> Figure:
    """The picture and what the ReLU leaves of each filter's output."""
    figure, axes = _panels(x, 3)
    _picture(axes[0], x)
    high = float(np.percentile(y.numpy(), 100 - _TAIL)) or 1.0
    for panel, channel, name in zip(
        axes[1:], y[0].numpy(), ("(1, 0, −1)", "(−1, 0, 1)"), strict=True
    ):
        shown = panel.imshow(channel, cmap="gray", vmin=0, vmax=high)
        panel.set_title(f"ReLU of the filter {name}", fontsize=10)
        _bar(figure, panel, shown)
    return figure


def max_pooling_figure(
    x: Float32[Tensor, "1 3 h w"], outputs: Mapping[str, Float32[Tensor, "1 3 i j"]]
) -> Figure:
    """The picture and each of `outputs`, by its name."""
    figure, axes = _panels(x, 1 + len(outputs))
    _picture(axes[0], x)
    for panel, (name, y) in zip(axes[1:], outputs.items(), strict=True):
        _colours(panel, y, interpolation="nearest" if y.shape[3] < 200 else None)
        panel.set_title(f"{name}: {y.shape[3]}×{y.shape[2]} pixels", fontsize=10)
    return figure


def normalization_figure(x: Float32[Tensor, "1 3 h w"], y: Float32[Tensor, "1 3 h w"]) -> Figure:
    """The picture and its normalised form; the norm of each pixel before and after."""
    width, height = _size(x)
    figure = Figure(figsize=(2 * width + 1, 2 * height + 0.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, (picture, name) in zip(axes, ((x, "picture"), (y, "normalised")), strict=True):
        _colours(row[0], picture)
        row[0].set_title(name, fontsize=10)
        shown = row[1].imshow(pixel_norms(picture)[0].numpy(), cmap="gray", vmin=0, vmax=np.sqrt(3))
        row[1].set_title(f"norm of each pixel, {name}", fontsize=10)
        _bar(figure, row[1], shown)
    _pixels(axes.flat)
    return figure


def random_filters_figure(
    weight: Float32[Tensor, "filters 3 k l"], y: Float32[Tensor, "1 filters i j"]
) -> Figure:
    """Each filter as a little colour picture over its output, in grey from its own range."""
    count = len(weight)
    columns = min(5, count)
    rows = -(-count // columns)
    width, height = _size(y, inches=2.1)
    figure = Figure(figsize=(columns * width, rows * (height + 1.2)), layout="constrained")
    ratios = [0.7, height] * rows
    axes = figure.subplots(2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": ratios})
    largest = float(weight.abs().max())
    for panel in axes.flat:
        panel.axis("off")
    for k in range(count):
        row, column = divmod(k, columns)
        above, below = axes[2 * row : 2 * row + 2, column]
        above.imshow((weight[k] / (2 * largest) + 0.5).permute(1, 2, 0).numpy())
        above.set_title(f"filter {k + 1}", fontsize=9)
        output = y[0, k].numpy()
        low, high = np.percentile(output, (_TAIL, 100 - _TAIL))
        below.imshow(output, cmap="gray", vmin=low, vmax=high)
        below.set_title(f"{low:.1f} to {high:.1f}".replace("-", "−"), fontsize=8)
    return figure


def stability_figure(found: Stability) -> Figure:
    """The change and the unchanged share against the shift and against the turn."""
    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    axes = figure.subplots(2, 2, sharey="row", sharex="col")
    for column, moved in enumerate((found.shifts, found.turns)):
        for name, changes in moved.items():
            label, colour, marker = _POOLINGS[name]
            for row, values in enumerate(_series(changes)):
                axes[row, column].plot(
                    list(changes), values, color=colour, marker=marker, ms=4, lw=1.3, label=label
                )
    axes[0, 0].set_title("shifted", fontsize=11)
    axes[0, 1].set_title("turned", fontsize=11)
    axes[0, 0].set_ylabel("change of the output (1: unrelated)")
    axes[1, 0].set_ylabel("outputs within a grey level (%)")
    axes[1, 0].set_xlabel("shift (pixels)")
    axes[1, 1].set_xlabel("turn (degrees)")
    for panel in axes.flat:
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes[0, 0].legend(frameon=False, fontsize=9)
    return figure


def small_cnn_figure(grey: Float32[np.ndarray, "h w"], labels: Labels, found: SmallCnn) -> Figure:
    """The labels, the objective, the scores, the filter and where the network is wrong."""
    figure = Figure(figsize=(11, 6.6), layout="constrained")
    axes = figure.subplots(2, 3)
    _labels(axes[0, 0], grey, labels)
    _objective(axes[0, 1], found.objective)
    _histogram(axes[0, 2], found.scores, labels)
    _filter(figure, axes[1, 0], found)
    shown = axes[1, 1].imshow(found.scores, cmap="RdBu_r", vmin=-2, vmax=2)
    axes[1, 1].set_title("score of each pixel", fontsize=10)
    _bar(figure, axes[1, 1], shown)
    _errors(axes[1, 2], grey, labels, found)
    _pixels((axes[0, 0], axes[1, 1], axes[1, 2]))
    return figure


def objectives_figure(objectives: Mapping[str, Float[np.ndarray, " T"]]) -> Figure:
    """The objective of several trainings against the iteration, on a logarithmic axis."""
    figure = Figure(figsize=(7.2, 4), layout="constrained")
    axes = figure.subplots()
    styles = zip(("#2166ac", "#b35806", "#1b7837", "#762a83"), ("-", "--", "-.", ":"), strict=True)
    for (name, values), (colour, dashes) in zip(objectives.items(), styles, strict=False):
        axes.plot(values, color=colour, linestyle=dashes, lw=1.3, label=name)
    axes.set(xlabel="iteration", ylabel="objective (no unit)", yscale="log")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    return figure


def rates_figure(
    rates: Sequence[float], objectives: Mapping[str, Float[np.ndarray, "rates seeds"]]
) -> Figure:
    """The objective at the end against the learning rate: a dot a start, a line their median."""
    figure = Figure(figsize=(7.2, 4), layout="constrained")
    axes = figure.subplots()
    colours = ("#2166ac", "#b35806", "#1b7837", "#762a83")
    for (name, values), colour, marker in zip(
        objectives.items(), colours, ("o", "s", "^", "v"), strict=False
    ):
        axes.plot(rates, np.median(values, axis=1), color=colour, lw=1.3, label=name)
        axes.plot(rates, values, linestyle="", marker=marker, ms=4, color=colour, alpha=0.6)
    axes.set(xlabel="learning rate", ylabel="objective at the end", xscale="log", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _series(changes: Mapping[int, Change]) -> tuple[list[float], list[float]]:
    return [c.relative for c in changes.values()], [c.unchanged for c in changes.values()]


def _labels(axes: Axes, grey: Float32[np.ndarray, "h w"], labels: Labels) -> None:
    colours = np.repeat(grey[:, :, None], 3, axis=2)
    colours[labels.negative] *= (0.75, 0.85, 1.0)
    axes.imshow(colours, vmin=0, vmax=1)
    rows, columns = np.nonzero(labels.positive)
    axes.plot(columns, rows, "o", mfc="none", mec="#d6604d", ms=5, label="positive")
    axes.set_title("labels: blobs circled, negative pixels blue", fontsize=10)


def _objective(axes: Axes, objective: Float[np.ndarray, "iterations 3"]) -> None:
    names = ("loss", "shrinkage", "objective, their sum")
    styles = zip(("#b35806", "#1b7837", "black"), ("--", "-.", "-"), strict=True)
    for values, name, (colour, dashes) in zip(objective.T, names, styles, strict=True):
        axes.plot(values, color=colour, linestyle=dashes, lw=1.2, label=name)
    axes.set_yscale("log")
    axes.set(xlabel="iteration", ylabel="objective (no unit)")
    axes.set_title("objective", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)


def _histogram(axes: Axes, scores: Float32[np.ndarray, "h w"], labels: Labels) -> None:
    positive, negative = scores[labels.positive], scores[labels.negative]
    low, high = np.percentile(np.concatenate([positive, negative]), (0, 100))
    edges = np.linspace(low, max(high, low + 1e-3), 50).tolist()
    for values, colour, name in (
        (negative, "#2166ac", "negative pixels"),
        (positive, "#d6604d", "blobs"),
    ):
        axes.hist(
            values,
            edges,
            weights=np.full(len(values), 1 / len(values)),
            color=colour,
            alpha=0.6,
            label=name,
        )
    for at in (0, 1):
        axes.axvline(at, color="black", lw=0.8, ls=":")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.set(xlabel="score (hinges at 0 and 1)", ylabel="share of each kind (%)")
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # room for the legend
    axes.set_title("scores", fontsize=10)
    axes.legend(frameon=False, fontsize=8)


def _filter(figure: Figure, axes: Axes, found: SmallCnn) -> None:
    weight = found.parameters["filter.weight"][0, 0].numpy()
    largest = float(np.abs(weight).max()) or 1.0
    shown = axes.imshow(weight, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for (row, column), value in np.ndenumerate(weight):
        colour = "white" if abs(value) > 0.6 * largest else "black"
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    bias = float(found.parameters["filter.bias"][0])
    axes.set_title(f"filter learned; bias {bias:.2f}", fontsize=10)
    _bar(figure, axes, shown)


def _errors(axes: Axes, grey: Float32[np.ndarray, "h w"], labels: Labels, found: SmallCnn) -> None:
    missed, false = errors_of(found.scores, labels)
    colours = np.repeat(0.5 + 0.5 * grey[:, :, None], 3, axis=2)
    colours[false] = (0.84, 0.38, 0.30)
    axes.imshow(colours)
    rows, columns = np.nonzero(missed)
    axes.plot(columns, rows, "x", color="#2166ac", ms=8, mew=2)
    axes.set_title(
        f"errors: {int(missed.sum())} of {int(labels.positive.sum())} blobs missed (cross),\n"
        f"{false.sum() / labels.negative.sum():.2%} of the negative pixels (red)",
        fontsize=10,
    )


def _panels(x: Tensor, count: int) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels of the picture's shape: in a row, or below each other if wide."""
    width, height = _size(x)
    stacked = width > 2 * height
    rows, columns = (count, 1) if stacked else (1, count)
    size = (columns * (width + 0.8), rows * (height + 0.5))
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    _pixels(axes)
    return figure, axes


def _size(x: Tensor, inches: float = 3.2) -> tuple[float, float]:
    """Width and height in inches: the longer side as long as `inches`, none below an inch."""
    height, width = x.shape[2:]
    longer = max(height, width)
    return max(1.0, inches * width / longer), max(1.0, inches * height / longer)


def _picture(axes: Axes, x: Tensor) -> None:
    _colours(axes, x)
    axes.set_title("picture", fontsize=10)


def _colours(axes: Axes, x: Tensor, interpolation: str | None = None) -> None:
    """A picture in colours: in 8 bits, and no larger than a figure can show."""
    height, width = x.shape[2:]
    pixels = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8)
    shown = Image.fromarray(pixels.numpy())
    if max(width, height) > _SEEN:
        shown = ImageOps.contain(shown, (_SEEN, _SEEN))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(shown, interpolation=interpolation, extent=extent)


def _signed(axes: Axes, channel: Tensor, title: str) -> None:
    """White is 0, red above, blue below; the strongest responses share their colour."""
    values = channel.numpy()
    high = float(np.percentile(np.abs(values), 100 - 2 * _TAIL)) or 1.0
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-high, vmax=high)
    axes.set_title(title, fontsize=10)
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    _bar(figure, axes, shown)


def _bar(figure: Figure, axes: Axes, shown: AxesImage) -> None:
    figure.colorbar(shown, ax=axes, shrink=0.75, pad=0.02)


def _pixels(panels: Sequence[Axes]) -> None:
    for axes in panels:
        axes.tick_params(labelsize=7)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("column (pixels)", fontsize=8)
        axes.set_ylabel("row (pixels)", fontsize=8)
