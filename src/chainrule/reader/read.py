"""Reading pictures of lines: a reader, its file, and what it finds."""

import os
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.chain import Chain, load_chain, save_chain
from chainrule.chain.inference.precision import best_precision, multiplies_bytes
from chainrule.errors import FileError, InputError
from chainrule.io.progress import Progress
from chainrule.reader.batches import BATCH, Each, batches, log_probabilities, prepare
from chainrule.reader.beam import beams
from chainrule.reader.boxes import cells, ink_box
from chainrule.reader.ctc_network import line_network, of_classes
from chainrule.reader.decode import align, greedy
from chainrule.reader.inference import Ranges, ReaderPrecision, ready_network
from chainrule.reader.picture import HEIGHT, NoLine, Strip, cut_strips
from chainrule.reader.second_look import LOOKS, chosen, look_again, sureness, unsure
from chainrule.reader.text_model import TextModel, text_model

_T = TypeVar("_T")

KIND = "line reader"
ALTERNATIVES = 3  # of a character, beside the one that was read
BEAM_WIDTH = 8  # prefixes, where there is a dictionary


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
    """What was read in one picture; where that is nothing, the reason."""

    text: str
    characters: tuple[Character, ...]
    reason: str | None = None


@dataclass(frozen=True)
class _Seen:
    """A line as the network sees it, log_p (K, T), and the labels read from that."""

    strip: Strip
    log_p: NDArray[np.float32]
    labels: list[int]
    unsure: bool


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
        beam_width: int | None = None,
        each: Each = map,
    ) -> list[str]:
        """The texts of grey pictures (height, width) of one line each: `read` without the boxes.

        "" for one in which nothing is read. each: what applies a function to each batch, such as an
        executor's `map`.
        """
        seen = self._see(pictures, beam_width, each)
        return ["" if isinstance(line, NoLine) else self._spelled(line.labels) for line in seen]

    def read(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        beam_width: int | None = None,
        progress: Progress | None = None,
    ) -> list[ReadLine]:
        """Read grey pictures (height, width), any size, dark on light or light on dark.

        beam_width: how many prefixes the search for the most probable text keeps; 1 takes the best
        path, without the dictionary. By default BEAM_WIDTH with a dictionary, else 1. A picture
        in which nothing is read has an empty text and the reason; the others are read all the same.
        """
        found = []
        for picture, line in zip(pictures, self._see(pictures, beam_width, map), strict=True):
            found.append(self._line(line, picture.shape))
            if progress:
                progress(len(found), len(pictures))
        return found

    def prepare(self) -> None:
        """Have all that is prepared or compiled at its first use be so now."""
        line = np.full((HEIGHT, 2 * HEIGHT), 255, np.uint8)
        line[8:24, 8:56:6] = 0
        self.texts([line])
        prepare(self._network)

    def log_probabilities(self, strips: Sequence[Strip]) -> list[NDArray[np.float32]]:
        """The logarithms of the classes' probabilities (K, T) at each frame of each strip."""
        return [line.log_p for line in self._look(strips, 1, None, map)]

    def _see(
        self, pictures: Sequence[NDArray[np.uint8]], beam_width: int | None, each: Each
    ) -> list["_Seen | NoLine"]:
        """What is seen in each picture that has a strip; where that is unsure, after further
        looks."""
        width = beam_width or (1 if self._model is None else BEAM_WIDTH)
        model = self._model if width > 1 else None

        def cut(part: Sequence[int]) -> list[list[Strip] | NoLine]:
            return cut_strips([pictures[i] for i in part])

        def cut_again(part: Sequence[int]) -> list[list[Strip]]:
            return look_again([pictures[i] for i in part], [strips[i] for i in part])

        cuts = _in_parts(cut, range(len(pictures)), BATCH, each)
        strips = {i: cut[0] for i, cut in enumerate(cuts) if not isinstance(cut, NoLine)}
        seen = dict(zip(strips, self._look(list(strips.values()), width, model, each), strict=True))
        doubtful = [i for i, line in seen.items() if line.unsure]
        again = _in_parts(cut_again, doubtful, LOOKS, each)
        others = [strip for line in again for strip in line]
        looks = iter(self._look(others, width, model, each))
        lines = [
            [seen[place], *islice(looks, len(line))]
            for place, line in zip(doubtful, again, strict=True)
        ]
        best = each(
            lambda looks: chosen(
                [look.labels for look in looks], [look.log_p for look in looks], model, width
            ),
            lines,
        )
        for place, labels in zip(doubtful, best, strict=True):
            seen[place] = replace(seen[place], labels=labels)
        return [cut if isinstance(cut, NoLine) else seen[i] for i, cut in enumerate(cuts)]

    def _look(
        self, strips: Sequence[Strip], width: int, model: TextModel | None, each: Each
    ) -> list["_Seen"]:
        parts = batches([strip.values.shape[1] for strip in strips])

        def look(part: Sequence[int]) -> list[_Seen]:
            log_p, frames = log_probabilities(
                self._network, [strips[place].values for place in part]
            )
            own = [line[:count].T for line, count in zip(log_p, frames, strict=True)]
            if width == 1:
                labels = [greedy(line) for line in own]
            else:
                labels = beams(log_p, frames, width, model=model)
            doubtful = [
                unsure(sure, read, model)
                for sure, read in zip(sureness(log_p, frames), labels, strict=True)
            ]
            return list(map(_Seen, [strips[place] for place in part], own, labels, doubtful))

        seen: dict[int, _Seen] = {}
        for part, lines in zip(parts, each(look, parts), strict=True):
            seen |= dict(zip(part, lines, strict=True))
        return [seen[place] for place in range(len(strips))]

    def _spelled(self, labels: Sequence[int]) -> str:
        return "".join([self.alphabet[label - 1] for label in labels])

    def _line(self, line: "_Seen | NoLine", shape: tuple[int, ...]) -> ReadLine:
        if isinstance(line, NoLine):
            return ReadLine("", (), line.reason)
        strip, log_p, labels = line.strip, line.log_p, line.labels
        if not self._spelled(labels).strip():
            return ReadLine("", (), "no text: no character is found in it")
        spans = align(log_p, labels)
        boxes = [
            ink_box(strip, cell, shape, self.alphabet[label - 1] != " ")
            for label, cell in zip(labels, cells(strip, spans, self.between), strict=True)
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


def _in_parts(
    function: Callable[[Sequence[int]], list[_T]], places: Sequence[int], size: int, each: Each
) -> list[_T]:
    parts = [places[first : first + size] for first in range(0, len(places), size)]
    return [one for part in each(function, parts) for one in part]
