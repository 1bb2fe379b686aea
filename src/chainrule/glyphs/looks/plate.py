"""Number plates: pressed letters in a frame, seen from a car behind."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
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
    weight,
)
from chainrule.glyphs.looks.strokes import drawn_of_strokes, stroke_ink

SMALL_PRINT = (
    "REPUBLICA", "ARGENTINA", "STATE", "BRASIL", "MERCOSUR", "CALIFORNIA", "EU", "INDIA", "DEALER",
    "TEXAS", "MOTORS", "RIO DE JANEIRO", "The Garden State", "www.cars.com", "AUTOHAUS", "IND", "D",
)  # fmt: skip


@dataclass
class _Plate:
    """A plate as it is made: its shades (0 its letters, 1 its ground) and the letters' height."""

    shades: Shades
    letters: float


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A plate with `text`, light or dark, with its frame, strips, small print, bolts, dirt, a
    camera's blur; in letters of one stroke, as most plates have them, or in one of the fonts."""
    letters = rng.uniform(18, 40)
    font = fonts[int(rng.integers(len(fonts)))]
    ink = _letters(rng, font, text, letters)
    make = (_fielded, _fielded, _stripped, _stripped, _banded, _plain)[int(rng.integers(6))]
    plate = _Plate(make(ink, rng, font, letters), letters)
    _bolts(plate, rng)
    _framed(plate, rng)
    _on_a_car(plate, rng, font)
    return _photographed(plate, rng)


def _letters(rng: Rng, font: LineFont, text: str, height: float) -> Ink:
    emblem = rng.random() < 0.3
    if drawn_of_strokes(text) and rng.random() < 0.6:
        ink = scaled(stroke_ink(text, rng, emblem=emblem), height, rng.uniform(0.85, 1.15))
        return weight(ink, rng, 0.4)
    if emblem:
        text = _with_emblem(text, font, rng)
    return weight(
        scaled(line_ink(font, text, rng.uniform(0, 4)), height, rng.uniform(0.55, 1.0)), rng, 0.7
    )


def _with_emblem(text: str, font: LineFont, rng: Rng) -> str:
    """A dot or the like in place of a gap between groups, which is no part of the text."""
    marks = [mark for mark in "*°•·" if mark in font.index]
    return text.replace(" ", marks[int(rng.integers(len(marks)))]) if marks else text


def _plain(ink: Ink, rng: Rng, font: LineFont, letters: float) -> Shades:
    """Nothing but the letters, close to the edges or not; some with a picture behind them."""
    sides = (letters * rng.uniform([0.06, 0.06, 0.06, 0.06], [0.5, 0.5, 0.6, 0.6])).astype(int)
    plane = 1 - spread(ink, *map(int, sides))
    if rng.random() < 0.25:
        plane += rng.uniform(0.05, 0.25) * texture(plane.shape, rng)
    return plane


def _fielded(ink: Ink, rng: Rng, font: LineFont, letters: float) -> Shades:
    """The letters in a field of their own, with a broad rim of the letters' shade round it."""
    sides = (letters * rng.uniform(0.04, 0.22, 4)).astype(int)
    field = 1 - spread(ink, *map(int, sides))
    above, below, left, right = (int(share * letters) for share in rng.uniform(0.08, 0.5, 4))
    shape = field.shape[0] + above + below, field.shape[1] + left + right
    plane = np.full(shape, rng.uniform(-0.1, 0.15), np.float32)
    plane[above : above + field.shape[0], left : left + field.shape[1]] = field
    if rng.random() < 0.6:
        _print(plane, rng, font, (0, above), 1.0)
    if rng.random() < 0.2:
        _print(plane, rng, font, (shape[0] - below, below), 1.0)
    return plane


def _stripped(ink: Ink, rng: Rng, font: LineFont, letters: float) -> Shades:
    """A strip above with small print, of the letters' shade, another or none; some below too."""
    above, below, *sides = rng.uniform([0.22, 0.08, 0.1, 0.1], [0.65, 0.4, 0.6, 0.6]) * letters
    plane = 1 - spread(ink, int(above), int(below), *map(int, sides))
    strip = int(above * rng.uniform(0.6, 0.9))
    level = 1.0 if rng.random() < 0.35 else rng.uniform(-0.1, 0.8)
    plane[:strip] = level
    if rng.random() < 0.8:
        _print(plane, rng, font, (0, strip), level + (0.8 if level < 0.5 else -0.8))
    if below > 5 and rng.random() < 0.3:
        _print(plane, rng, font, (plane.shape[0] - int(below), int(below)), rng.uniform(0, 0.5))
    return plane


