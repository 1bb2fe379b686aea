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
    arched,
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
    height = float(np.exp(rng.uniform(np.log(13), np.log(48))))
    tracking = rng.uniform(-0.5, 10) if rng.random() < 0.35 else 0.0
    stretch = float(np.exp(rng.normal(0, 0.2)))
    letters = line_ink(font, text, tracking)
    if rng.random() < 0.45:  # signs are bold more often than books
        letters = cv2.dilate(letters, np.ones((2, 2), np.uint8)).astype(np.float32)
    ink = scaled(letters, height, stretch)
    if rng.random() < 0.4:
        ink = weight(ink, rng, 0.8)
    room = [int(share * height) for share in rng.uniform(0.02, 0.3, 2)]
    sides = [int(share * height) for share in rng.uniform(0.02, 0.35, 2)]
    ink = spread(ink, room[0] + 3, room[1] + 3, sides[0] + 3, sides[1] + 3)
    ink = _seen(ink, rng)
    trimmed = [int(rng.integers(0, 4)) for _ in range(4)]
    ink = ink[trimmed[0] : ink.shape[0] - trimmed[1], trimmed[2] : ink.shape[1] - trimmed[3]]
    ink = np.ascontiguousarray(ink)
    if rng.random() < 0.15:
        _next_word(ink, rng, font, height)
    return _photographed(*_painted(ink, rng), rng)


def _seen(ink: Ink, rng: Rng) -> Ink:
    """Along an arc or a bow, from the side, at a slant; most often nearly straight."""
    bent = rng.random()
    if bent < 0.12:
        ink = arched(ink, rng, min(1.6, 0.3 * ink.shape[1] / ink.shape[0]))
    elif bent < 0.3:
        ink = bowed(ink, rng, 0.25)
    if rng.random() < 0.2:
        # a long word that is turned needs a higher picture
        rise = int(0.05 * ink.shape[1])
        ink = moved(spread(ink, rise, rise, 0, 0), rng, 0.06, 0.12, 0.045)
        rows, around = np.flatnonzero(ink.max(1) > 0.05), int(rng.integers(1, 6))
        return ink[max(rows[0] - around, 0) : rows[-1] + around] if len(rows) else ink
    return moved(ink, rng, 0.02, 0.04, 0.02)


def _next_word(ink: Ink, rng: Rng, font: LineFont, height: float) -> None:
    """A bit of a letter that stands before or after, cut off by the picture's edge."""
    other = font.alphabet[int(rng.integers(len(font.alphabet)))]
    if other == " ":
        return
    letter = scaled(line_ink(font, other), 0.8 * height)
    wide = int(min(rng.uniform(0.04, 0.2) * height, 0.4 * letter.shape[1]))
    rows = min(letter.shape[0], ink.shape[0])
    if wide < 1:
        return
    top = int(rng.integers(ink.shape[0] - rows + 1))
    before = rng.random() < 0.5
    place = slice(0, wide) if before else slice(ink.shape[1] - wide, None)
    # not where it would touch the word
    edge = slice(0, 2 * wide + 2) if before else slice(max(ink.shape[1] - 2 * wide - 2, 0), None)
    if ink[:, edge].max() < 0.05:
        ink[top : top + rows, place] = letter[:rows, -wide:] if before else letter[:rows, :wide]


def _painted(ink: Ink, rng: Rng) -> tuple[Shades, float]:
    """The word in its colour on its ground, with an outline, a shadow, or as raised letters; and
    how far its colour is from the ground's."""
    away = rng.uniform(85, 235) if rng.random() < 0.8 else rng.uniform(35, 90)
    ground, colour = (low := rng.uniform(0, 255 - away)), low + away
    if rng.random() < 0.5:
        ground, colour = colour, ground
    grey = np.full(ink.shape, ground, np.float32)
    if rng.random() < 0.5:
        share = rng.uniform(0.05, 0.2) if rng.random() < 0.7 else rng.uniform(0.2, 0.45)
        grey += share * away * texture(ink.shape, rng)
    if rng.random() < 0.22:
        _beyond(grey, rng, away)
    height, kind = ink.shape[0], rng.random()
    if kind < 0.14:  # a shadow beside it
        _cast(grey, ink, rng, away)
    elif kind < 0.28:  # an outline of a third colour
        size = 3 if height < 30 else 5
        wide = cv2.dilate(ink, np.ones((size, size), np.uint8))
        grey += (rng.uniform(0, 255) - ground) * wide
    elif kind < 0.34 and height > 26:  # only the outline
        size = 2 if height < 40 else 3
        edge = cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, np.ones((size, size), np.uint8))
        ink = np.asarray(edge, np.float32)
    fill = np.full(ink.shape, colour, np.float32)
    if rng.random() < 0.3:
        most = rng.uniform(0.05, 0.3) * away
        fill += most * np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return grey * (1 - ink) + fill * ink, away


def _cast(grey: Shades, ink: Ink, rng: Rng, away: float) -> None:
    """A shadow, soft, or the sides of letters that stand out."""
    reach = max(1, round(rng.uniform(0.03, 0.1) * ink.shape[0]))
    dx, dy = int(rng.choice((-1, 1))), int(rng.integers(-1, 2))
    steps = range(1, reach + 1) if rng.random() < 0.4 else (reach,)
    cast = np.zeros_like(ink)
    for step in steps:
        np.maximum(cast, np.roll(ink, (step * dy, step * dx), (0, 1)), out=cast)
    soft = blurred(cast, rng.uniform(0.0, 0.04) * ink.shape[0])
    grey += rng.uniform(-0.6, 0.35) * away * soft


def _beyond(grey: Shades, rng: Rng, away: float) -> None:
    """Another shade in the corners or along an edge, where the sign ends."""
    height, width = grey.shape
    other = np.float32(rng.uniform(0, 255))
    if rng.random() < 0.5:  # an oval or a rounded sign
        power = rng.uniform(2, 6)
        x = np.abs(np.linspace(-1, 1, width, dtype=np.float32)) ** power
        y = np.abs(np.linspace(-1, 1, height, dtype=np.float32)) ** power
        outside = x[None] + y[:, None] > rng.uniform(1.15, 1.7)
    else:
        rim = max(1, int(rng.uniform(0.02, 0.1) * height))
        outside = np.zeros(grey.shape, np.bool_)
        for part in (outside[:rim], outside[-rim:], outside[:, :rim], outside[:, -rim:]):
            part[:] = rng.random() < 0.4
    grey[outside] = other


def _photographed(grey: Shades, away: float, rng: Rng) -> Picture:
    """With light, shadow, blur and noise, by how far the word's colour is from the ground's."""
    if rng.random() < 0.5:
        grey = grey + ramp(grey.shape, rng, 0.4 * away)
    if rng.random() < 0.15:
        grey = grey + rng.uniform(-0.5, 0.3) * away * shadow(grey.shape, rng)
    if rng.random() < 0.06:
        grey = grey + glare(grey.shape, rng) * rng.uniform(0.2, 0.8) * away
    share = rng.uniform(0, 0.022) if rng.random() < 0.75 else rng.uniform(0.02, 0.045)
    grey = blurred(grey, share * grey.shape[0])
    if rng.random() < 0.05:
        grey = smeared(grey, rng, 0.08 * grey.shape[0])
    return taken(grey, rng, min(0.06 * away, 9), 0.45 if away > 70 else 0.1)
