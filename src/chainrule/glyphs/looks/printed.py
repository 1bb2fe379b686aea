"""Print: on paper, scanned to black and white, on receipts; with rules and neighbours."""

from collections.abc import Sequence

import numpy as np

from chainrule.glyphs.lines import LineFont
from chainrule.glyphs.looks.canvas import (
    Ink,
    Picture,
    Rng,
    blurred,
    line_ink,
    moved,
    ramp,
    scaled,
    shadow,
    spread,
    taken,
    weight,
    with_spaces,
)


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A line of print as a crop of a page has it: soft, scanned to two shades, or faded."""
    font = fonts[int(rng.integers(len(fonts)))]
    if rng.random() < 0.3:
        font = with_spaces(font, rng.uniform(0.5, 1))
    tracking = rng.exponential(1.0) - 0.4 if rng.random() < 0.4 else 0.0
    height = rng.uniform(14, 44)
    stretch = float(np.exp(rng.normal(0, 0.08)))
    ink = scaled(line_ink(font, _wide_spaces(text, rng), tracking), height, stretch)
    if rng.random() < 0.5:
        ink = weight(ink, rng, 0.5)
    ink = _margins(ink, rng, fonts, height)
    if rng.random() < 0.3:
        _rules(ink, rng)
    ink = moved(
        ink, rng, 0.006 if rng.random() < 0.7 else 0.02, 0.1 if rng.random() < 0.3 else 0.01
    )
    kind = rng.random()
    if kind < 0.4:
        return _two_shades(ink, rng)
    if kind < 0.6:
        return _receipt(ink, rng)
    return _soft(ink, rng)


def _wide_spaces(text: str, rng: Rng) -> str:
    """Some gaps wider, as in justified lines and between columns: the text stays the same."""
    if rng.random() < 0.75 or " " not in text:
        return text
    return "".join(c + " " * int(rng.integers(0, 4)) if c == " " else c for c in text)


def _margins(ink: Ink, rng: Rng, fonts: Sequence[LineFont], height: float) -> Ink:
    """Paper around the line, often little of it, with slivers of the lines above and below."""
    tight = rng.random() < 0.5
    above, below = rng.uniform(-0.03, 0.25, 2) if tight else rng.uniform(0.1, 0.9, 2)
    left, right = rng.uniform(0.0, 0.3, 2) if rng.random() < 0.6 else rng.uniform(0.1, 2.5, 2)
    sides = int(left * height), int(right * height)
    found = spread(ink, int(above * height), int(below * height), *sides)
    if rng.random() < 0.25:
        font = fonts[int(rng.integers(len(fonts)))]
        words = "the and of in to for with is on by"
        known = " ".join(word for word in words.split() if all(c in font.index for c in word))
        if known:
            _sliver(found, rng, scaled(line_ink(font, known), height), above * height)
    return found


def _sliver(ink: Ink, rng: Rng, other: Ink, room: float) -> None:
    """A little of another line at the upper or the lower edge."""
    height, width = ink.shape
    rows = int(min(rng.uniform(1, 5), max(room - 2, 0)))
    if rows < 1:
        return
    piece = np.tile(other, (1, width // other.shape[1] + 1))[:, :width]
    if rng.random() < 0.5:
        np.maximum(ink[:rows], piece[-rows:], out=ink[:rows])
    else:
        np.maximum(ink[height - rows :], piece[:rows], out=ink[height - rows :])


def _rules(ink: Ink, rng: Rng) -> None:
    """An underline, a frame, lines of a table, boxes of a form."""
    height, width = ink.shape
    thick = int(rng.integers(1, max(2, height // 12 + 1)))
    dark = np.float32(rng.uniform(0.4, 1.0))
    kind = rng.random()
    if kind < 0.45 or kind > 0.9:  # below, perhaps above
        for y in [height - thick - int(rng.integers(0, 3))] + ([0] if rng.random() < 0.4 else []):
            ink[max(y, 0) : y + thick] = dark
    if 0.3 < kind < 0.75:  # at the sides
        for x in (int(rng.integers(0, 3)), width - thick - int(rng.integers(0, 3))):
            if rng.random() < 0.7:
                ink[:, max(x, 0) : x + thick] = dark
    if kind > 0.75:  # all round, where a scanner's black border may be
        edge = int(rng.integers(1, 5))
        for part in (ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:]):
            part[:] = dark


def _two_shades(ink: Ink, rng: Rng) -> Picture:
    """Scanned to black and white: thinned or thickened, frayed, with specks."""
    soft = blurred(ink, rng.uniform(0.4, 1.1))
    soft = soft + rng.normal(0, rng.uniform(0.01, 0.16), soft.shape).astype(np.float32)
    black = soft > rng.uniform(0.3, 0.68)
    if rng.random() < 0.3:
        black |= rng.random(black.shape) < rng.uniform(0, 0.006)
    grey = np.where(black, 0.0, 255.0).astype(np.float32)
    if rng.random() < 0.4:  # made smaller, or softened, afterwards
        grey = blurred(grey, rng.uniform(0.3, 0.8))
    return taken(grey, rng, 0, 0.1)


def _receipt(ink: Ink, rng: Rng) -> Picture:
    """Faded, uneven, in dots or streaks, photographed or scanned."""
    if rng.random() < 0.35:
        apart = int(rng.integers(2, 4))
        y, x = np.indices(ink.shape) + rng.integers(apart, size=(2, 1, 1))
        gone = (y % apart == 0) | ((x % apart == 0) & (rng.random() < 0.5))
        ink = ink * np.where(gone, np.float32(rng.uniform(0, 0.7)), np.float32(1))
    ink = blurred(ink, rng.uniform(0.2, 1.0))
    worn = blurred(rng.standard_normal(ink.shape).astype(np.float32), rng.uniform(1, 4))
    ink = ink * np.clip(1 - rng.uniform(0, 0.5) * worn / max(float(worn.std()), 1e-6), 0.2, 1)
    paper = rng.uniform(150, 252)
    grey = paper - rng.uniform(0.25, 0.95) * paper * ink + ramp(ink.shape, rng, 50)
    if rng.random() < 0.25:
        grey += rng.uniform(-70, 20) * shadow(ink.shape, rng)
    return taken(grey, rng, 12, 0.5)


def _soft(ink: Ink, rng: Rng) -> Picture:
    """Grey scans and photographs of print, also light on dark."""
    ink = blurred(ink, rng.uniform(0, 0.7) if rng.random() < 0.7 else rng.uniform(0.7, 1.7))
    paper = rng.uniform(170, 255)
    dark = rng.uniform(0, 0.75) * paper
    if rng.random() < 0.15:
        paper, dark = dark, paper
    grey = paper + (dark - paper) * ink
    if rng.random() < 0.3:
        grey = grey + ramp(ink.shape, rng, 80)
    return taken(grey, rng, 14 if rng.random() < 0.5 else 0, 0.35)
