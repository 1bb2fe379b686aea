"""Screens: small letters on pixels, smoothed, smoothed in colour, or not; light or dark."""

from collections.abc import Sequence

import cv2
import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    blurred,
    line_ink,
    scaled,
    spread,
    taken,
)

# how much of a subpixel's light its neighbours get (FreeType's default filter), as grey
_SUBPIXELS = np.array([[0x08, 0x4D, 0x56, 0x4D, 0x08]], np.float32) / 0x100


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A line of a screen: 9 to 30 px high, as it is or magnified."""
    font = fonts[int(rng.integers(len(fonts)))]
    height = rng.uniform(9, 17) if rng.random() < 0.6 else rng.uniform(16, 30)
    ink = line_ink(font, text, rng.uniform(0, 2) if rng.random() < 0.3 else 0.0)
    kind = rng.random()
    if kind < 0.5:
        ink = scaled(ink, height)
    elif kind < 0.7:  # three subpixels side by side, each lit by itself
        wide = scaled(ink, height, 3.0)
        lit = np.asarray(cv2.filter2D(wide, -1, _SUBPIXELS), np.float32)
        ink = np.ascontiguousarray(lit[:, 1::3])
    else:  # not smoothed: a pixel is lit or not, and strokes are whole pixels
        ink = (scaled(ink, height) > rng.uniform(0.3, 0.55)).astype(np.float32)
    above, below = rng.integers(0, 6, 2) if rng.random() < 0.7 else rng.integers(4, 14, 2)
    sides = rng.integers(0, 8, 2)
    ink = spread(ink, int(above), int(below), int(sides[0]), int(sides[1]))
    if rng.random() < 0.12:
        _widget(ink, rng)
    if rng.random() < 0.4:
        factor = rng.uniform(1.3, 3.2)
        how = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
        size = round(ink.shape[1] * factor), round(ink.shape[0] * factor)
        ink = np.clip(cv2.resize(ink, size, interpolation=how), 0, 1).astype(np.float32)
    return _lit(ink, rng)


def _widget(ink: Ink, rng: Rng) -> None:
    """The frame of a field, an underline of a link, a cursor."""
    level = np.float32(rng.uniform(0.2, 1))
    kind = rng.integers(3)
    if kind == 0:
        for part in (ink[:1], ink[-1:], ink[:, :1], ink[:, -1:]):
            part[:] = level
    elif kind == 1:
        ink[-2:-1] = level
    else:
        ink[:, -2:-1] = level


def _lit(ink: Ink, rng: Rng) -> Picture:
    """In colours, here grey: most often far apart, light on dark two times in five."""
    paper = rng.uniform(190, 255)
    dark = rng.uniform(0, 90) if rng.random() < 0.7 else rng.uniform(60, 160)
    if rng.random() < 0.4:
        paper, dark = dark, paper
    grey = paper + (dark - paper) * ink
    if rng.random() < 0.15:
        grey = blurred(grey, rng.uniform(0.3, 0.9))
    return taken(grey, rng, 0 if rng.random() < 0.8 else 6, 0.3)
