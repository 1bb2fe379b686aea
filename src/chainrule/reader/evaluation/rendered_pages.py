"""Pages of text drawn to measure readers by, and what stands in them."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.glyphs.lines import LineFont, render_line
from chainrule.io.checks import one_of
from chainrule.reader.lines.texts import words

Picture = NDArray[np.uint8]
Rng = np.random.Generator

SIZE = (1754, 1240)  # pixels, height and width: A4 at 150 an inch
_MARGIN, _GUTTER = 110, 50
_PITCH = 42  # from line to line
_TITLE = 1.6  # times as large as the text


def rendered_page(kind: str, fonts: Sequence[LineFont], rng: Rng) -> tuple[Picture, str]:
    """A page of one of KINDS in one of the fonts that are held out, and its text in order.

    A title and paragraphs of sentences, whose words are held out from training. Raises InputError
    for another kind, or if no font is held out.
    """
    held = [font for font in fonts if font.validation]
    if not held:
        raise InputError("none of the fonts is held out; expected fonts of a second family")
    columns, degraded = KINDS[one_of("--kind", kind, KINDS)]
    page, text = _set(held[rng.integers(len(held))], columns, rng)
    seen: Picture = degraded(page, rng)
    return seen, text


def _set(font: LineFont, columns: int, rng: Rng) -> tuple[Picture, str]:
    page = np.full(SIZE, 255, np.uint8)
    height, width = SIZE
    title = " ".join(_sentence(rng)[:3]).strip(".,")
    drawn = render_line(font, title).image
    large = cv2.resize(drawn, None, fx=_TITLE, fy=_TITLE, interpolation=cv2.INTER_CUBIC)
    _lay(page, np.asarray(large, np.uint8), _MARGIN, _MARGIN)
    texts = [title]
    across = (width - 2 * _MARGIN - (columns - 1) * _GUTTER) // columns
    for column in range(columns):
        left, top = _MARGIN + column * (across + _GUTTER), _MARGIN + 2 * _PITCH + _PITCH // 2
        while top < height - _MARGIN - _PITCH:
            for line in _wrapped(font, _paragraph(rng), across):
                if top >= height - _MARGIN - _PITCH:
                    break
                _lay(page, line[0], left, top)
                texts.append(line[1])
                top += _PITCH
            top += _PITCH // 2
    return page, "\n".join(texts)


def _wrapped(font: LineFont, text: Sequence[str], across: int) -> list[tuple[Picture, str]]:
    """The words in lines that are at most so wide."""
    lines: list[tuple[Picture, str]] = []
    open_line = ""
    for word in text:
        longer = f"{open_line} {word}".strip()
        if open_line and render_line(font, longer).image.shape[1] > across:
            lines.append((render_line(font, open_line).image, open_line))
            longer = word
        open_line = longer
    return [*lines, (render_line(font, open_line).image, open_line)]


def _lay(page: Picture, drawn: Picture, left: int, top: int) -> None:
    height, width = drawn.shape
    part = page[top : top + height, left : left + width]
    np.minimum(part, drawn[: part.shape[0], : part.shape[1]], out=part)


def _paragraph(rng: Rng) -> list[str]:
    return [word for _ in range(rng.integers(2, 6)) for word in _sentence(rng)]


def _sentence(rng: Rng) -> list[str]:
    """Held-out words with a capital, commas, a number now and then, and a mark at the end."""
    known = words(True)
    found = [known[rng.integers(len(known))] for _ in range(rng.integers(5, 16))]
    for place in range(1, len(found) - 1):
        chance = rng.random()
        if chance < 0.06:
            found[place] = str(rng.integers(2000))
        elif chance < 0.12:
            found[place] = found[place].capitalize()
        if rng.random() < 0.1:
            found[place] += ","
    return [found[0].capitalize(), *found[1:-1], found[-1] + "...?!"[rng.integers(5)]]


def _as_it_is(page: Picture, rng: Rng) -> Picture:
    return page


def _turned(page: Picture, rng: Rng) -> Picture:
    """By one to three degrees, either way."""
    degrees = rng.uniform(1, 3) * rng.choice([-1, 1])
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(degrees), 1.0)
    turned = cv2.warpAffine(page, matrix, (width, height), borderValue=255)
    return np.asarray(turned, np.uint8)


def _shadowed(page: Picture, rng: Rng) -> Picture:
    """Light from one side, a dark band over a corner, blur and noise, as a telephone's."""
    height, width = page.shape
    y, x = np.mgrid[0:height, 0:width]
    light = 1 - 0.45 * x / width if rng.random() < 0.5 else 0.55 + 0.45 * x / width
    edge = x / width + y / height - rng.uniform(0.9, 1.3)
    light = light * np.where(edge > 0, 1 - 0.35 * np.clip(edge * 12, 0, 1), 1)
    grey = cv2.GaussianBlur(page, (0, 0), 0.7) * light + rng.normal(0, 4, page.shape)
    return np.asarray(np.clip(grey, 0, 255), np.uint8)


def _small(page: Picture, rng: Rng) -> Picture:
    """As on a screen: half as large."""
    small = cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


KINDS: dict[str, tuple[int, Callable[[Picture, Rng], Picture]]] = {
    "one-column": (1, _as_it_is),
    "two-columns": (2, _as_it_is),
    "turned": (1, _turned),
    "shadow": (1, _shadowed),
    "small": (1, _small),
}
"""How many columns a page has, and what is done to it then."""
