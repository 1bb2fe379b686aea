"""Two readers, one after the other: a small one reads all, a larger one what leaves it in doubt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chainrule.reader.confidence import SURE
from chainrule.reader.line import Line, Recognized
from chainrule.reader.picture.opening import Grey
from chainrule.reader.picture.views import TALL
from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.lexicon import Lexicon
from chainrule.reader.search.rescoring import Likelihoods, prior

SHORT = 3  # characters: so few have no neighbours by which `first` would notice its errors

UNLIKELY = 0.5
"""The confidence below which the first reader's line is no text where the second reads none."""


@dataclass(frozen=True)
class Answered:
    """A reader's answer to a picture, and where that is one line, what it saw there: log_p (K, T)
    of each crop."""

    line: Line
    crops: tuple[LogP, ...] = ()

    @classmethod
    def of(cls, line: Line, found: Sequence[Recognized]) -> "Answered":
        """With what was recognized: the crops of one line."""
        if len(found) != 1:
            return cls(line)
        (one,) = found
        return cls(line, (one.log_p, *(more.log_p for more in one.again)))


Answer = Callable[[Sequence[Grey]], list[Answered]]
Again = Callable[[Sequence[Grey], Sequence[Line]], list[Answered]]
"""The answers to pictures, by one who knows what the first reader read in each."""
Likelier = Callable[[Answered, Answered], bool | None]
"""Whether the second's text is the likelier by what both saw; None if that cannot be told."""
Doubt = Literal["unsure", "tall", "short", "accent"]
Decided = Literal["no text", "the second", "surer", "both"]


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


def in_turn(
    first: Answer, second: Again, closer: Answer, likelier: Likelier, pictures: Sequence[Grey]
) -> list[Line]:
    """What `first` reads in each picture, or, where there is a `doubt`, `second`, if that is at
    least as confident; so both must have calibrated confidences. Where both read a text and not
    the same, the first looks `closer`, and what is `likelier` by what both saw stays. Accents and
    SHORT texts are the second's, and where it finds no text, what the first is UNLIKELY to have
    read is none.

    Source: Viola and Jones, Rapid object detection using a boosted cascade of simple features,
    2001.
    """
    answers = first(pictures)
    doubted = [
        place
        for place, (answer, picture) in enumerate(zip(answers, pictures, strict=True))
        if doubt(answer.line, picture)
    ]
    again = second([pictures[i] for i in doubted], [answers[i].line for i in doubted])
    seconds = dict(zip(doubted, again, strict=True))
    apart = [i for i, two in seconds.items() if decided_by(answers[i].line, two.line) == "both"]
    for i, answer in zip(apart, closer([pictures[i] for i in apart]), strict=True):
        if answer.line.text and not _left(answer.line):
            answers[i] = answer
    for i, answer in seconds.items():
        if _second_stays(answers[i], answer, likelier):
            answers[i] = answer
    return [answer.line for answer in answers]


def _second_stays(first: Answered, second: Answered, likelier: Likelier) -> bool:
    one, two = first.line, second.line
    by = decided_by(one, two)
    if by == "no text":
        return one.confidence < UNLIKELY
    if by == "the second":
        return True
    by_both = likelier(first, second) if by == "both" else None
    return two.confidence >= one.confidence if by_both is None else by_both


def decided_by(first: Line, second: Line) -> Decided:
    """What decides between two answers: that the second has "no text", that "the second" tells
    such texts apart or is the only one with a text, which is the "surer" of two that are the same,
    or what "both" saw."""
    if not second.text:
        return "no text"
    if not first.text or _left(first):
        return "the second"
    return "surer" if first.text == second.text else "both"


def likelier_by_both(
    alphabets: tuple[str, str], words: Lexicon | None, first: Answered, second: Answered
) -> bool | None:
    r"""Whether the second's text l has at least as great a

        1/2 log P(l | first) + 1/2 log P(l | second) + prior(l)

    as the first's: the mean log P(l | frames) over the crops that each reader saw, and the `prior`
    of the `words`, which are the second reader's. None where one saw no line or several, or its
    alphabet lacks a character.

    Chosen on lines in fonts that neither learned (Debian's fonts-aenigma), where it leaves half of
    the errors that the surer answer has, in training fonts, and on the development half of real
    lines; shares of 0.3 to 0.6 for the first do as well.
    """
    texts = [first.line.text, second.line.text]
    known = set.intersection(*map(set, alphabets))
    if not (first.crops and second.crops and set("".join(texts)) <= known):
        return None
    of_first, of_second = (
        [[own.index(c) + 1 for c in text] for text in texts] for own in alphabets
    )
    scores = 0.5 * np.add(
        Likelihoods(first.crops).means(of_first), Likelihoods(second.crops).means(of_second)
    )
    if words is not None:
        scores += [prior(labels, words) for labels in of_second]
    return bool(scores[1] >= scores[0])


def _left(line: Line) -> bool:
    """Whether what the first reads is the second's to tell, however sure both are."""
    return len(line.text) <= SHORT or _accented(line)


def _accented(line: Line) -> bool:
    return any(c.isalpha() and not c.isascii() for c in line.text)
