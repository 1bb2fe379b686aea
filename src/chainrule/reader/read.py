"""Reading pictures of lines: a reader, its file, and what it finds."""

import os
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.chain import Chain, load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.glyphs.lines import Line
from chainrule.precision import best_precision, multiplies_bytes
from chainrule.reader.beam import beam, prior
from chainrule.reader.ctc_network import frames, line_network, of_classes
from chainrule.reader.decode import align, greedy
from chainrule.reader.inference import Ranges, ReaderPrecision, ready_network
from chainrule.reader.picture import HEIGHT, Strip, cut_strip
from chainrule.reader.second_look import LOOKS, look_again, most_probable, unsure
from chainrule.reader.text_model import TextModel, text_model

KIND = "line reader"
ALTERNATIVES = 3  # of a character, beside the one that was read
BEAM_WIDTH = 8  # prefixes, where there is a dictionary
BATCH = 32  # strips that go through the network together
_COLUMNS, _LINES = 32, (1, LOOKS, 8, 16, 24, BATCH)
"""A batch has a multiple of these columns, and one of these numbers of lines: shapes that were not
there before take the library time to prepare for."""
_PREPARED = 1024  # columns, at most
_APART = 1.5  # lines in a batch differ in width by at most this factor
_FRAME = 2  # columns of the strip


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
class ReadLine:
    """What was read in one picture."""

    text: str
    characters: tuple[Character, ...]


