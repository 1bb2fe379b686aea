"""Displays: seven segments, the unlit ones faintly there, in a window, with glare."""

from collections.abc import Sequence

import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    Shades,
    blotches,
    blurred,
    coarse,
    exposed,
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
from chainrule.glyphs.looks.dots import DOTS, dot_ink
from chainrule.glyphs.looks.segments import POINTS, SEGMENTS, segment_ink

SMALL_PRINT = (
    "kWh", "kW", "kVA", "CUM", "V", "A", "L", "TOTAL", "m3", "°C", "PM", "BP", "MD", "Hz", "kVArh",
    "CUM BP", "LITRES", "PRICE", "kg", "mmHg", "AM", "€", "$",
)  # fmt: skip


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A text of digits on a display, mostly of drawn segments, else of dots or in one of the
    `fonts`.

    Dark on a lit glass, light on a dark one, or shining by itself.
    """
    drawable = all(c in SEGMENTS or c in POINTS for c in text)
    kind = rng.random()
    if kind < 0.08 and all(c in DOTS for c in text):
        lit, unlit = dot_ink(text, rng)
    elif drawable and (not fonts or kind < 0.88):
        lit, unlit = segment_ink(text, rng)
    else:
        lit = line_ink(fonts[int(rng.integers(len(fonts)))], text)
        unlit = np.zeros_like(lit)
    height = rng.uniform(12, 36)
    stretch = float(np.clip(np.exp(rng.normal(0.22, 0.3)), 0.7, 2.1))
    ghost = rng.uniform(0.02, 0.2) if rng.random() < 0.6 else 0.0
    ink = scaled(np.maximum(lit, ghost * unlit), height, stretch)
    if fonts and rng.random() < 0.4:
        ink = _beside(ink, rng, fonts, height)
    margins = _margins(rng, height)
    ink = spread(ink, *margins)
    if fonts and rng.random() < 0.35:
        _above_or_below(ink, rng, fonts, margins)
    return _photographed(ink, rng, height, margins)


def _margins(rng: Rng, height: float) -> tuple[int, int, int, int]:
    """Above, below, left and right: cut out closely, or by the window, or far from it."""
    rows = rng.uniform(-0.04, 0.3, 2) if rng.random() < 0.65 else rng.uniform(0.1, 0.65, 2)
    sides = rng.uniform(0.02, 0.5, 2) if rng.random() < 0.6 else rng.uniform(0.1, 2.2, 2)
    above, below = (rows * height).astype(int)
    left, right = (sides * height).astype(int)
    return int(above), int(below), int(left), int(right)


def _small_print(rng: Rng, fonts: Sequence[LineFont], height: float) -> Ink | None:
    font = fonts[int(rng.integers(len(fonts)))]
    words = [word for word in SMALL_PRINT if all(c in font.index for c in word)]
    if not words:
        return None
    return scaled(line_ink(font, words[int(rng.integers(len(words)))]), height)


def _beside(ink: Ink, rng: Rng, fonts: Sequence[LineFont], height: float) -> Ink:
    """The unit after the digits, or a word before them, at some height, perhaps cut off: there,
    and no part of what is read."""
    small = _small_print(rng, fonts, max(5.0, height * rng.uniform(0.25, 0.48)))
    if small is None:
        return ink
    after = rng.random() < 0.75
    if small.shape[1] > 1.7 * small.shape[0] and rng.random() < 0.3:  # the picture ends in it
        shown = int(small.shape[1] * rng.uniform(0.6, 0.9))
        small = small[:, :shown] if after else small[:, -shown:]
    gap = int(height * rng.uniform(0.15, 0.6))
    low = int(rng.choice([0, ink.shape[0] - small.shape[0]], p=(0.25, 0.75)))
    side = np.zeros((ink.shape[0], small.shape[1] + gap), np.float32)
    at = gap if after else 0
    side[low : low + small.shape[0], at : at + small.shape[1]] = small * rng.uniform(0.5, 1)
    return np.concatenate([ink, side] if after else [side, ink], axis=1)


def _above_or_below(
    ink: Ink, rng: Rng, fonts: Sequence[LineFont], margins: tuple[int, int, int, int]
) -> None:
    """Small print in the rows above or below the digits, perhaps cut off by the picture's edge."""
    above = rng.random() < 0.5
    room = margins[0] if above else margins[1]
    small = _small_print(rng, fonts, rng.uniform(5, 9))
    if room < 3 or small is None:
        return
    if rng.random() < 0.4:  # a word in a box of its own
        small = 1 - np.pad(1 - small, 1, constant_values=0)
    height, width = ink.shape
    x = int(rng.integers(0, max(1, width - small.shape[1])))
    y = room - small.shape[0] - 1 if above else height - room + 1
    top, bottom = max(y, 0), min(y + small.shape[0], height)
    if bottom > top:
        part = ink[top:bottom, x : x + small.shape[1]]
        np.maximum(part, small[top - y : bottom - y, : part.shape[1]], out=part)


