"""Fonts related to those that a reader is judged by: left out where it is trained."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chainrule.glyphs.alphabet import NAMED
from chainrule.glyphs.letters import centred
from chainrule.glyphs.lines import LineFont

ALIKE = 0.3
"""The distance of two fonts' pictures of a to z under which their families count as one design."""
X_HEIGHT = 13  # pixels

Pictures = NDArray[np.uint8]


def unrelated(
    fonts: Sequence[LineFont], held_out: Sequence[LineFont]
) -> tuple[list[LineFont], list[tuple[str, str]]]:
    """The fonts of families that are not related to one held out, and the other families with the
    reason.

    A family is related to one whose name begins with the same word, and to one that draws a to z
    almost alike (see `distances`; fonts without all of them are related by name only).
    """
    by_word = {first_word(font.family): font.family for font in held_out}
    judged = [font for font in held_out if _has_letters(font)]
    held = ink([evenly_scaled(font) for font in judged]) if judged else None
    related: dict[str, str] = {}
    for font in fonts:
        word = first_word(font.family)
        if word in by_word:
            related[font.family] = by_word[word]
        elif font.family not in related and held is not None and _has_letters(font):
            apart = apart_from(ink([evenly_scaled(font)]), held)[0]
            if apart.min() < ALIKE:
                related[font.family] = judged[int(apart.argmin())].family
    kept = [font for font in fonts if font.family not in related]
    return kept, [(name, f"related to {other}, held out") for name, other in related.items()]


def first_word(family: str) -> str:
    """The first word of a family's name: Noto Sans and noto-serif are both of noto."""
    return re.split(r"[-\s_]", family.strip(), maxsplit=1)[0].lower()


def distances(pictures: Sequence[Pictures]) -> NDArray[np.float64]:
    """How differently fonts draw: |a - b| / sqrt((|a|^2 + |b|^2) / 2) of their ink, each with each.

    0 is the same pictures, sqrt(2) no common ink.
    """
    own = ink(pictures)
    return apart_from(own, own)


def ink(pictures: Sequence[Pictures]) -> NDArray[np.float64]:
    """The ink of each font's pictures in a row."""
    return np.stack([255.0 - picture.ravel() for picture in pictures])


def apart_from(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """`distances` of the rows of ink of `one` from those of `other`."""
    sums = (one * one).sum(1)[:, None] + (other * other).sum(1)
    ratio: NDArray[np.float64] = np.maximum(sums - 2 * one @ other.T, 0) / np.maximum(sums / 2, 1)
    return np.sqrt(ratio)


def evenly_scaled(font: LineFont) -> Pictures:
    """Small letters (26, 32, 32) with an x 13 px high, so that designs compare, whatever their em
    is."""
    inks = [font.inks[font.index[letter]] for letter in NAMED["lowercase"]]
    factor = X_HEIGHT / font.inks[font.index["x"]].shape[0]
    return centred([_scaled(glyph, factor) for glyph in inks])


def _has_letters(font: LineFont) -> bool:
    return set(NAMED["lowercase"]) <= set(font.index)


def _scaled(glyph: Pictures, factor: float) -> Pictures:
    height, width = (max(1, round(side * factor)) for side in glyph.shape)
    return np.asarray(
        Image.fromarray(glyph).resize((width, height), Image.Resampling.BICUBIC), np.uint8
    )
