"""Print: on paper, scanned to black and white, typed, on receipts; with rules and neighbours."""

from collections.abc import Sequence
from dataclasses import replace

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
    moved,
    ramp,
    scaled,
    shadow,
    spread,
    taken,
    threshold,
    weight,
    wide_spaces,
    with_spaces,
)


def draw(rng: Rng, fonts: Sequence[LineFont], text: str) -> Picture:
    """A line of print as a crop of a page has it: soft, scanned to two shades, typed, or thermal
    print of a receipt."""
    font = fonts[int(rng.integers(len(fonts)))]
    kind = rng.random()
    if kind < 0.3:
        return _receipt(_on_paper(_receipt_ink(rng, font, text), rng, fonts), rng)
    if kind < 0.4:
        ink, faces = _typed(rng, font, text), (_two_shades, _soft, _receipt)
        return faces[int(rng.integers(3))](_on_paper(ink, rng, fonts), rng)
    ink = _on_paper(_set(rng, font, text), rng, fonts)
    return _two_shades(ink, rng) if kind < 0.72 else _soft(ink, rng)


def _set(rng: Rng, font: LineFont, text: str) -> Ink:
    """A line as a book, a journal or an office's printer sets it."""
    if rng.random() < 0.3:
        font = with_spaces(font, rng.uniform(0.5, 1))
    tracking = rng.exponential(0.8) - 0.3 if rng.random() < 0.4 else 0.0
    if rng.random() < 0.25:
        text = wide_spaces(text, rng, 4 if rng.random() < 0.75 else 16)
    ink = _in_parts(rng, font, text, tracking)
    height = rng.uniform(20, 44) if rng.random() < 0.75 else rng.uniform(14, 22)
    ink = scaled(ink, height, float(np.exp(rng.normal(0, 0.08))))
    return weight(ink, rng, 0.5) if rng.random() < 0.5 else ink


def _in_parts(rng: Rng, font: LineFont, text: str, tracking: float) -> Ink:
    """A line of which a part may lean, or be bolder or lighter."""
    ink = line_ink(font, text, tracking)
    words = text.split(" ")
    if rng.random() > 0.12 or len(words) < 2:
        return ink
    inked = ink.max(0) > 0.05
    gaps = np.flatnonzero(inked[1:] & ~inked[:-1]) + 1
    if not len(gaps):
        return ink
    at = int(gaps[int(rng.integers(len(gaps)))])
    first, other = ink[:, :at], ink[:, at:]
    changed = weight(other, rng, 0.8)
    if rng.random() < 0.6:
        room = int(0.12 * ink.shape[0])
        changed = moved(spread(changed, 0, 0, room, room), rng, 0.0, 0.12)
    return np.ascontiguousarray(np.hstack([first, changed]))


def _typed(rng: Rng, font: LineFont, text: str) -> Ink:
    """Of a typewriter: equally far apart, each character a little off the line, inked unevenly."""
    typed = in_cells(font, text, rng.uniform(1.0, 1.3))
    off = np.rint(rng.normal(0, rng.uniform(0.1, 0.8), len(typed.top)))
    high = np.array([len(ink) for ink in typed.inks])
    # none leaves the line's rows
    top = np.clip(typed.top + off, -font.baseline, font.height - font.baseline - high)
    ink = line_ink(replace(typed, top=top.astype(np.int16)), text)
    ink = scaled(ink, rng.uniform(18, 40), float(np.exp(rng.normal(0, 0.08))))
    return weight(ink, rng, 0.7)


def _receipt_ink(rng: Rng, font: LineFont, text: str) -> Ink:
    """Of a till's printer: dots of a matrix or of a thermal head, or smooth letters, often all as
    wide, often narrow or wide in all."""
    if rng.random() < 0.3:
        text = wide_spaces(text, rng, 4 if rng.random() < 0.6 else 10)
    pitched = rng.random() < 0.6
    stretch = float(np.exp(rng.normal(-0.12 if pitched else 0.0, 0.15)))
    height = rng.uniform(13, 36)
    kind = rng.random()
    if kind < 0.3:
        ink = bitmap_ink(font, text, rng, int(rng.integers(9, 18)), pitched)
        if rng.random() < 0.4:
            return scaled(_dots(ink, rng), max(height, 20), stretch)
        large = np.kron(ink, np.ones((4, 4), np.float32)).astype(np.float32)
        return scaled(large, height, stretch)
    if pitched:
        font = in_cells(font, text, rng.uniform(0.95, 1.25))
    ink = scaled(line_ink(font, text, rng.uniform(-0.4, 1)), height, stretch)
    return weight(ink, rng, 0.6) if rng.random() < 0.5 else ink


def _dots(ink: Ink, rng: Rng) -> Ink:
    """Each pixel a round dot, which touches its neighbours or nearly."""
    across = (np.arange(5, dtype=np.float32) - 2) / 5
    away = np.sqrt(across[:, None] ** 2 + across[None] ** 2)
    dot = np.clip((rng.uniform(0.42, 0.7) - away) * 5, 0, 1).astype(np.float32)
    return np.asarray(np.kron(ink, dot), np.float32)


