"""Reading a page: its lines in order, and each character's place in the page."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chainrule.reader.line import Character, Line, no_line, together
from chainrule.reader.picture.opening import Grey
from chainrule.reader.picture.page_lines import page_lines
from chainrule.reader.reader import Reader

LEAST = 0.02  # the confidence under which a line is no text but a blot, unless
LETTERS, SURE = 3, 0.8  # so many characters, whose mean confidence is so high, were read in it
SHARE = 0.2  # of what looks like lines such ones are on a page of text
"""In a long line in a script some letter is nearly always in doubt, so that the line's confidence,
that all of it is right, is next to nothing though most of it is read. On forty photographs at most
0.07 of what looks like lines was such a line, on pages of text at least 0.9."""


def read_page(reader: Reader, page: Grey, *, beam_width: int | None = None) -> Line:
    """Read a grey page (height, width) of one column or several, at a slope of up to 6 degrees.

    The answer has the page's lines, from above and column by column, with the characters' boxes in
    the page; or the reason why there are none, as in a photograph or a page of handwriting.
    """
    found = page_lines(page)
    lines = [
        _placed(line, one.back, page.shape)
        for line, one in zip(
            reader.read([one.picture for one in found], beam_width=beam_width), found, strict=True
        )
        if line.text and (line.confidence >= LEAST or _is_sure(line))
    ]
    if not found or sum(map(_is_sure, lines)) < SHARE * len(found):
        return no_line("no line that can be read: nothing in it is surely text")
    return together(lines)


def _is_sure(line: Line) -> bool:
    sure = [one.confidence for one in line.characters if one.character != " "]
    return len(sure) >= LETTERS and float(np.mean(sure)) >= SURE


def line_box(line: Line) -> tuple[int, int, int, int]:
    """The box of a line with characters: left, top, right, bottom; right and bottom outside."""
    boxes = np.array([one.box for one in line.characters if one.character != " "])
    left, top = boxes[:, :2].min(0).tolist()
    right, bottom = boxes[:, 2:].max(0).tolist()
    return left, top, right, bottom


def words(line: Line) -> list[Line]:
    """The words of a line, each with its characters."""
    found: list[list[Character]] = [[]]
    for one in line.characters:
        if one.character == " ":
            found.append([])
        else:
            found[-1].append(one)
    return [
        Line("".join(one.character for one in word), tuple(word), None, line.confidence)
        for word in found
        if word
    ]


def _placed(line: Line, back: NDArray[np.float64], shape: tuple[int, ...]) -> Line:
    """The line with its characters' boxes in the page, by the matrix (2, 3) from its own places."""
    characters = []
    height, width = shape
    for one in line.characters:
        left, top, right, bottom = one.box
        corners = np.array([[left, right, left, right], [top, top, bottom, bottom], [1, 1, 1, 1]])
        x, y = np.rint(back @ corners).astype(int)
        box = (
            int(np.clip(x.min(), 0, width - 1)),
            int(np.clip(y.min(), 0, height - 1)),
            int(np.clip(x.max(), 1, width)),
            int(np.clip(y.max(), 1, height)),
        )
        characters.append(replace(one, box=box))
    return replace(line, characters=tuple(characters), lines=())
