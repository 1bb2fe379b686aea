"""Letters of whole pixels, as consoles, old screens, matrix and thermal printers have them."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.glyphs.lines import UNIT, LineFont, glyph_numbers
from chainrule.glyphs.looks.canvas import Ink, Rng

_PROBES = "EHLTFinmox"  # by which a font of pixels is known
_COARSEST, _FINEST = 6, 20  # pixels an em
_CLEAN = 0.12  # how far from 0 and 1 the pixels of such a font may lie, as a share of its ink
_LEAST_KEPT = 0.82  # of a text's ink, or its strokes fall apart
_OFFSETS = (0.0, 0.34, 0.67)  # of a pixel, at which a glyph is tried


class _Glyph(NamedTuple):
    ink: NDArray[np.bool_]
    left: int  # pixels from the pen
    top: int  # pixels below the baseline


def bitmap_ink(font: LineFont, text: str, rng: Rng, capitals: int, pitched: bool) -> Ink:
    """The text in pixels that have ink or have none, capitals about so many pixels high.

    A font that is of pixels itself keeps those. pitched: all characters stand equally far apart.
    Empty rows and columns around it are cut off. Raises InputError as `render_line` does.
    """
    numbers = glyph_numbers(font, text)
    own = _own_pitch(font)
    share = rng.uniform(1.0, 1.4)
    for higher in (1.0, 1.5):  # where strokes are too thin for so few pixels, by more of them
        pitch = own or _capital_height(font) / (higher * capitals)
        covers = {c: _covered(font, c, pitch, _OFFSETS[:1] if own else _OFFSETS) for c in set(text)}
        glyphs, kept = _inked(covers, share)
        if own or kept > _LEAST_KEPT:
            break
    widths = sorted(glyph.ink.shape[1] for glyph in glyphs.values())
    cell = max(widths[-1 - len(widths) // 8], 4) + int(rng.integers(1, 3))
    pen, places = 0, []
    for c, number in zip(text, numbers, strict=True):
        glyph = glyphs[c]
        across = glyph.ink.shape[1]
        step = max(2, round(font.advance[number] / UNIT / pitch))
        places.append((glyph, pen + ((cell - across) // 2 if pitched else glyph.left)))
        pen += max(cell, across + 1) if pitched else max(step, glyph.left + across + 1)
    return _laid(places)


def _inked(
    covers: dict[str, tuple[Ink, int, int]], share: float
) -> tuple[dict[str, _Glyph], float]:
    """The pixels that are covered most, so many times what all cover, so that thin strokes hold
    together and thick ones do not run into each other; and how much of the ink lies in them."""
    values = np.concatenate([cover.ravel() for cover, _, _ in covers.values()])
    count = min(int(share * float(values.sum())), len(values) - 1)
    level = 0.5
    if count > 0:
        level = float(np.clip(np.partition(values, -count)[-count], 0.2, 0.6))
    kept = float(values[values >= level].sum() / max(float(values.sum()), 1e-6))
    return {c: _cut(*cover, level) for c, cover in covers.items()}, kept


def _cut(cover: Ink, left: int, top: int, level: float) -> _Glyph:
    if not cover.size:
        return _Glyph(np.zeros((0, 0), np.bool_), 0, 0)
    ink = cover >= min(level, 0.8 * float(cover.max()))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Glyph(cut, left + int(columns[0]), top + int(rows[0]))


def _laid(places: list[tuple[_Glyph, int]]) -> Ink:
    inked = [(glyph, x) for glyph, x in places if glyph.ink.size]
    if not inked:
        return np.zeros((4, 4), np.float32)
    top = min(glyph.top for glyph, _ in inked)
    bottom = max(glyph.top + glyph.ink.shape[0] for glyph, _ in inked)
    left = min(x for _, x in inked)
    right = max(x + glyph.ink.shape[1] for glyph, x in inked)
    ink = np.zeros((bottom - top, right - left), np.float32)
    for glyph, x in inked:
        height, width = glyph.ink.shape
        part = ink[glyph.top - top : glyph.top - top + height, x - left : x - left + width]
        np.maximum(part, glyph.ink, out=part)
    return ink


def _covered(
    font: LineFont, character: str, pitch: float, offsets: Sequence[float]
) -> tuple[Ink, int, int]:
    """How much of each pixel a glyph covers, at the offset at which its edges lie best on those of
    pixels; the first one's column, from the pen, and its row, from the baseline."""
    number = font.index[character]
    glyph = font.inks[number]
    if not glyph.size:
        return np.zeros((0, 0), np.float32), 0, 0
    rows, top = _overlaps(glyph.shape[0], float(font.top[number]), pitch)
    strips = rows @ (np.float32(1) - glyph.astype(np.float32) / np.float32(255))
    tried: list[tuple[Ink, int, int]] = []
    for offset in offsets:
        columns, left = _overlaps(glyph.shape[1], font.left[number] + offset * pitch, pitch)
        tried.append((np.asarray(strips @ columns.T, np.float32), left, top))
    return max(tried, key=lambda one: float((one[0] ** 2).sum()))


@lru_cache(8192)
def _overlaps(count: int, start: float, pitch: float) -> tuple[Ink, int]:
    """The share of each coarse pixel (rows) that each of `count` fine ones from `start` takes,
    and the first coarse one's place."""
    first, last = floor(start / pitch), ceil((start + count) / pitch)
    edges = np.arange(first, last + 1) * pitch - start
    fine = np.arange(count)
    low, high = np.maximum(edges[:-1, None], fine), np.minimum(edges[1:, None], fine + 1)
    return (np.maximum(high - low, 0) / pitch).astype(np.float32), first


def _capital_height(font: LineFont) -> float:
    heights = [font.inks[font.index[c]].shape[0] for c in "HEx1A8" if c in font.index]
    return float(max(heights, default=0.7 * font.size))


def _own_pitch(font: LineFont) -> float | None:
    """How wide the pixels are of which a font is made, if it is."""
    probes = "".join(c for c in _PROBES if c in font.index)
    glyphs = [
        (font.inks[n], font.left[n], font.top[n]) for n in map(font.index.__getitem__, probes)
    ]
    key = tuple((ink.tobytes(), ink.shape, int(left), int(top)) for ink, left, top in glyphs)
    return _pitch_of(key, font.size) if len(key) > 5 else None


@lru_cache(4096)
def _pitch_of(
    glyphs: tuple[tuple[bytes, tuple[int, ...], int, int], ...], size: float
) -> float | None:
    inks = [
        1 - np.frombuffer(content, np.uint8).reshape(shape).astype(np.float32) / 255
        for content, shape, _, _ in glyphs
    ]
    for across in range(_COARSEST, _FINEST + 1):
        pitch, off = size / across, 0.0
        if pitch < 1.25:
            break
        for ink, (_, shape, left, top) in zip(inks, glyphs, strict=True):
            rows, _ = _overlaps(shape[0], float(top), pitch)
            columns, _ = _overlaps(shape[1], float(left), pitch)
            cover = rows @ ink @ columns.T
            off += float(np.minimum(cover, 1 - cover).sum())
        if off * pitch**2 < _CLEAN * sum(float(ink.sum()) for ink in inks):
            return pitch
    return None
