"""The pictures that are read worst, on one sheet with their texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from chainrule.glyphs.fonts import lato
from chainrule.reader.evaluation.error_rates import edit_distance

Picture = NDArray[np.uint8]

_HEIGHT, _WIDTH, _GAP, _TEXT = 40, 420, 8, 15  # pixels
_COLUMNS = 2


def worst_sheet(
    pictures: Sequence[Picture], true: Sequence[str], read: Sequence[str], count: int = 24
) -> Image.Image | None:
    """The grey pictures (height, width) with the most errors for their length, the worst first,
    each above its true text and what was read; None if all are read right."""
    share = [
        edit_distance(one, other) / max(len(other), 1)
        for one, other in zip(read, true, strict=True)
    ]
    order = sorted((place for place, errors in enumerate(share) if errors), key=lambda i: -share[i])
    shown = order[:count]
    if not shown:
        return None
    down = _HEIGHT + 2 * (_TEXT + 4) + _GAP
    rows = -(-len(shown) // _COLUMNS)
    sheet = Image.new("L", (_COLUMNS * (_WIDTH + _GAP) + _GAP, rows * down + _GAP), 255)
    draw = ImageDraw.Draw(sheet)
    font = lato().at(_TEXT)
    for number, place in enumerate(shown):
        x = _GAP + (number % _COLUMNS) * (_WIDTH + _GAP)
        y = _GAP + (number // _COLUMNS) * down
        sheet.paste(_fitted(pictures[place]), (x, y))
        draw.text((x, y + _HEIGHT + 2), f"true: {true[place]}", 0, font)
        draw.text((x, y + _HEIGHT + _TEXT + 5), f"read: {read[place]}", 90, font)
    return sheet


def _fitted(picture: Picture) -> Image.Image:
    height, width = picture.shape
    factor = min(_HEIGHT / height, _WIDTH / width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