def _photographed(ink: Ink, rng: Rng, height: float, margins: tuple[int, int, int, int]) -> Picture:
    """The glass and its rim, from the side, in its light; blurred, noisy, of few pixels."""
    shining = rng.random() < 0.2
    plane = ink
    if shining:  # light that runs over, and is too much for the camera
        plane = np.minimum(ink + rng.uniform(0, 0.9) * blurred(ink, 0.12 * height), 1.05)
    if rng.random() < 0.4:
        _rim(plane, rng, margins)
    if not shining:
        plane = plane + _light(plane.shape, rng)
    room = (0.12 * height + max(margins[0], 0) + max(margins[1], 0)) / plane.shape[1]
    beyond = float(rng.choice([0.0, 1.2, -0.5])) if rng.random() < 0.5 else float(plane[0, 0])
    plane = moved(plane, rng, min(0.045, 0.4 * room), 0.05, 0.025, beyond)
    sigma = rng.uniform(0.0, 0.03) if rng.random() < 0.75 else rng.uniform(0.03, 0.045)
    plane = blurred(plane, sigma * height)
    if rng.random() < 0.12:
        plane = smeared(plane, rng, max(2.2, 0.1 * height))
    if rng.random() < 0.25:
        plane = plane + rng.uniform(0.04, 0.22) * blotches(plane.shape, rng)
    if rng.random() < 0.2:
        plane = coarse(plane, rng, rng.uniform(1, max(1.1, height / 13)))
    contrast = rng.uniform(30, 170) if rng.random() < 0.7 else rng.uniform(12, 40)
    if shining:
        low, contrast = rng.uniform(0, 70), max(contrast, 40.0)
    elif rng.random() < 0.82:
        low, contrast = rng.uniform(contrast + 8, 250), -contrast
    else:
        low = rng.uniform(5, 130)
    noise = abs(contrast) * (0.1 if rng.random() < 0.4 else 0.03)
    return taken(exposed(plane, rng, low, contrast), rng, min(12, noise), 0.4, 30)


def _light(shape: tuple[int, ...], rng: Rng) -> Shades:
    """What of light is on the glass, in shares of the contrast: falling off, reflected, a spot."""
    light = ramp(shape, rng, 0.9)
    if rng.random() < 0.35:
        light = light + rng.uniform(0.03, 0.22) * texture(shape, rng)
    if rng.random() < 0.25:
        light = light + rng.uniform(-0.8, 0.8) * shadow(shape, rng)
    if rng.random() < 0.2:
        light = light - rng.uniform(0.2, 1.2) * glare(shape, rng)
    return light


def _rim(plane: Shades, rng: Rng, margins: tuple[int, int, int, int]) -> None:
    """The window's edge, at some sides of the picture, as far as there is room."""
    height, width = plane.shape
    level = rng.uniform(-1.2, 1.4)
    for side, room in enumerate(margins):
        if room > 1 and rng.random() < 0.5:
            thick = int(rng.integers(1, room))
            rows = {0: slice(0, thick), 1: slice(height - thick, height)}.get(side, slice(None))
            columns = {2: slice(0, thick), 3: slice(width - thick, width)}.get(side, slice(None))
            plane[rows, columns] = level
