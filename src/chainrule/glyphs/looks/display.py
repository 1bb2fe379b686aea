"""Displays: seven segments, the unlit ones faintly there, in a window, with glare."""

from collections.abc import Sequence

import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    Shades,
    blurred,
    glare,
    line_ink,
    moved,
    ramp,
    scaled,
    shadow,
    smeared,
    spread,
    taken,
    texture,
)
from chainrule.glyphs.looks.segments import POINTS, SEGMENTS, segment_ink

SMALL_PRINT = (
    "kWh",
    "kW",
    "kVA",
    "CUM",
    "V",
    "A",
    "L",
    "TOTAL",
    "m3",
    "°C",
    "PM",
    "BP",
    "MD",
    "Hz",
)


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A text of digits on a display, of drawn segments or, where `fonts` are, of one of these."""
    drawable = all(c in SEGMENTS or c in POINTS for c in text)
    if drawable and (not fonts or rng.random() < 0.7):
        lit, unlit = segment_ink(text, rng)
    else:
        lit = line_ink(fonts[int(rng.integers(len(fonts)))], text)
        unlit = np.zeros_like(lit)
    height = rng.uniform(14, 44)
    stretch = float(np.exp(rng.normal(0.05, 0.2)))
    ghost = rng.uniform(0.02, 0.3) if rng.random() < 0.6 else 0.0
    ink = scaled(np.maximum(lit, ghost * unlit), height, stretch)
    margins = rng.uniform(-0.07, 0.6, 2) * height
    sides = rng.uniform(0.0, 1.0, 2) * height * (2.5 if rng.random() < 0.2 else 1)
    ink = spread(ink, int(margins[0]), int(margins[1]), int(sides[0]), int(sides[1]))
    if rng.random() < 0.4:
        ink = _small_print(ink, rng, fonts, margins, sides)
    ink = moved(ink, rng, 0.02, 0.06, 0.03)
    return _photographed(blurred(ink, min(_blur(rng), 0.055 * height)), rng)


def _blur(rng: Rng) -> float:
    return float(rng.uniform(0.0, 0.9) if rng.random() < 0.7 else rng.uniform(0.9, 2.4))


def _small_print(
    ink: Ink, rng: Rng, fonts: Sequence[LineFont], margins: np.ndarray, sides: np.ndarray
) -> Ink:
    """Units and the like in the margins: there, and no part of what is read."""
    if not fonts:
        return ink
    height, width = ink.shape
    for _ in range(int(rng.integers(1, 3))):
        font = fonts[int(rng.integers(len(fonts)))]
        words = [word for word in SMALL_PRINT if all(c in font.index for c in word)]
        if not words:
            continue
        small = scaled(line_ink(font, words[int(rng.integers(len(words)))]), rng.uniform(5, 9))
        h, w = small.shape
        above = rng.random() < 0.5
        room = margins[0] if above else margins[1]
        if room > 3:  # in the row above or below, perhaps cut off by the picture's edge
            x = int(rng.integers(0, max(1, width - w)))
            y = int(room) - h - 1 if above else height - int(room) + 1
        elif sides[1] > w:
            x, y = width - w, height - h - int(max(margins[1], 0))
        else:
            continue
        top, bottom = max(y, 0), min(y + h, height)
        if bottom > top:
            part = ink[top:bottom, x : x + w]
            np.maximum(part, small[top - y : bottom - y, : part.shape[1]], out=part)
    return ink


def _photographed(ink: Ink, rng: Rng) -> Picture:
    """Dark on a lit or unlit ground, or light on a dark one; its rim, shadow, glare, noise."""
    ground = rng.uniform(60, 235)
    contrast = min(rng.uniform(14, 170), ground - 5) if rng.random() < 0.8 else rng.uniform(8, 25)
    dark = rng.random() < 0.75
    if not dark:
        ground = rng.uniform(5, 110)
    grey = np.full(ink.shape, ground, np.float32) + ramp(ink.shape, rng, 70)
    if rng.random() < 0.3:
        grey += min(rng.uniform(3, 25), 0.35 * contrast) * texture(ink.shape, rng)
    if rng.random() < 0.25:
        grey += rng.uniform(-1, 1) * min(60, 2 * contrast) * shadow(ink.shape, rng)
    grey = grey + (-contrast if dark else contrast) * ink
    if rng.random() < 0.4:
        _rim(grey, rng)
    if rng.random() < 0.3:
        spot = glare(ink.shape, rng)
        grey = grey + spot * rng.uniform(0.2, 0.8) * (255 - grey)
    if rng.random() < 0.15:
        grey = smeared(grey, rng, 4)
    return taken(grey, rng, min(12, 0.25 * contrast), 0.4)


def _rim(grey: Shades, rng: Rng) -> None:
    """The window's edge, at some sides of the picture."""
    height, width = grey.shape
    level = rng.uniform(0, 255)
    for side in range(4):
        if rng.random() < 0.4:
            thick = int(rng.integers(1, max(2, height // 7)))
            rows = {0: slice(0, thick), 1: slice(height - thick, height)}.get(side, slice(None))
            columns = {2: slice(0, thick), 3: slice(width - thick, width)}.get(side, slice(None))
            grey[rows, columns] = level