class Reader:
    """A network for lines, its parameters and the alphabet whose characters are its classes.

    Class 0 is the blank, class i the i-th character. `between` (share, offset): a character that is
    named at column a of the strip ends near a + share (b - a) + offset if the next one is named at
    b. The loss leaves to the network where in a character it names it: `measured_between` finds
    out. ranges: what the layers' outputs stay below, as `measured_ranges` finds out. precision: of
    the network when it reads; by default the one that is fastest here, bytes only with `ranges`.
    Raises InputError if they don't fit.
    """

    def __init__(
        self,
        chain: Chain,
        parameters: dict[str, Tensor],
        alphabet: str,
        between: tuple[float, float] = (0.5, 0.0),
        ranges: Ranges | None = None,
        precision: ReaderPrecision | None = None,
    ) -> None:
        expected = line_network(len(alphabet) + 1)
        if chain.in_training() != expected.in_training():
            raise InputError(
                f"the network is not one that reads lines of {len(alphabet)} characters; expected "
                "that of `line_network`"
            )
        self.chain, self.alphabet, self.between = chain.in_inference(), alphabet, between
        self.parameters = {name: value.float() for name, value in parameters.items()}
        self.ranges = ranges
        fastest = "int8" if ranges and multiplies_bytes() else best_precision()
        self.precision: ReaderPrecision = precision or fastest
        self._network = ready_network(self.chain, self.parameters, self.precision, ranges)
        self._model: TextModel | None = None

    def limited(self, alphabet: str) -> "Reader":
        """A reader of texts of these characters and spaces only, without a dictionary.

        Raises InputError if it does not read one.
        """
        unread = [character for character in alphabet if character not in self.alphabet]
        if unread:
            raise InputError(
                f"the model does not read {unread[0]!r} of the alphabet; it reads {self.alphabet!r}"
            )
        kept = "".join(c for c in self.alphabet if c == " " or c in alphabet)
        parameters = self.parameters | {
            name: of_classes(
                self.parameters[name], [0, *(self.alphabet.index(c) + 1 for c in kept)]
            )
            for name in ("scores.weight", "scores.bias")
        }
        network = line_network(len(kept) + 1)
        return Reader(network, parameters, kept, self.between, self.ranges, self.precision)

    def with_words(self, words: Iterable[str] | None = None) -> "Reader":
        """The same reader, which finds words of a dictionary more probable than other strings.

        words: English ones if None. Digits and the like are read as without: see `TextModel`.
        """
        reader = copy(self)
        reader._model = text_model(self.alphabet, words)
        return reader

    def texts(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        names: Sequence[str] | None = None,
        beam_width: int | None = None,
    ) -> list[str]:
        """The texts of grey pictures (height, width) of one line each: `read` without the boxes."""
        strips = _strips(pictures, names)
        seen = zip(pictures, strips, self.log_probabilities(strips), strict=True)
        return [self._spelled(self._labels(*one, beam_width)) for one in seen]

    def read(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        names: Sequence[str] | None = None,
        beam_width: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[ReadLine]:
        """Read grey pictures (height, width), any size, dark on light or light on dark.

        beam_width: how many prefixes the search for the most probable text keeps; 1 takes the best
        path, without the dictionary. By default BEAM_WIDTH with a dictionary, else 1. Raises
        InputError, with the picture's name, for one without text.
        """
        strips = _strips(pictures, names)
        found = []
        for done, (strip, log_p) in enumerate(
            zip(strips, self.log_probabilities(strips), strict=True), 1
        ):
            picture = pictures[done - 1]
            labels = self._labels(picture, strip, log_p, beam_width)
            found.append(self._line(strip, log_p, labels, picture.shape))
            if progress:
                progress(done, len(strips))
        return found

    def prepare(self) -> None:
        """Have all that is prepared or compiled at its first use be so now, for strips of up to
        _PREPARED columns. A shape that is new takes the library as long as some ten lines."""
        line = np.full((HEIGHT, 2 * HEIGHT), 255, np.uint8)
        line[8:24, 8:56:6] = 0
        self.texts([line])
        for width in range(_COLUMNS, _PREPARED + 1, _COLUMNS):
            strip = np.zeros((HEIGHT, width), np.float32)
            for lines in _LINES:
                self._network.apply([strip] * lines, width)

    def log_probabilities(self, strips: Sequence[Strip]) -> list[NDArray[np.float32]]:
        """The logarithms of the classes' probabilities (K, T) at each frame of each strip."""
        found: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(strips)
        widths = [strip.values.shape[1] for strip in strips]
        for places in _batches(widths):
            widest = max(widths[place] for place in places)
            values = [strips[place].values for place in places]
            lines = next(lines for lines in _LINES if lines >= len(values))
            values += values[:1] * (lines - len(values))  # their scores are dropped
            scores = self._network.apply(values, widest + -widest % _COLUMNS)
            scores = scores[:, :, 0].mT  # by frame, as they lie
            log_p = scores.log_softmax(2).numpy()
            for place, own in zip(places, log_p, strict=False):
                found[place] = own[: frames(widths[place])].T
        return found

    def _labels(
        self,
        picture: NDArray[np.uint8],
        strip: Strip,
        log_p: NDArray[np.float32],
        beam_width: int | None,
    ) -> list[int]:
        width = beam_width or (1 if self._model is None else BEAM_WIDTH)
        first = self._found(log_p, width)
        again = look_again(picture, strip) if unsure(log_p) else []
        if not again:
            return first
        looks = [log_p, *self.log_probabilities(again)]
        others = [self._found(look, width) for look in looks[1:]]
        model = self._model if width > 1 else None

        def of_text(labels: Sequence[int]) -> float:
            return prior(model, self._spelled(labels), self.alphabet) if model else 0.0

        return most_probable([first, *others], looks, of_text)

    def _found(self, log_p: NDArray[np.float32], width: int) -> list[int]:
        return greedy(log_p) if width == 1 else beam(log_p, width, model=self._model)

    def _spelled(self, labels: Sequence[int]) -> str:
        return "".join(self.alphabet[label - 1] for label in labels)

    def _line(
        self, strip: Strip, log_p: NDArray[np.float32], labels: list[int], shape: tuple[int, ...]
    ) -> ReadLine:
        spans = align(log_p, labels)
        cells = _cells(strip, spans, self.between)
        boxes = [
            _box(strip, cell, shape, self.alphabet[label - 1] != " ")
            for label, cell in zip(labels, cells, strict=True)
        ]
        characters = []
        for label, (first, last), box in zip(labels, spans, boxes, strict=True):
            at = np.exp(log_p[:, first + int(log_p[label, first:last].argmax())])
            others = [k for k in np.argsort(-at) if k not in (0, label)][:ALTERNATIVES]
            characters.append(
                Character(
                    self.alphabet[label - 1],
                    box,
                    float(at[label]),
                    tuple((self.alphabet[k - 1], float(at[k])) for k in others),
                )
            )
        return ReadLine(self._spelled(labels), tuple(characters))


def load_reader(path: str | os.PathLike[str] | None = None) -> Reader:
    """Read a reader's file, or, without a path, the package's own (printable ASCII).

    Raises FileError if it cannot be read, is cut off or is no reader of lines.
    """
    if path is None:
        with as_file(files("chainrule.reader") / "data" / "reader.safetensors") as shipped:
            return load_reader(shipped)
    chain, parameters, metadata = load_chain(path)
    alphabet = metadata.get("alphabet")
    if metadata.get("kind") != KIND or not isinstance(alphabet, str):
        raise FileError(
            f"{path} holds {metadata.get('kind', 'another network')}; expected a {KIND}, as "
            "`chainrule reader train --fonts` writes it"
        )
    try:
        share, offset = metadata["between"]
        between = float(share), float(offset)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"{path} has {metadata.get('between')!r} under 'between'; expected two numbers"
        ) from error
    try:
        return Reader(chain, parameters, alphabet, between, metadata.get("ranges"))
    except InputError as error:
        raise FileError(f"{path}: {error}") from error