def _banded(ink: Ink, rng: Rng, font: LineFont, letters: float) -> Shades:
    """A band at the left, some at the right too, with stars and a country's letters."""
    sides = rng.uniform([0.08, 0.08, 0.08, 0.08], [0.3, 0.3, 0.35, 0.5]) * letters
    plane = 1 - spread(ink, *map(int, sides))
    for left in (True, False) if rng.random() < 0.25 else (True,):
        level = rng.uniform(-0.1, 0.55)
        wide = max(4, int(letters * rng.uniform(0.25, 0.5)))
        band = np.full((plane.shape[0], wide), level, np.float32)
        small = scaled(line_ink(font, _country(rng, font)), max(4, 0.35 * letters))[:, : wide - 1]
        top = int(band.shape[0] * rng.uniform(0.5, 0.62))
        part = band[top : top + small.shape[0], (wide - small.shape[1]) // 2 :][:, : small.shape[1]]
        part += 0.9 * small[: len(part)]
        middle = (wide // 2, int(0.3 * band.shape[0]))
        cv2.circle(band, middle, max(1, wide // 4), level + 0.5, 1, cv2.LINE_AA)
        plane = np.concatenate([band, plane] if left else [plane, band], axis=1)
    return plane


def _country(rng: Rng, font: LineFont) -> str:
    known = [c for c in ("D", "F", "I", "E", "PL", "GB", "NL", "S") if c[0] in font.index]
    known = [c for c in known if all(one in font.index for one in c)]
    return known[int(rng.integers(len(known)))] if known else font.alphabet.strip()[0]


def _print(plane: Shades, rng: Rng, font: LineFont, rows: tuple[int, int], level: float) -> None:
    """Small print in these rows (first, how many), somewhere near their middle."""
    first, tall = rows
    words = [word for word in SMALL_PRINT if all(c in font.index for c in word)]
    if tall < 4 or not words:
        return
    word = words[int(rng.integers(len(words)))]
    small = scaled(line_ink(font, word), max(3, tall * rng.uniform(0.4, 0.75)))
    small = small[:tall, : plane.shape[1]]
    x = int((plane.shape[1] - small.shape[1]) * rng.uniform(0.25, 0.75))
    y = first + (tall - small.shape[0]) // 2
    part = plane[y : y + small.shape[0], x : x + small.shape[1]]
    part += np.float32(0.8) * (np.float32(level) - part) * small[: part.shape[0]]


def _bolts(plate: _Plate, rng: Rng) -> None:
    height, width = plate.shades.shape
    for _ in range(int(rng.integers(0, 5))):
        at = int(rng.integers(width)), int(rng.choice([2, height - 3]))
        size = int(rng.integers(1, 4))
        cv2.circle(plate.shades, at, size, float(rng.uniform(-0.2, 1.2)), -1, cv2.LINE_AA)


def _framed(plate: _Plate, rng: Rng) -> None:
    """A line near the plate's edge."""
    if rng.random() < 0.5:
        height, width = plate.shades.shape
        inset = int(rng.integers(0, 2))
        corner = width - 1 - inset, height - 1 - inset
        level, thick = float(rng.uniform(-0.2, 0.8)), int(rng.integers(1, 3))
        cv2.rectangle(plate.shades, (inset, inset), corner, level, thick)


def _on_a_car(plate: _Plate, rng: Rng, font: LineFont) -> None:
    """What is to be seen around it, and the plate turned and seen from the side in there."""
    if rng.random() < 0.2:  # cut out along its edges
        pads = [0, 0, 0, 0]
    else:
        pads = [int(share * plate.letters) for share in rng.uniform(0, [0.5, 0.5, 0.7, 0.7])]
    shape = plate.shades.shape[0] + pads[0] + pads[1], plate.shades.shape[1] + pads[2] + pads[3]
    level = rng.uniform(-0.4, 1.1)
    car = np.full(shape, level, np.float32)
    if rng.random() < 0.8:
        car += rng.uniform(0.02, 0.35) * texture(shape, rng)
    if pads[1] > 6 and rng.random() < 0.25:
        _print(car, rng, font, (shape[0] - pads[1], pads[1]), level + rng.choice([-0.6, 0.6]))
    car[pads[0] : shape[0] - pads[1], pads[2] : shape[1] - pads[3]] = plate.shades
    room = (0.3 * plate.letters + pads[0] + pads[1]) / shape[1]  # as far as nothing is cut off
    plate.shades = moved(car, rng, min(0.05, 0.35 * room), 0.09, 0.03, level)


def _photographed(plate: _Plate, rng: Rng) -> Picture:
    plane, size = plate.shades, plate.letters
    if rng.random() < 0.45:  # light letters on a dark ground
        plane = 1 - plane
    if rng.random() < 0.3:  # dirt, worn paint
        plane = plane + rng.uniform(0.03, 0.22) * texture(plane.shape, rng)
    if rng.random() < 0.2:
        plane = plane - rng.uniform(0.1, 0.5) * shadow(plane.shape, rng)
    if rng.random() < 0.12:
        plane = plane + rng.uniform(0.1, 0.5) * glare(plane.shape, rng)
    if rng.random() < 0.2:
        plane = plane + rng.uniform(0.03, 0.15) * blotches(plane.shape, rng)
    plane = plane + ramp(plane.shape, rng, 0.35)
    seen = float(np.exp(rng.uniform(np.log(11), np.log(42))))
    sigma = rng.uniform(0.1, 0.045 * size) if rng.random() < 0.75 else rng.uniform(0.6, 0.07 * size)
    plane = blurred(plane, sigma)
    if rng.random() < 0.2:
        plane = smeared(plane, rng, 0.13 * size)
    if seen < size:
        plane = scaled(plane, max(16, plane.shape[0] * seen / size))
    elif rng.random() < 0.3:
        plane = coarse(plane, rng, rng.uniform(1, size / 11))
    contrast = rng.uniform(50, 200) if rng.random() < 0.75 else rng.uniform(18, 50)
    grey = exposed(plane, rng, rng.uniform(5, 120), contrast)
    noise = 0.07 * contrast if rng.random() < 0.5 else 0.02 * contrast
    return taken(grey, rng, noise, 0.5, 30)
