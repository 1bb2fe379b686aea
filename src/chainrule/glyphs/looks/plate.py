"""Number plates: pressed letters in a frame, seen from a car behind."""

from collections.abc import Sequence

import cv2
import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
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
    weight,
)

HEADERS = (
    "REPUBLICA",
    "ARGENTINA",
    "STATE",
    "BRASIL",
    "MERCOSUR",
    "CALIFORNIA",
    "EU",
    "INDIA",
    "DEALER",
)


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A plate with `text`, light or dark, with its frame, a strip above, bolts, dirt, a camera's
    blur."""
    font = fonts[int(rng.integers(len(fonts)))]
    height = rng.uniform(16, 44)
    narrow = rng.uniform(0.5, 1.05)
    ink = scaled(line_ink(font, _with_emblem(text, font, rng), rng.uniform(0, 4)), height, narrow)
    ink = weight(ink, rng, 0.9)
    field = rng.random() < 0.3  # the text in a field of its own, with a broad rim of its shade
    if field:
        above, below = rng.uniform(0.02, 0.2, 2)
    else:
        above, below = rng.uniform(0.08, 0.7), rng.uniform(0.08, 0.45)
    left, right = rng.uniform(0.08, 0.8, 2)
    margins = [int(share * height) for share in (above, below, left, right)]
    ink = spread(ink, *margins)
    light = rng.random() < 0.55
    paper = rng.uniform(120, 250) if light else rng.uniform(10, 100)
    other = paper + (-1 if light else 1) * rng.uniform(35, 200)
    grey = np.full(ink.shape, paper, np.float32) + (other - paper) * ink
    if field:
        grey, margins = _rimmed(grey, rng, height, other)
    _details(grey, rng, fonts, margins, paper, other)
    grey = _framed(grey, rng, height)
    low = np.float32(grey.mean())
    grey = moved(grey - low, rng, 0.035, 0.08, 0.05) + np.float32(low)
    return _photographed(grey, rng, height)


def _with_emblem(text: str, font: LineFont, rng: Rng) -> str:
    """A dot or the like in place of a gap between groups, which is no part of the text."""
    marks = [mark for mark in ".*+°•·" if mark in font.index]
    if not marks or rng.random() < 0.75:
        return text
    return text.replace(" ", marks[int(rng.integers(len(marks)))])


def _rimmed(grey: Shades, rng: Rng, height: float, level: float) -> tuple[Shades, list[int]]:
    """The plate with a broad rim of this level all round, and how broad that is at each side."""
    rims = [int(share * height) for share in rng.uniform(0.08, 0.5, 4)]
    above, below, left, right = rims
    shape = grey.shape[0] + above + below, grey.shape[1] + left + right
    found = np.full(shape, level, np.float32)
    found[above : above + grey.shape[0], left : left + grey.shape[1]] = grey
    return found, rims


def _details(
    grey: Shades,
    rng: Rng,
    fonts: Sequence[LineFont],
    margins: Sequence[int],
    paper: float,
    other: float,
) -> None:
    """A strip of another colour, small print in it, bolts, an emblem between the groups."""
    height, width = grey.shape
    strip = int(margins[0] * rng.uniform(0.4, 0.9))
    if strip > 3 and rng.random() < 0.6:
        level = rng.uniform(0, 255) if rng.random() < 0.7 else paper
        grey[:strip] = level
        font = fonts[int(rng.integers(len(fonts)))]
        words = [word for word in HEADERS if all(c in font.index for c in word)]
        if words and rng.random() < 0.7:
            small = scaled(
                line_ink(font, words[int(rng.integers(len(words)))]), max(3, strip * 0.7)
            )
            small = small[:strip, :width]
            x = (width - small.shape[1]) // 2
            part = grey[1 : 1 + small.shape[0], x : x + small.shape[1]]
            away = 120 if level < 128 else -120
            part += away * small[: part.shape[0]]
    for _ in range(int(rng.integers(0, 5))):
        at = int(rng.integers(width)), int(rng.choice([2, height - 3]))
        cv2.circle(grey, at, int(rng.integers(1, 4)), float(rng.uniform(0, 255)), -1, cv2.LINE_AA)


def _framed(grey: Shades, rng: Rng, size: float) -> Shades:
    """A frame, and what of the car is to be seen around it."""
    edge = rng.uniform(0, 255)
    thick = int(rng.integers(0, 4))
    if thick:
        cv2.rectangle(grey, (0, 0), (grey.shape[1] - 1, grey.shape[0] - 1), edge, thick)
    pads = [int(rng.uniform(0, 0.7) * size) if rng.random() < 0.7 else 0 for _ in range(4)]
    car = np.full(
        (grey.shape[0] + pads[0] + pads[1], grey.shape[1] + pads[2] + pads[3]),
        rng.uniform(5, 230),
        np.float32,
    )
    if rng.random() < 0.8:
        car += rng.uniform(5, 90) * texture(car.shape, rng)
    car[pads[0] : pads[0] + grey.shape[0], pads[2] : pads[2] + grey.shape[1]] = grey
    return car


def _photographed(grey: Shades, rng: Rng, size: float) -> Picture:
    middle = float(grey.mean())
    grey = middle + (grey - middle) * rng.uniform(0.25, 1.1) + ramp(grey.shape, rng, 60)
    grey = grey + rng.uniform(-60, 30)
    if rng.random() < 0.3:
        grey += rng.uniform(-60, 40) * shadow(grey.shape, rng)
    if rng.random() < 0.15:
        grey += glare(grey.shape, rng) * rng.uniform(30, 150)
    sigma = rng.uniform(0.2, 1.4) if rng.random() < 0.7 else rng.uniform(1.4, 2.6)
    grey = blurred(grey, min(sigma, 0.06 * size))
    if rng.random() < 0.3:
        grey = smeared(grey, rng, 0.12 * size)
    return taken(grey, rng, 9, 0.5)