def _on_paper(ink: Ink, rng: Rng, fonts: Sequence[LineFont]) -> Ink:
    """With paper around, perhaps rules, and not quite straight."""
    ink = _margins(ink, rng, fonts)
    if rng.random() < 0.25:
        _rules(ink, rng)
    turn = 0.004 if rng.random() < 0.75 else 0.015
    # a long line that is turned as much as a short one leaves its picture
    turn = min(turn, 0.12 * ink.shape[0] / ink.shape[1])
    return moved(ink, rng, turn, 0.1 if rng.random() < 0.2 else 0.01)


def _margins(ink: Ink, rng: Rng, fonts: Sequence[LineFont]) -> Ink:
    """Paper around the line, often little of it, with slivers of the lines above and below."""
    height = ink.shape[0]
    tight = rng.random() < 0.5
    above, below = rng.uniform(-0.02, 0.25, 2) if tight else rng.uniform(0.1, 0.8, 2)
    left, right = rng.uniform(0.0, 0.3, 2) if rng.random() < 0.7 else rng.uniform(0.1, 2.0, 2)
    sides = int(left * height), int(right * height)
    found = spread(ink, int(above * height), int(below * height), *sides)
    if rng.random() < 0.25:
        font = fonts[int(rng.integers(len(fonts)))]
        words = "the and of in to for with is on by"
        known = " ".join(word for word in words.split() if all(c in font.index for c in word))
        if known:
            room = min(above, below) * height
            _sliver(found, rng, scaled(line_ink(font, known), height), room)
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
    thick = int(rng.integers(1, max(2, height // 16 + 1)))
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
    """Scanned to black and white: thinned or thickened, frayed, with specks, faxed."""
    soft = blurred(ink, rng.uniform(0.3, 0.032 * min(ink.shape[0], 40)))
    rough = np.float32(rng.uniform(0.0, 0.12))
    soft = soft + rough * rng.standard_normal(soft.shape, np.float32)
    black = threshold(soft, ink, rng.uniform(0.78, 1.4))
    if rng.random() < 0.25:
        black |= rng.random(black.shape, np.float32) < rng.uniform(0, 0.004)
    if rng.random() < 0.05:  # a shaded field
        apart = int(rng.integers(4, 7))
        black[int(rng.integers(apart)) :: apart, int(rng.integers(apart)) :: apart] = True
    grey = np.where(black, np.float32(0), np.float32(255))
    if rng.random() < 0.08 and ink.shape[0] > 26:  # a fax has half the rows
        half = cv2.resize(grey, None, fx=1, fy=0.5, interpolation=cv2.INTER_NEAREST)
        grey = cv2.resize(half, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    if rng.random() < 0.4:  # made smaller, or softened, afterwards
        grey = blurred(grey, rng.uniform(0.3, 0.8))
    return taken(np.asarray(grey, np.float32), rng, 0, 0.1)


def _receipt(ink: Ink, rng: Rng) -> Picture:
    """Faded, uneven, in streaks, scanned or photographed, sharpened by the scanner."""
    ink = blurred(ink, rng.uniform(0.2, 0.03 * min(ink.shape[0], 34)))
    if rng.random() < 0.5:
        ink = ink * _worn(ink, rng)
    paper = rng.uniform(150, 255)
    contrast = rng.uniform(0.5, 0.98) if rng.random() < 0.75 else rng.uniform(0.22, 0.6)
    grey = paper - contrast * paper * ink
    if rng.random() < 0.3:
        grey = grey + ramp(ink.shape, rng, 40 * contrast)
    if rng.random() < 0.1:
        grey += rng.uniform(-60, 20) * contrast * shadow(ink.shape, rng)
    if rng.random() < 0.3:
        share = np.float32(rng.uniform(0.3, 1.2))
        grey = grey + share * (grey - blurred(grey, 1.0))
    return taken(grey, rng, 10 * contrast, 0.5)


def _worn(ink: Ink, rng: Rng) -> Ink:
    """How much of the ink is left: in spots, or in streaks along or across the line."""
    height, width = ink.shape
    across, down = ((3, 3), (1, 12), (12, 1))[int(rng.integers(3))]
    rough = rng.standard_normal((height // down + 2, width // across + 2), np.float32)
    spots = cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR)
    left = np.clip(1 - rng.uniform(0, 0.4) * np.asarray(spots, np.float32), 0.3, 1)
    return np.asarray(left, np.float32)


def _soft(ink: Ink, rng: Rng) -> Picture:
    """Grey scans and photographs of print, also light on dark."""
    share = rng.uniform(0, 0.022) if rng.random() < 0.75 else rng.uniform(0.022, 0.045)
    ink = blurred(ink, share * ink.shape[0])
    paper = rng.uniform(170, 255)
    dark = rng.uniform(0, 0.45) * paper if rng.random() < 0.8 else rng.uniform(0.4, 0.7) * paper
    contrast = (paper - dark) / 255
    if rng.random() < 0.15:
        paper, dark = dark, paper
    grey = paper + (dark - paper) * ink
    if rng.random() < 0.25:
        grey = grey + ramp(ink.shape, rng, 70 * contrast)
    return taken(grey, rng, 14 * contrast if rng.random() < 0.5 else 0, 0.35)
