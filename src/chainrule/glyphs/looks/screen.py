"""Screens: small letters on pixels, smoothed, smoothed in colour, or not; light or dark."""

from collections.abc import Sequence

import cv2
import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.bitmap import bitmap_ink
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    blurred,
    in_cells,
    line_ink,
    ramp,
    scaled,
    spread,
    taken,
    wide_spaces,
)

# how much of a subpixel's light its neighbours get (FreeType's default filter), as grey
_SUBPIXELS = np.array([[0x08, 0x4D, 0x56, 0x4D, 0x08]], np.float32) / 0x100


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A line of a screen: 9 to 30 px high, as it is or magnified."""
    font = fonts[int(rng.integers(len(fonts)))]
    if rng.random() < 0.12:
        text = wide_spaces(text, rng, 4 if rng.random() < 0.4 else 16)
    bitmap = rng.random() < 0.36
    ink = _pixels(rng, font, text) if bitmap else _smooth(rng, font, text)
    if rng.random() < 0.08:
        ink[:, int(rng.integers(ink.shape[1])) :] *= np.float32(rng.uniform(0.45, 0.9))
    above, below = rng.integers(0, 6, 2) if rng.random() < 0.7 else rng.integers(4, 14, 2)
    sides = rng.integers(0, 8, 2)
    ink = spread(ink, int(above), int(below), int(sides[0]), int(sides[1]))
    if rng.random() < (0.35 if bitmap else 0.06):
        _neighbours(ink, rng, int(above), int(below))
    if rng.random() < 0.12:
        _widget(ink, rng)
    if rng.random() < (0.5 if bitmap else 0.35):
        ink = _magnified(ink, rng, bitmap)
    return _lit(ink, rng)


def _smooth(rng: Rng, font: LineFont, text: str) -> Ink:
    """Letters with grey edges, some by subpixels."""
    if rng.random() < 0.08:
        font = in_cells(font, text, rng.uniform(1.0, 1.2))
    height = rng.uniform(9, 17) if rng.random() < 0.6 else rng.uniform(16, 30)
    ink = line_ink(font, text, rng.uniform(0, 2) if rng.random() < 0.3 else 0.0)
    if rng.random() < 0.65:
        return scaled(ink, height)
    wide = scaled(ink, height, 3.0)  # three subpixels side by side, each lit by itself
    lit = np.asarray(cv2.filter2D(wide, -1, _SUBPIXELS), np.float32)
    return np.ascontiguousarray(lit[:, 1::3])


def _pixels(rng: Rng, font: LineFont, text: str) -> Ink:
    """Not smoothed: a pixel is lit or not, and strokes are whole pixels."""
    capitals = int(rng.integers(8, 13) if rng.random() < 0.8 else rng.integers(12, 20))
    ink = bitmap_ink(font, text, rng, capitals, rng.random() < 0.5)
    if rng.random() < 0.12:  # bold, as terminals make it
        ink[:, 1:] = np.maximum(ink[:, 1:], ink[:, :-1])
    return ink


def _magnified(ink: Ink, rng: Rng, bitmap: bool) -> Ink:
    if bitmap and rng.random() < 0.7:
        factor, how = float(rng.integers(2, 4)), cv2.INTER_NEAREST
    else:
        factor, how = rng.uniform(1.3, 3.2), (cv2.INTER_CUBIC, cv2.INTER_LINEAR)[rng.integers(2)]
    size = round(ink.shape[1] * factor), round(ink.shape[0] * factor)
    return np.clip(cv2.resize(ink, size, interpolation=how), 0, 1).astype(np.float32)


def _neighbours(ink: Ink, rng: Rng, above: int, below: int) -> None:
    """What hangs down from the line above, or stands up from the one below, by a pixel or two."""
    for rows, room in ((slice(0, 1), above), (slice(-1, None), below)):
        if room < 2 or rng.random() < 0.4:
            continue
        for _ in range(int(rng.integers(1, 4))):
            start = int(rng.integers(ink.shape[1]))
            ink[rows, start : start + int(rng.integers(1, 5))] = 1


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
    dark = rng.uniform(0, 90) if rng.random() < 0.7 else rng.uniform(60, 150)
    if rng.random() < 0.4:
        if rng.random() < 0.4:
            paper, dark = rng.uniform(60, 255), 0.0
        paper, dark = dark, paper
    grey = paper + (dark - paper) * ink
    if rng.random() < 0.06:
        grey = grey + ramp(ink.shape, rng, 0.3 * abs(dark - paper))
    if rng.random() < 0.15:
        grey = blurred(grey, min(rng.uniform(0.3, 0.9), 0.05 * ink.shape[0]))
    noise = 0.0 if rng.random() < 0.85 else 0.03 * abs(dark - paper)
    return taken(grey, rng, noise, 0.3 if abs(dark - paper) > 80 else 0.0)
