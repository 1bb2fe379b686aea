"""Pictures of the letter network. They take data and give Matplotlib figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int64, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from chainrule.reader.letters.score_map import STRIDE, columns_of

_TRAINING, _VALIDATION = "black", "tab:red"


def training_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Energy, top-1 and top-5 error after each epoch, in training and in validation."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    epochs = [line["epoch"] for line in history]
    panels = (("energy", "mean loss (nats)", 1), ("top1", "top-1 error (%)", 100),
              ("top5", "top-5 error (%)", 100))  # fmt: skip
    for axes, (name, label, factor) in zip(figure.subplots(1, 3), panels, strict=True):
        for kind, shown, colour in (
            ("validation", "validation", _VALIDATION),
            ("train", "training", _TRAINING),
        ):
            values = [factor * line[f"{name}_{kind}"] for line in history]
            axes.plot(epochs, values, "o-", color=colour, markersize=3, label=shown)
        axes.set(xlabel="epoch", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    axes.legend()
    return figure


def first_filters(
    before: Float[Tensor, "filters 1 h w"], after: Float[Tensor, "filters 1 h w"]
) -> Figure:
    """The first layer's filters before and after training, each set on a grey scale of its own."""
    count = len(before)
    columns = min(10, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(0.62 * columns + 0.4, 2 * (0.62 * rows + 0.55)))
    halves = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for half, name, filters in zip(halves, ("before", "after"), (before, after), strict=True):
        limit = float(filters.abs().max())
        half.suptitle(f"{name} training: weights from −{limit:.2g} to {limit:.2g}", fontsize=9)
        grid = half.subplots(rows, columns, squeeze=False)
        half.subplots_adjust(0.02, 0.02, 0.98, 0.84, wspace=0.1, hspace=0.1)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, one in zip(grid.flat, filters, strict=False):
            axes.imshow(one[0].numpy(), cmap="gray", vmin=-limit, vmax=limit)
    return figure


def confusion_figure(matrix: Int64[np.ndarray, "k k"], alphabet: str) -> Figure:
    """The confusion matrix: how many letters of each class (row) were read as each (column)."""
    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    axes = figure.subplots()
    shown = np.ma.masked_equal(matrix, 0)
    image = axes.imshow(shown, cmap="viridis", norm=LogNorm(1, max(2, int(matrix.max()))))
    ticks = np.arange(len(alphabet))
    axes.set_xticks(ticks, list(alphabet), fontsize=8)
    axes.set_yticks(ticks, list(alphabet), fontsize=8)
    axes.set(xlabel="read as", ylabel="letter")
    figure.colorbar(image, ax=axes, label="letters (none where white)", shrink=0.9)
    return figure


def confused_letters(
    pairs: Sequence[tuple[int, int, int]],
    examples: Sequence[UInt8[np.ndarray, "_ h w"]],
    alphabet: str,
) -> Figure:
    """The commonest mistakes, a row each: the pictures of a letter that were read as another."""
    columns = max(len(images) for images in examples)
    rows = len(pairs)
    figure = Figure(figsize=(0.5 * columns + 1.9, 0.52 * rows + 0.1))
    width, height = figure.get_size_inches()
    for row, ((truth, read, count), images) in enumerate(zip(pairs, examples, strict=True)):
        bottom = height - 0.52 * (row + 1)
        text = f"{alphabet[truth]} read as {alphabet[read]}: {count}"
        figure.text(0.08 / width, (bottom + 0.24) / height, text, va="center", fontsize=10)
        for column, picture in enumerate(images):
            box = (1.8 + 0.5 * column) / width, bottom / height, 0.46 / width, 0.46 / height
            axes = figure.add_axes(box)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
    return figure


def line_figure(
    picture: UInt8[np.ndarray, "h w"],
    readings: Mapping[str, Float[Tensor, "classes columns"]],
    alphabet: str,
    text: str,
    boxes: Int[np.ndarray, "n 4"],
) -> Figure:
    """A line, and for each of the named score maps each column's letter and probabilities.

    Under the picture stands the letter that scores best in each column, at the middle of its
    window: those nearest to the middle of a letter of the text are green where they are that
    letter and red where not, those in between grey.
    """
    figure = Figure(figsize=(11, 0.9 + 3.0 * len(readings)), layout="constrained")
    heights = [0.45, *([0.16, 2.4] * len(readings))]
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    panels[0].imshow(picture, cmap="gray", vmin=0, vmax=255, aspect="auto")
    panels[0].set_yticks([])
    for number, (name, scores) in enumerate(readings.items()):
        letters, maps = panels[1 + 2 * number], panels[2 + 2 * number]
        _letters(letters, scores, alphabet, text, boxes)
        letters.set_title(name, fontsize=10, loc="left")
        _probabilities(maps, scores, alphabet)
    panels[-1].set_xlabel("position in the line; of a score, the middle of its window (px)")
    panels[-1].set_xlim(-0.5, picture.shape[1] - 0.5)
    return figure


def _letters(
    axes: Axes,
    scores: Float[Tensor, "classes columns"],
    alphabet: str,
    text: str,
    boxes: Int[np.ndarray, "n 4"],
) -> None:
    best = scores.argmax(0).tolist()
    own = dict(zip(columns_of(boxes, len(best)).tolist(), text, strict=True))
    for column, index in enumerate(best):
        character, truth = alphabet[index], own.get(column, " ")
        colour = "0.6" if truth == " " else "tab:green" if truth == character else "tab:red"
        weight = "normal" if truth == " " else "bold"
        axes.text(_middle(column), 0.5, character, color=colour, fontsize=8, weight=weight,
                  ha="center", va="center")  # fmt: skip
    axes.set_axis_off()


def _probabilities(axes: Axes, scores: Float[Tensor, "classes columns"], alphabet: str) -> None:
    shown = scores.softmax(0).numpy()
    edges = _middle(0) - STRIDE / 2, _middle(scores.shape[1] - 1) + STRIDE / 2
    axes.imshow(shown, cmap="gray_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest",
                extent=(*edges, len(alphabet) - 0.5, -0.5))  # fmt: skip
    axes.set_yticks(range(len(alphabet)), list(alphabet), fontsize=6)
    axes.set_ylabel("letter (black: probability 1)", fontsize=8)


def _middle(column: int) -> float:
    return STRIDE * column + 15.5
