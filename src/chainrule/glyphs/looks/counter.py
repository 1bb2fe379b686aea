"""Counters: digits on drums, each in a window of its own, some half turned."""

from collections.abc import Sequence

import numpy as np

from chainrule.errors import InputError
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
    taken,
    texture,
    weight,
)
from chainrule.glyphs.looks.dots import dot_ink
from chainrule.glyphs.looks.segments import segment_ink
from chainrule.glyphs.looks.strokes import stroke_ink

SMALL_PRINT = ("m3", "kWh", "m³", "km", "L", "GAL")


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """The digits of `text` side by side, each in a window, nearly there or turning.

    They are of strokes, in one of the `fonts`, or of segments or dots as displays have them.
    """
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"a counter shows digits alone; found {text!r}")
    font = fonts[int(rng.integers(len(fonts)))] if fonts else None
    height = int(rng.integers(18, 40))
    wide = int(height * rng.uniform(0.5, 0.85))
    tall = int(height * rng.uniform(1.02, 1.45))  # of a window
    faces = _Faces(rng, font, height * rng.uniform(0.66, 0.97), wide, alone=len(text) == 1)
    turning = faces.turns and rng.random() < (0.2 if len(text) == 1 else 0.3)
    drums = []
    for place, digit in enumerate(text):
        turned = rng.uniform(-0.42, 0.42) if turning and place >= len(text) - 2 else 0.0
        if faces.turns:
            turned += rng.normal(0, 0.03)
        drums.append(_drum(faces, int(digit), (tall, wide), turned))
    plane = weight(_in_windows(drums, rng), rng, 0.5)
    plane = _surrounded(_shaded(plane, rng, len(text), wide), rng, font, len(text))
    return _photographed(plane, rng, faces.size)


class _Faces:
    """The digits of a counter, `size` high and no wider than a window, drawn when they are asked
    for."""

    def __init__(
        self, rng: Rng, font: LineFont | None, size: float, wide: int, alone: bool
    ) -> None:
        chances = (0.37, 0.28, 0.22, 0.13) if alone else (0.48, 0.4, 0.08, 0.04)
        self.kind = ("strokes", "font", "segments", "dots")[int(rng.choice(4, p=chances))]
        if font is None or any(digit not in font.index for digit in "0123456789"):
            self.kind = "strokes" if self.kind == "font" else self.kind
        self.turns = self.kind in ("strokes", "font")
        self.font, self.size, self.wide = font, size, wide
        self.style = int(rng.integers(2**32))  # of which all are
        self.narrow = rng.uniform(0.75, 1.0)
        self._known: dict[int, Ink] = {}

    def __getitem__(self, digit: int) -> Ink:
        if digit not in self._known:
            rng = np.random.default_rng(self.style)
            if not self.turns:
                draw_ink = segment_ink if self.kind == "segments" else dot_ink
                lit, unlit = draw_ink(str(digit), rng)
                ink = np.maximum(lit, max(0.0, rng.uniform(-0.1, 0.15)) * unlit)
            elif self.kind == "font" and self.font is not None:
                ink = line_ink(self.font, str(digit))
            else:
                ink = stroke_ink(str(digit), rng)
            most = 0.92 * self.wide * ink.shape[0] / (self.size * ink.shape[1])
            self._known[digit] = scaled(ink, self.size, min(self.narrow, most))
        return self._known[digit]


def _drum(faces: _Faces, digit: int, shape: tuple[int, int], turned: float) -> Ink:
    """One digit's window, turned by a share of the way to the next digit."""
    tall, wide = shape
    window = np.zeros(shape, np.float32)
    step = max(faces.size * 1.25, tall * 0.95)
    shown = [(digit, 0.0)]
    if faces.turns:
        shown += [((digit + 1) % 10, step), ((digit - 1) % 10, -step)]
    for one, offset in shown:
        moved_by = (tall - faces.size) / 2 + offset - turned * step
        if -faces.size < moved_by < tall:
            ink = faces[one]
            top, left = round(moved_by), (wide - ink.shape[1]) // 2
            first, last = max(top, 0), min(top + ink.shape[0], tall)
            if last > first:
                part = window[first:last, left : left + ink.shape[1]]
                np.maximum(part, ink[first - top : last - top], out=part)
    return window


