"""Two readers, one after the other: a small one reads all, a larger one what leaves it in doubt."""

from collections.abc import Callable, Sequence
from typing import Literal

from chainrule.reader.confidence import SURE
from chainrule.reader.line import Line
from chainrule.reader.picture.opening import Grey
from chainrule.reader.picture.views import TALL

SHORT = 3  # characters: so few have no neighbours by which `first` would notice its errors

UNLIKELY = 0.5
"""The confidence below which the first reader's line is no text where the second reads none."""

Answer = Callable[[Sequence[Grey]], list[Line]]
Again = Callable[[Sequence[Grey], Sequence[Line]], list[Line]]
"""The answers to pictures, by one who knows what the first reader read in each."""
Doubt = Literal["unsure", "tall", "short", "accent"]


def doubt(line: Line, picture: Grey) -> Doubt | None:
    """Why the second reader is asked about what the first read in a picture; None if it is not.

    That is less than SURE, or it may be a line that runs up or down ("tall"), a "short" number as
    on a drum counter, or holds an "accent": these the second tells apart.
    """
    if line.confidence < SURE:
        return "unsure"
    if picture.shape[0] > TALL * picture.shape[1]:
        return "tall"
    if line.text.isdecimal() and len(line.text) <= SHORT:
        return "short"
    return "accent" if _accented(line) else None


def in_turn(first: Answer, second: Again, pictures: Sequence[Grey]) -> list[Line]:
    """What `first` reads in each picture, or, where there is a `doubt`, `second`, if that is at
    least as confident; so both must have calibrated confidences. Accents and SHORT texts are the
    second's, and where it finds no text, what the first is UNLIKELY to have read is none.

    Source: Viola and Jones, Rapid object detection using a boosted cascade of simple features,
    2001.
    """
    lines = first(pictures)
    doubted = [
        place
        for place, (line, picture) in enumerate(zip(lines, pictures, strict=True))
        if doubt(line, picture)
    ]
    again = second([pictures[place] for place in doubted], [lines[place] for place in doubted])
    for place, line in zip(doubted, again, strict=True):
        before = lines[place]
        none = not line.text and before.confidence < UNLIKELY
        if none or line.confidence >= before.confidence or (line.text and _left(before)):
            lines[place] = line
    return lines


def _left(line: Line) -> bool:
    """Whether what the first reads is the second's to tell, however sure both are."""
    return len(line.text) <= SHORT or _accented(line)


def _accented(line: Line) -> bool:
    return any(c.isalpha() and not c.isascii() for c in line.text)
