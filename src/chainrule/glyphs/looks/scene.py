"""Scenes: words on signs, shops, shirts, seen at a slant, bent, with outlines and shadows."""

from collections.abc import Sequence

import cv2
import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    Shades,
    blurred,
    bowed,
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


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A word or a few as a photograph of a street has them, cropped about as they are."""
    font = fonts[int(rng.integers(len(fonts)))]
    height = rng.uniform(14, 48)
    tracking = rng.uniform(-0.5, 8) if rng.random() < 0.4 else 0.0
    stretch = float(np.exp(rng.normal(0, 0.22)))
    ink = scaled(line_ink(font, text, tracking), height, stretch)
    if rng.random() < 0.5:
        ink = weight(ink, rng, 0.8)
    room = [int(share * height) for share in rng.uniform(0.0, 0.4, 2)]
    sides = [int(share * height) for share in rng.uniform(0.0, 0.4, 2)]
    ink = spread(ink, room[0] + 3, room[1] + 3, sides[0] + 3, sides[1] + 3)
    if rng.random() < 0.25:
        ink = bowed(ink, rng, 0.3)
    ink = moved(ink, rng, 0.05, 0.12, 0.06)
    trimmed = [int(rng.integers(0, 4)) for _ in range(4)]
    ink = ink[trimmed[0] : ink.shape[0] - trimmed[1], trimmed[2] : ink.shape[1] - trimmed[3]]
    return _photographed(_painted(np.ascontiguousarray(ink), rng), rng)


def _painted(ink: Ink, rng: Rng) -> Shades:
    """The word in its colour on its ground, with an outline, a shadow, or as raised letters."""
    ground = rng.uniform(0, 255)
    away = rng.uniform(30, 220) * rng.choice([-1, 1])
    colour = ground + away
    if not -20 < colour < 275:
        colour = ground - away
    grey = np.full(ink.shape, ground, np.float32)
    if rng.random() < 0.55:
        grey += rng.uniform(0.05, 0.4) * abs(colour - ground) * texture(ink.shape, rng)
    kind = rng.random()
    if kind < 0.18:  # a shadow beside it
        dx, dy = rng.integers(-3, 4, 2)
        cast = np.roll(ink, (int(dy), int(dx)), (0, 1))
        grey += rng.uniform(-120, 60) * blurred(cast, rng.uniform(0.2, 1.5))
    elif kind < 0.33:  # an outline of a third colour
        size = 3 if ink.shape[0] < 30 else 5
        wide = cv2.dilate(ink, np.ones((size, size), np.uint8))
        grey += (rng.uniform(0, 255) - ground) * wide
    elif kind < 0.4:  # only the outline
        edge = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        ink = np.asarray(edge, np.float32)
    fill = np.full(ink.shape, colour, np.float32)
    if rng.random() < 0.3:
        fill += rng.uniform(10, 60) * np.linspace(-1, 1, ink.shape[0], dtype=np.float32)[:, None]
    return grey * (1 - ink) + fill * ink


def _photographed(grey: Shades, rng: Rng) -> Picture:
    grey = grey + ramp(grey.shape, rng, 60)
    if rng.random() < 0.2:
        grey = grey + rng.uniform(-80, 50) * shadow(grey.shape, rng)
    if rng.random() < 0.1:
        grey = grey + glare(grey.shape, rng) * rng.uniform(30, 160)
    sigma = rng.uniform(0, 0.9) if rng.random() < 0.7 else rng.uniform(0.9, 2.2)
    grey = blurred(grey, min(sigma, 0.045 * grey.shape[0]))
    if rng.random() < 0.08:
        grey = smeared(grey, rng, 0.1 * grey.shape[0])
    return taken(grey, rng, 9, 0.45)
