"""Counters: digits on drums, each in a window of its own, some half turned."""

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
    taken,
    texture,
    weight,
)
from chainrule.glyphs.looks.segments import segment_ink


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """The digits of `text` side by side, each in a window, nearly there or turning."""
    font = fonts[int(rng.integers(len(fonts)))] if fonts else None
    height = int(rng.integers(18, 44))
    wide = int(height * rng.uniform(0.45, 0.85))
    tall = int(height * rng.uniform(1.02, 1.5))  # of a window
    size = height * rng.uniform(0.62, 0.95)
    turning = rng.random() < 0.3
    drums = []
    for place, digit in enumerate(text):
        turned = rng.uniform(-0.42, 0.42) if turning and place >= len(text) - 2 else 0.0
        turned += rng.normal(0, 0.03)
        drums.append(_drum(rng, font, digit, size, (tall, wide), turned))
    ink = np.concatenate(drums, axis=1)
    return _photographed(_coloured(ink, rng, len(text), wide), rng, len(text))


def _drum(
    rng: Rng, font: LineFont | None, digit: str, size: float, shape: tuple[int, int], turned: float
) -> Ink:
    """One digit's window, turned by a share of the way to the next digit."""
    tall, wide = shape
    window = np.zeros(shape, np.float32)
    step = max(size * 1.25, tall * 0.95)
    others = str((int(digit) + 1) % 10), str((int(digit) - 1) % 10)
    for character, offset in ((digit, 0.0), (others[0], step), (others[1], -step)):
        ink = _digit(rng, font, character, size)
        ink = ink[:, :wide] if ink.shape[1] > wide else ink
        top = round((tall - ink.shape[0]) / 2 + offset - turned * step)
        left = (wide - ink.shape[1]) // 2
        first, last = max(top, 0), min(top + ink.shape[0], tall)
        if last > first:
            part = window[first:last, left : left + ink.shape[1]]
            np.maximum(part, ink[first - top : last - top], out=part)
    return window


def _digit(rng: Rng, font: LineFont | None, digit: str, size: float) -> Ink:
    if font is None or digit not in font.index:
        return scaled(segment_ink(digit, rng)[0], size)
    return scaled(line_ink(font, digit), size, 1.0)


def _coloured(ink: Ink, rng: Rng, count: int, wide: int) -> Shades:
    """Light digits on dark drums, or the other way, the last drums perhaps of another colour."""
    light_ink = rng.random() < 0.6
    ground = rng.uniform(5, 90) if light_ink else rng.uniform(110, 245)
    contrast = rng.uniform(25, 190) * (1 if light_ink else -1)
    grounds = np.full(ink.shape[1], ground, np.float32)
    if count > 3 and rng.random() < 0.4:
        grounds[-int(rng.integers(1, 3)) * wide :] = rng.uniform(20, 140)
    grey = grounds[None] + contrast * weight(ink, rng, 0.6)
    # the drum is round: darker above and below
    rows = np.linspace(-1, 1, ink.shape[0], dtype=np.float32)
    grey -= rng.uniform(0, 60) * (rows**2)[:, None]
    bars = rng.random()
    level = rng.uniform(0, 255)
    thick = int(rng.integers(1, max(2, wide // 4)))
    if bars < 0.7 and count > 1:
        for place in range(1, count):
            middle = place * wide
            grey[:, max(0, middle - thick // 2) : middle + (thick + 1) // 2] = level
    return grey


def _photographed(grey: Shades, rng: Rng, count: int) -> Picture:
    height, width = grey.shape
    level = rng.uniform(0, 255)
    most = 0.35 if count > 1 else 0.22
    pads = [int(rng.uniform(0, most) * height) if rng.random() < 0.6 else 0 for _ in range(4)]
    framed = np.full((height + pads[0] + pads[1], width + pads[2] + pads[3]), level, np.float32)
    framed += rng.uniform(0, 30) * texture(framed.shape, rng) if rng.random() < 0.5 else 0
    framed[pads[0] : pads[0] + height, pads[2] : pads[2] + width] = grey
    low = float(framed.mean())
    framed = moved((framed - low).astype(np.float32), rng, 0.02, 0.02, 0.02) + np.float32(low)
    framed = framed + ramp(framed.shape, rng, 70)
    if rng.random() < 0.25:
        framed += rng.uniform(-70, 40) * shadow(framed.shape, rng)
    if rng.random() < 0.25:
        framed += glare(framed.shape, rng) * rng.uniform(20, 160)
    sigma = rng.uniform(0, 1.3) if rng.random() < 0.75 else rng.uniform(1.3, 2.2)
    return taken(blurred(framed, min(sigma, 0.05 * height)), rng, 9, 0.5)