def save_reader(path: str | os.PathLike[str], reader: Reader) -> None:
    """Write a reader, its parameters in float16. Raises FileError."""
    halves = {name: value.half() for name, value in reader.parameters.items()}
    save_chain(
        path,
        reader.chain,
        halves,
        {
            "kind": KIND,
            "alphabet": reader.alphabet,
            "between": list(reader.between),
            "ranges": reader.ranges and dict(reader.ranges),
        },
    )


def measured_between(reader: Reader, lines: Sequence[Line]) -> tuple[float, float]:
    """Where one character ends and the next begins, from where both are named: see `Reader`.

    Least squares over the neighbours in lines whose boxes are known, spaces left out.
    """
    strips = [cut_strip(line.image) for line in lines]
    place = {character: number for number, character in enumerate(reader.alphabet, 1)}
    ways, borders = [], []
    for line, strip, log_p in zip(lines, strips, reader.log_probabilities(strips), strict=True):
        named = _named(align(log_p, [place[character] for character in line.text]))
        for i, (one, other) in enumerate(pairwise(line.boxes)):
            if " " not in line.text[i : i + 2]:
                border = ((one[2] + other[0]) / 2 - strip.left) * strip.scale_x
                ways.append((named[i + 1] - named[i], 1.0))
                borders.append(border - named[i])
    share, offset = np.linalg.lstsq(np.array(ways), np.array(borders))[0]
    return float(share), float(offset)


def _strips(pictures: Sequence[NDArray[np.uint8]], names: Sequence[str] | None) -> list[Strip]:
    if names is None:
        names = [f"picture {number}" for number in range(1, len(pictures) + 1)]
    return [cut_strip(picture, name=name) for picture, name in zip(pictures, names, strict=True)]


def _batches(widths: Sequence[int]) -> list[list[int]]:
    """The places of the strips in batches of about the same width."""
    batches: list[list[int]] = []
    for place in np.argsort(widths, kind="stable").tolist():
        first = batches[-1] if batches else []
        if first and len(first) < BATCH and widths[place] <= _APART * widths[first[0]]:
            first.append(place)
        else:
            batches.append([place])
    return batches


def _named(spans: Sequence[tuple[int, int]]) -> list[float]:
    """The columns in the middle of the frames of each character."""
    return [(first + last) / 2 * _FRAME for first, last in spans]


def _cells(
    strip: Strip, spans: list[tuple[int, int]], between: tuple[float, float]
) -> list[tuple[float, float]]:
    """The columns of the strip that belong to each character: from one column with the least ink
    about where two characters should meet to the next."""
    width = strip.values.shape[1]
    ink = strip.values.clip(0).sum(0)
    share, offset = between
    borders = [
        _least(ink, one + share * (other - one) + offset, (other - one) / 4)
        for one, other in pairwise(_named(spans))
    ]
    return list(pairwise([0.0, *borders, float(width)]))


def _least(ink: NDArray[np.float32], about: float, reach: float) -> float:
    first = int(np.clip(about - reach, 0, len(ink) - 1))
    last = int(np.clip(about + reach, first, len(ink) - 1)) + 1
    window = ink[first:last]
    # of several alike, the nearest
    score = window + 1e-3 * np.abs(np.arange(first, last) + 0.5 - about)
    return first + float(score.argmin()) + 0.5


def _box(
    strip: Strip, cell: tuple[float, float], shape: tuple[int, ...], inked: bool
) -> tuple[int, int, int, int]:
    """The ink in a cell (for a space the columns without), in the picture's pixels.

    All of the cell, if there is nothing of the kind.
    """
    first = int(cell[0])
    last = max(int(cell[1]), first + 1)
    mask = strip.values[:, first:last] > 0.35
    rows = np.flatnonzero(mask.any(1)) if inked else np.empty(0, np.intp)
    columns = np.flatnonzero(mask.any(0) == inked)
    if not rows.size:
        rows = np.arange(strip.values.shape[0])
    if not columns.size:
        columns = np.arange(last - first)
    left = strip.left + (first + columns[0]) / strip.scale_x
    right = strip.left + (first + columns[-1] + 1) / strip.scale_x
    top = strip.top + rows[0] / strip.scale_y
    bottom = strip.top + (rows[-1] + 1) / strip.scale_y
    height, width = shape
    return (
        int(np.clip(round(left), 0, width - 1)),
        int(np.clip(round(top), 0, height - 1)),
        int(np.clip(round(right), 1, width)),
        int(np.clip(round(bottom), 1, height)),
    )
