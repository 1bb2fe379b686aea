"""What is read in a picture of a line: the text, and each character with its box."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.reader.confidence import Calibration, confidence
from chainrule.reader.picture.character_boxes import cells, ink_boxes
from chainrule.reader.picture.line_image import Crop
from chainrule.reader.search.best_path import align
from chainrule.reader.search.rescoring import log_likelihoods

ALTERNATIVES = 3  # of a character, beside the one that was read


@dataclass(frozen=True)
class Character:
    """A character that was read, its box in the picture's pixels, and how sure that is.

    box: left, top, right, bottom; right and bottom outside. confidence: the probability of the
    character at its best frame. alternatives: the next characters there with theirs.
    """

    character: str
    box: tuple[int, int, int, int]
    confidence: float
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Line:
    """What was read in one picture; where that is nothing, the reason.

    confidence: the probability that all of the text is right, from 0 to 1: of real lines over 0.9
    nearly all are (`chainrule.reader.confidence`). lines: where there are
    several below each other, each; then the text has them in order, with line feeds between, and
    the characters are those of all of them.
    """

    text: str
    characters: tuple[Character, ...]
    reason: str | None = None
    confidence: float = 0.0
    lines: tuple["Line", ...] = ()

    @property
    def each(self) -> tuple["Line", ...]:
        """Every line of the picture: several, this one, or none."""
        return self.lines or ((self,) if self.text else ())


@dataclass(frozen=True)
class Recognized:
    """A crop as the network sees it, log_p (K, T), and the labels read from that.

    plain: those of the best path, in which no dictionary has a say.
    again: what was read in augmented crops of a doubtful line, before all were compared.
    """

    crop: Crop
    log_p: NDArray[np.float32]
    labels: list[int]
    plain: list[int]
    again: "tuple[Recognized, ...]" = ()

    @cached_property
    def seen(self) -> float:
        """log P(labels | frames)."""
        return log_likelihoods(self.log_p, [self.labels])[0]

    @property
    def plain_seen(self) -> float:
        """The mean of log P(plain | frames) over this crop and the augmented ones."""
        first = replace(self, labels=self.plain) if self.plain != self.labels else self
        more = [log_likelihoods(one.log_p, [self.plain])[0] for one in self.again]
        return (first.seen + sum(more)) / (1 + len(more))


def no_line(reason: str) -> Line:
    """The answer for a picture in which nothing is read."""
    return Line("", (), reason)


def together(lines: Sequence[Line]) -> Line:
    """Lines below each other as one answer: no surer than the least sure of them."""
    read = [line for line in lines if line.text]
    if len(read) < 2:
        return read[0] if read else lines[0]
    return Line(
        "\n".join(line.text for line in read),
        tuple(character for line in read for character in line.characters),
        None,
        min(line.confidence for line in read),
        tuple(read),
    )


def spelled_line(found: Recognized, alphabet: str, calibration: Calibration) -> Line:
    """A line without its characters."""
    text = spelled(found.labels, alphabet)
    if not text.strip():
        return no_line("no text: no character is found in it")
    return Line(text, (), None, confidence(found.seen, len(found.labels), calibration))


def located(
    line: Line,
    found: Recognized,
    alphabet: str,
    between: tuple[float, float],
    shape: tuple[int, ...],
) -> Line:
    """The line with its characters and their boxes in a picture of this shape."""
    if not line.text:
        return line
    spans = align(found.log_p, found.labels)
    inked = [character != " " for character in line.text]
    boxes = ink_boxes(found.crop, cells(found.crop, spans, between), shape, inked)
    surest = [
        first + int(found.log_p[label, first:last].argmax())
        for label, (first, last) in zip(found.labels, spans, strict=True)
    ]
    classes = np.exp(found.log_p[:, surest].T)  # (characters, K)
    count = min(ALTERNATIVES + 2, classes.shape[1])  # the character itself and the blank among them
    best = np.argpartition(-classes, count - 1, axis=1)[:, :count]
    order = np.take_along_axis(-classes, best, 1).argsort(1)
    characters = []
    for label, box, p, some in zip(
        found.labels, boxes, classes, np.take_along_axis(best, order, 1).tolist(), strict=True
    ):
        others = [k for k in some if k not in (0, label)][:ALTERNATIVES]
        alternatives = tuple((alphabet[k - 1], float(p[k])) for k in others)
        characters.append(Character(alphabet[label - 1], box, float(p[label]), alternatives))
    return replace(line, characters=tuple(characters))


def spelled(labels: Sequence[int], alphabet: str) -> str:
    """The text of labels: 1 is the alphabet's first character."""
    return "".join([alphabet[label - 1] for label in labels])
