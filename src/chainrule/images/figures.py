"""Pictures of the bench of photographs: data in, `matplotlib.figure.Figure` or an image out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps

from chainrule.errors import FileError
from chainrule.images.evaluation import Row
from chainrule.images.explanation import Explanation
from chainrule.images.lettering import caption, lettering
from chainrule.io.pictures import read_picture

COLOURS = {"cnn": "#1f5fa8", "fisher": "#c2571a", "bovw": "#3c8a4e"}
NAMES = {"cnn": "CNN", "fisher": "Fisher vector", "bovw": "bag of words"}
_COUNTED = 40  # classes whose names and counts can be read in one confusion matrix
_LEAST_COLUMNS, _TITLE = 4, 48  # of a contact sheet, and letters that have room above so many
_SEEN = 800  # pixels of a photograph's longer side in a figure


@dataclass(frozen=True)
class Tile:
    """A picture of a contact sheet, and the lines that stand under it."""

    file: Path
    lines: tuple[str, ...]


def classification_figure(
    image: Image.Image,
    names: Sequence[str],
    probabilities: Sequence[float],
    explanation: Explanation | None = None,
    square: np.ndarray | None = None,
) -> Figure:
    """The photograph and the best classes as bars; with an explanation, its maps on the square."""
    maps = explanation is not None and square is not None
    height = max(3.6, 0.8 + 0.24 * len(names))
    with lettering(names):
        figure = Figure(figsize=(13.5, height) if maps else (8.4, height), layout="constrained")
        widths = [1.2, 1, 1, 1.1] if maps else [1.2, 1.1]
        axes = figure.subplots(1, len(widths), width_ratios=widths)
        axes[0].imshow(ImageOps.contain(image, (_SEEN, _SEEN)))
        axes[0].set_axis_off()
        if explanation is not None and square is not None:
            grey = square.mean(2)
            for axis, map_, title in (
                (axes[1], explanation.derivative, "derivative by pixel"),
                (axes[2], explanation.grad_cam, "Grad-CAM"),
            ):
                axis.imshow(grey, cmap="gray", vmin=0, vmax=255)
                # most derivatives are tiny beside the largest: the root shows where they are
                axis.imshow(np.sqrt(map_), cmap="inferno", alpha=0.65, vmin=0, vmax=1)
                of = caption(names[0], 20)
                axis.set_title(f"{title}: {of}", fontsize=9, parse_math=False)
                axis.set_axis_off()
        _bars(axes[-1], names, probabilities)
    return figure


def precision_recall_figure(rows: Sequence[Row]) -> Figure:
    """One panel a class, one curve a kind of features, with the average precision."""
    classes = list(dict.fromkeys(row.class_name for row in rows))
    kinds = list(dict.fromkeys(row.features for row in rows))
    columns = min(4, len(classes))
    lines = -(-len(classes) // columns)
    size = max(3.2 * columns, 4.2), (3.1 + 0.2 * len(kinds)) * lines
    with lettering(classes):
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for panel in panels[len(classes) :]:
            panel.set_axis_off()
        for panel, name in zip(panels, classes, strict=False):
            for row in (row for row in rows if row.class_name == name):
                recall = np.append(0.0, row.curve.recall)
                precision = np.append(row.curve.precision[0], row.curve.precision)
                kind = NAMES.get(row.features, caption(row.features, 24))
                label = f"{kind}: average precision {row.average_precision:.3f}"
                colour = COLOURS.get(row.features, COLOURS["cnn"])
                panel.plot(recall, precision, color=colour, label=label, linewidth=1.3)
            panel.set(xlim=(0, 1.01), ylim=(0, 1.03), xlabel="recall", ylabel="precision")
            panel.set_title(caption(name), fontsize=10, parse_math=False)
            panel.grid(alpha=0.25)
            # below: a poor curve runs where a legend inside would be
            panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8, frameon=False)
    return figure


def confusion_figure(confusion: np.ndarray, classes: Sequence[str]) -> Figure:
    """Each row shaded by its share, with the counts where they have room."""
    room = len(classes) <= _COUNTED
    side = 2.2 + 0.55 * min(len(classes), _COUNTED)
    with lettering(classes):
        figure = Figure(figsize=(side + 0.8, side), layout="constrained")
        axis = figure.subplots()
        share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        ticks = range(0, len(classes), -(-len(classes) // _COUNTED))
        names = [caption(classes[i], 20) for i in ticks]
        axis.set_xticks(ticks, names, rotation=45, ha="right", parse_math=False)
        axis.set_yticks(ticks, names, parse_math=False)
        axis.set(xlabel="answer", ylabel="true class")
        for t in ticks if room else ():
            for a in ticks:
                colour = "white" if share[t, a] > 0.5 else "black"
                text = str(confusion[t, a])
                axis.text(a, t, text, ha="center", va="center", color=colour, size=9)
    return figure


def contact_sheet(titled: Sequence[tuple[str, Sequence[Tile]]], tile: int = 96) -> Figure:
    """Rows of small pictures with their captions, each row with its title.

    What cannot be read stays blank.
    """
    columns = max((len(tiles) for _, tiles in titled), default=1)
    columns = max(columns, _LEAST_COLUMNS)  # a title has room above a single picture
    most = max((len(t.lines) for _, tiles in titled for t in tiles), default=1)
    room = 8 + 12 * most  # pixels for the lines
    texts = [text for title, tiles in titled for t in tiles for text in (title, *t.lines)]
    with lettering(texts):
        inches = (tile + room) / 100
        figure = Figure(figsize=(columns * tile / 100 + 0.3, len(titled) * (inches + 0.3)))
        grid = figure.subplots(len(titled), 1, squeeze=False).ravel()
        figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.25 / figure.get_figheight(), hspace=0.3)
        for axis, (title, tiles) in zip(grid, titled, strict=True):
            strip = Image.new("RGB", (columns * tile, tile + room), "white")
            for i, entry in enumerate(tiles):
                picture = _small(entry.file, tile - 4)
                if picture is not None:
                    strip.paste(picture, (i * tile + 2, 2))
                text = "\n".join(caption(line, 17) for line in entry.lines)
                place = (i + 0.5) * tile, tile + 3
                axis.text(*place, text, size=6, ha="center", va="top", parse_math=False)
            axis.imshow(strip)
            axis.set_title(caption(title, _TITLE), fontsize=9, loc="left", pad=3, parse_math=False)
            axis.set_axis_off()
    return figure


def _small(file: Path, side: int) -> Image.Image | None:
    try:
        return ImageOps.pad(read_picture(file, at_least=side), (side, side), color="white")
    except FileError:
        return None


def _bars(ax: Any, names: Sequence[str], probabilities: Sequence[float]) -> None:
    places = range(len(names))
    ax.barh(places, probabilities, color="#1f5fa8")
    ax.set_yticks(places, [caption(name) for name in names], parse_math=False)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlim=(0, 1.18), xlabel="probability", xticks=(0, 0.5, 1))
    for place, value in zip(places, probabilities, strict=True):
        ax.text(value + 0.02, place, f"{value:.3f}", va="center", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