def _in_windows(drums: Sequence[Ink], rng: Rng) -> Shades:
    """The drums beside each other: closely, with bars between, or with a broad frame round each."""
    style = rng.random()
    tall, wide = drums[0].shape
    if style < 0.25 or (len(drums) == 1 and style < 0.6):
        return np.concatenate(drums, axis=1)
    level = rng.uniform(-0.5, 1.3)
    thick = int(rng.integers(1, max(2, wide // 4)))
    if style > 0.75:
        thick = int(wide * rng.uniform(0.2, 0.6))
    bar = np.full((tall, thick), level, np.float32)
    parts = [bar] if rng.random() < 0.5 else []
    for drum in drums:
        parts += [drum, bar]
    plane = np.concatenate(parts, axis=1)
    if style > 0.75 or rng.random() < 0.3:
        above, below = (int(share * tall) for share in rng.uniform(0, 0.2, 2))
        plane = np.pad(plane, ((above, below), (0, 0)), constant_values=level)
    return plane


def _shaded(plane: Shades, rng: Rng, count: int, wide: int) -> Shades:
    """The drum is round, so darker above and below; the last ones may be of another colour."""
    rows = np.linspace(-1, 1, plane.shape[0], dtype=np.float32)
    plane = plane + rng.uniform(-0.5, 0.5) * (rows**2)[:, None]
    if count > 3 and rng.random() < 0.4:
        last = int(rng.integers(1, 4)) * wide
        plane[:, -last:] = rng.uniform(0.1, 0.4) + rng.uniform(0.5, 0.9) * plane[:, -last:]
    return plane


def _surrounded(plane: Shades, rng: Rng, font: LineFont | None, count: int) -> Shades:
    """What is to be seen around: the case, a line where it begins, a unit at the right."""
    height, width = plane.shape
    most = 0.35 if count > 1 else 0.15
    pads = [int(rng.uniform(0, most) * height) if rng.random() < 0.6 else 0 for _ in range(4)]
    level = rng.uniform(-0.6, 1.3)
    unit = _unit(rng, font, height) if count > 2 and font and rng.random() < 0.2 else None
    if unit is not None:
        pads[3] += unit.shape[1] + 4
    shape = height + pads[0] + pads[1], width + pads[2] + pads[3]
    around = np.full(shape, level, np.float32)
    if rng.random() < 0.5:
        around += rng.uniform(0, 0.2) * texture(shape, rng)
    around[pads[0] : pads[0] + height, pads[2] : pads[2] + width] = plane
    if unit is not None:
        y = int((shape[0] - unit.shape[0]) * rng.random())
        part = around[y : y + unit.shape[0], -unit.shape[1] - 1 : -1]
        part += (rng.uniform(0.5, 1.0) if level < 0.4 else -rng.uniform(0.5, 1.0)) * unit
    if rng.random() < 0.3:
        _lines(around, rng)
    return moved(around, rng, 0.025 if count > 1 else 0.04, 0.05, 0.02, level)


def _unit(rng: Rng, font: LineFont, height: int) -> Ink | None:
    words = [word for word in SMALL_PRINT if all(c in font.index for c in word)]
    if not words:
        return None
    word = words[int(rng.integers(len(words)))]
    return scaled(line_ink(font, word), max(4, height * rng.uniform(0.2, 0.4)))


def _lines(plane: Shades, rng: Rng) -> None:
    """Edges of the window or of what is beside it, at the picture's own edges."""
    level, thick = rng.uniform(-0.5, 1.3), max(1, int(rng.uniform(0.02, 0.07) * len(plane)))
    for side in range(4):
        if rng.random() < 0.4:
            first = int(rng.integers(0, thick + 1))
            near = slice(first, first + thick)
            far = slice(-first - thick, -first or None)
            part = (near, far)[side % 2]
            plane[(part, slice(None)) if side < 2 else (slice(None), part)] = level


def _photographed(plane: Shades, rng: Rng, size: float) -> Picture:
    plane = plane + ramp(plane.shape, rng, 0.6)
    if rng.random() < 0.25:
        plane = plane + rng.uniform(0.02, 0.15) * texture(plane.shape, rng)
    if rng.random() < 0.2:
        plane = plane + rng.uniform(-0.6, 0.4) * shadow(plane.shape, rng)
    if rng.random() < 0.2:
        plane = plane + rng.uniform(-0.8, 0.8) * glare(plane.shape, rng)
    sigma = rng.uniform(0, 0.04) if rng.random() < 0.75 else rng.uniform(0.04, 0.07)
    plane = blurred(plane, sigma * size)
    if rng.random() < 0.1:
        plane = smeared(plane, rng, 0.12 * size)
    if rng.random() < 0.2:
        plane = plane + rng.uniform(0.05, 0.2) * blotches(plane.shape, rng)
    seen = float(np.exp(rng.uniform(np.log(11), np.log(40))))
    if seen < size:
        if rng.random() < 0.6:
            plane = scaled(plane, max(12, plane.shape[0] * seen / size))
        else:
            plane = coarse(plane, rng, size / seen)
    contrast = rng.uniform(40, 200) if rng.random() < 0.7 else rng.uniform(15, 50)
    low = rng.uniform(5, 110)
    if rng.random() < 0.5:  # dark digits on light drums
        low, contrast = low + contrast, -contrast
    noise = abs(contrast) * (0.09 if rng.random() < 0.5 else 0.03)
    return taken(exposed(plane, rng, low, contrast), rng, min(12, noise), 0.5, 30)
