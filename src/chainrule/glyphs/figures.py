"""Sheets: one letter in many fonts, one font's letters, lines of text."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.glyphs.letters import SIDE, Letters

COLUMNS = 40


def letter_sheet(letters: Letters, character: str) -> Figure:
    """`character` in every font, training and validation families apart.

    Raises InputError if it isn't one character of the alphabet.
    """
    if len(character) != 1 or character not in letters.alphabet:
        raise InputError(
            f"letter: found {character!r}; expected one character of {letters.alphabet!r}"
        )
    of_it = letters.labels == letters.alphabet.index(character)
    parts = []
    for held, name in ((False, "training"), (True, "validation")):
        part = of_it & (letters.validation == held)
        if part.any():
            caption = f"{character} in the {part.sum()} fonts of {name} families"
            parts.append((caption, letters.images[part]))
    return _sheets(parts, COLUMNS)


def font_sheet(letters: Letters, font: str) -> Figure:
    """The letters of `font`, a name of letters.font_names or the beginning of just one family's.

    Raises InputError if no font has that name.
    """
    names = [name for name in letters.font_names if name.startswith(font)]
    if not names:
        raise InputError(
            f"no font's name begins with {font!r}; they are like {letters.font_names[0]}"
        )
    parts = []
    for name in names[:12]:
        rows = letters.fonts == letters.font_names.index(name)
        kind = "validation" if letters.validation[rows][0] else "training"
        parts.append((f"{name} ({kind})", letters.images[rows]))
    return _sheets(parts, min(26, len(letters.alphabet)))


def line_sheet(lines: Sequence[tuple[str, NDArray[np.uint8]]]) -> Figure:
    """Pictures of lines under each other, each with its caption above."""
    dpi, gap = 100, 20
    width = max(image.shape[1] for _, image in lines) + 2 * gap
    height = sum(image.shape[0] + 2 * gap for _, image in lines) + gap
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="#e8e8e8")
    bottom = height
    for caption, image in lines:
        bottom -= image.shape[0] + 2 * gap
        _place(figure, image, caption, (gap, bottom), (width, height))
    return figure


def _sheets(parts: Sequence[tuple[str, NDArray[np.uint8]]], columns: int) -> Figure:
    return line_sheet([(caption, _tiles(images, columns)) for caption, images in parts])


def _tiles(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    rows = -(-len(images) // columns)
    sheet = np.full((rows * columns, SIDE, SIDE), 255, np.uint8)
    sheet[: len(images)] = images
    tiled = sheet.reshape(rows, columns, SIDE, SIDE).transpose(0, 2, 1, 3)
    return tiled.reshape(rows * SIDE, columns * SIDE)


def _place(
    figure: Figure,
    image: NDArray[np.uint8],
    caption: str,
    corner: tuple[int, int],
    size: tuple[int, int],
) -> None:
    """Show `image` pixel for pixel with its lower left corner at `corner` px of the figure."""
    (left, bottom), (width, height) = corner, size
    box = (left / width, bottom / height, image.shape[1] / width, image.shape[0] / height)
    axes = figure.add_axes(box)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.set_title(caption, loc="left", fontsize=8, pad=3)
