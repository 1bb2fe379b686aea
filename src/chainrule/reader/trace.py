"""How a line was read: what each reader saw in it, frame by frame, and what decided on its text.

It is `Reader.read`'s own work, told: the same crops, the same scores, the same choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, zip_longest

import numpy as np
from numpy.typing import NDArray

from chainrule.io.pictures import PictureSource
from chainrule.reader.cascade import Again, Answered, Doubt, doubt, in_turn
from chainrule.reader.line import Line, Recognized
from chainrule.reader.picture.line_image import HEIGHT, Crop
from chainrule.reader.picture.opening import Grey, open_grey
from chainrule.reader.reader import BEAM_WIDTH, Reader
from chainrule.reader.search.best_path import align, greedy
from chainrule.reader.search.prefix_search import (
    Prefix,
    SearchSettings,
    kept_prefixes,
    prefix_search,
)
from chainrule.reader.search.prose import with_prose
from chainrule.reader.search.rescoring import Likelihoods, found_by_words, near, prior
from chainrule.reader.search.spacing import without_stray_spaces

BEST = 5  # classes of a character that are told


@dataclass(frozen=True)
class TracedCharacter:
    """A character of the text, its frames (first, last + 1), and the one where it is surest.

    best: the most probable classes there with their probabilities, "" for the blank. path: what
    the best path, without a dictionary, has in its place.
    """

    character: str
    box: tuple[int, int, int, int]
    frames: tuple[int, int]
    surest: int
    best: tuple[tuple[str, float], ...]
    path: str


@dataclass(frozen=True)
class Reading:
    """A text that was considered. how: "path", "search" (with the dictionary), "again" (in another
    crop), or "words" (by a search in which the dictionary counts twice).

    seen: log P(text | frames), the mean over the crops; words: what is added for the dictionary
    before readings are compared, 0 where the line was read once. kept: whether it is the text that
    was taken.
    """

    how: str
    text: str
    seen: float
    words: float
    kept: bool


@dataclass(frozen=True)
class TracedLine:
    """One line of a picture: what the network saw, log_p (K, T), and what was made of it.

    path: the most probable class of each frame, "" for the blank. crops: in how many crops it was
    read. readings: the texts that were considered, each once. spaces: whether blanks that nobody
    writes were taken out at the end.
    """

    line: Line
    crop: Crop
    log_p: NDArray[np.float32]
    path: tuple[str, ...]
    characters: tuple[TracedCharacter, ...]
    crops: int
    readings: tuple[Reading, ...]
    spaces: bool


@dataclass(frozen=True)
class ReaderTrace:
    """What one reader read in a picture."""

    reader: Reader
    line: Line
    lines: tuple[TracedLine, ...]

    @cached_property
    def field(self) -> int:
        """How many columns of the crop a frame depends on; those of frame t lie around column
        4 (t // 2)."""
        rows = self.reader.chain.summary((1, 1, HEIGHT, 10 * HEIGHT)).rows
        seen = next(row.receptive_field for row in rows if row.layer == "scores")
        assert seen is not None
        return int(seen.size[1])


@dataclass(frozen=True)
class Trace:
    """What was read in a picture: by each reader that was asked, in turn, and whose answer stayed.

    read: exactly what `Reader.read` answers. doubt: why the cascade's second reader was asked; its
    first may have looked closer since, and have become sure.
    """

    picture: Grey
    readers: tuple[ReaderTrace, ...]
    kept: int
    doubt: Doubt | None

    @property
    def read(self) -> Line:
        """The answer."""
        return self.readers[self.kept].line


def trace(reader: Reader, picture: PictureSource) -> Trace:
    """Read a picture of a line, and tell how. Raises FileError, InputError as `open_grey` does."""
    grey = open_grey(picture)
    told: list[tuple[int, ReaderTrace]] = []  # in which turn; in the first the picture may be twice

    def asked(turn: int, own: Reader, views: bool, closer: bool = False) -> Again:
        def answer(pictures: Sequence[Grey], before: Sequence[Line]) -> list[Answered]:
            answers = []
            for one, known in zip_longest(pictures, before):
                line, each = own.seen(one, views=views, closer=closer, before=known)
                traced = tuple(_traced(own, *pair) for pair in each)
                told.append((turn, ReaderTrace(own, line, traced)))
                answers.append(Answered.of(line, [recognized for _, recognized in each]))
            return answers

        return answer

    if reader.first is None:
        read = asked(0, reader, True)([grey], [])[0].line
    else:
        quick, closer = (asked(0, reader.first, False, closer) for closer in (False, True))
        (read,) = in_turn(
            lambda one: quick(one, []),
            asked(1, reader, True),
            lambda one: closer(one, []),
            reader.likelier,
            [grey],
        )
    by_turn = dict(told) | {turn: one for turn, one in told if one.line is read}
    readers = tuple(by_turn[turn] for turn in sorted(by_turn))
    kept = next(place for place, one in enumerate(readers) if one.line is read)
    return Trace(grey, readers, kept, doubt(told[0][1].line, grey) if reader.first else None)


def beam(reader: Reader, line: TracedLine, frame: int) -> list[tuple[str, Prefix]]:
    """The texts that the search keeps after a frame (from 0) of a line, the best first."""
    width = BEAM_WIDTH if reader.words is not None else 1
    found = kept_prefixes(line.log_p[:, : frame + 1], SearchSettings(width), reader.words)
    return [(_text(reader, prefix.labels), prefix) for prefix in found]


def _traced(reader: Reader, line: Line, found: Recognized) -> TracedLine:
    best = found.log_p.argmax(0)
    readings = _readings(reader, line.text, found)
    return TracedLine(
        line,
        found.crop,
        found.log_p,
        tuple(_character(reader, label) for label in best.tolist()),
        _characters(reader, line, found),
        1 + len(found.again),
        readings,
        line.text not in [reading.text for reading in readings if reading.kept],
    )


def _characters(reader: Reader, line: Line, found: Recognized) -> tuple[TracedCharacter, ...]:
    if not line.text:
        return ()
    spans = align(found.log_p, found.labels)
    borders = [(one[1] + other[0]) / 2 for one, other in pairwise(spans)]
    path = ["" for _ in spans]
    labels = greedy(found.log_p)
    for label, (first, last) in zip(labels, align(found.log_p, labels), strict=True):
        path[int(np.searchsorted(borders, (first + last) / 2))] += _character(reader, label)
    characters = []
    for place, (character, label, (first, last)) in enumerate(
        zip(line.characters, found.labels, spans, strict=True)
    ):
        surest = first + int(found.log_p[label, first:last].argmax())
        at = np.exp(found.log_p[:, surest])
        best = tuple((_character(reader, k), float(at[k])) for k in np.argsort(-at)[:BEST].tolist())
        characters.append(
            TracedCharacter(
                character.character, character.box, (first, last), surest, best, path[place]
            )
        )
    return tuple(characters)


def _readings(reader: Reader, text: str, found: Recognized) -> tuple[Reading, ...]:
    """Each text that was considered, once, by the first way in which it was found."""
    words, crops = reader.words, [found.log_p, *(one.log_p for one in found.again)]
    labels = [("path", greedy(found.log_p))]
    if words is not None:
        settings = SearchSettings(BEAM_WIDTH)
        labels.append(("search", prefix_search(found.log_p, settings, words)))
    labels += [("again", one.labels) for one in found.again]
    if found.again and words is not None:
        worded = with_prose(labels[1][1], labels[0][1], reader.alphabet, words)
        first = near(worded, labels[0][1], Likelihoods(crops[:1]))
        read = [first, *(one.labels for one in found.again)]
        labels += [("words", one) for one in found_by_words(read, crops, words, BEAM_WIDTH)]
    labels.append((labels[-1][0], found.labels))  # of which the dictionary decided on parts alone
    different: dict[tuple[int, ...], str] = {}
    for how, own in labels:
        different.setdefault(tuple(own), how)
    seen = Likelihoods(crops).means(list(different))
    return tuple(
        Reading(
            how,
            _text(reader, own),
            log_p,
            prior(own, words) if found.again and words is not None else 0.0,
            text in (_text(reader, own), _text(reader, without_stray_spaces(own, reader.alphabet))),
        )
        for (own, how), log_p in zip(different.items(), seen, strict=True)
    )


def _text(reader: Reader, labels: Sequence[int]) -> str:
    return "".join(_character(reader, label) for label in labels)


def _character(reader: Reader, label: int) -> str:
    """A class as text; "" is the blank."""
    return reader.alphabet[label - 1] if label else ""
