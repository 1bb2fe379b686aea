"""The reader of lines: a network, its alphabet, and a dictionary if it is to have one."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.chain import Chain
from chainrule.chain.inference.precision import best_precision, byte_sums
from chainrule.chain.inference.quantized import Ranges
from chainrule.errors import ChainruleError, InputError
from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress
from chainrule.reader.cascade import Answered, Likelier, in_turn, likelier_by_both
from chainrule.reader.confidence import SURE, USUAL, Calibration
from chainrule.reader.line import (
    Line,
    Recognized,
    located,
    no_line,
    spelled_line,
    together,
)
from chainrule.reader.lines.batches import BATCH, Each, prepare
from chainrule.reader.lines.network import line_network, of_classes, size_of
from chainrule.reader.lines.ready import Precision, ready_network
from chainrule.reader.picture.line_image import HEIGHT, Crop, NoLine
from chainrule.reader.picture.opening import Grey, open_grey, several
from chainrule.reader.recognition import Found, Recognizer, Whole, in_parts
from chainrule.reader.search.lexicon import Lexicon, lexicon
from chainrule.reader.search.spacing import without_stray_spaces

BEAM_WIDTH = 8  # prefixes, where there is a dictionary
_TOGETHER = 1024  # pictures whose lines are kept at a time, between which progress is told


class Reader:
    """A network for lines, its parameters and the alphabet whose characters are its classes.

    Class 0 is the blank, class i the i-th character. `between` (share, offset): a character that is
    named at column a of the crop ends near a + share (b - a) + offset if the next one is named at
    b. The loss leaves to the network where in a character it names it: `measured_between` finds
    out. ranges: what the layers' outputs stay below, as `measured_ranges` finds out. precision: of
    the network when it reads; by default the one that is fastest here, bytes only with `ranges`.
    whole: whether it takes pictures whole, and not the box of the ink in them, and how.
    calibration: of its confidence. Raises InputError if they don't fit.
    """

    def __init__(
        self,
        chain: Chain,
        parameters: dict[str, Tensor],
        alphabet: str,
        between: tuple[float, float] = (0.5, 0.0),
        ranges: Ranges | None = None,
        precision: Precision | None = None,
        *,
        whole: Whole | None = None,
        calibration: Calibration = USUAL,
    ) -> None:
        size = size_of(chain)
        if (
            size is None
            or chain.in_training() != line_network(len(alphabet) + 1, size).in_training()
        ):
            raise InputError(
                f"the network is not one that reads lines of {len(alphabet)} characters; expected "
                "that of `line_network`"
            )
        self.size, self.whole, self.calibration = size, whole, calibration
        self.chain, self.alphabet, self.between = chain.in_inference(), alphabet, between
        self.parameters = {name: value.float() for name, value in parameters.items()}
        self.ranges = ranges
        fastest = "int8" if ranges and byte_sums() else best_precision()
        self.precision: Precision = precision or fastest
        self._network = ready_network(self.chain, self.parameters, self.precision, ranges)
        self._words: Lexicon | None = None
        self.first: Reader | None = None

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
        network = line_network(len(kept) + 1, self.size)
        reader = Reader(
            network,
            parameters,
            kept,
            self.between,
            self.ranges,
            self.precision,
            whole=self.whole,
            calibration=self.calibration,
        )
        if self.first is not None and set(alphabet) <= set(self.first.alphabet):
            reader.first = self.first.limited(alphabet)
        return reader

    def with_words(self, words: Iterable[str] | None = None) -> "Reader":
        """The same reader, which finds words of a dictionary more probable than other strings.

        words: English ones if None. Digits and the like are read as without: see `Lexicon`.
        """
        words = None if words is None else list(words)
        reader = self._copy()
        reader._words = lexicon(self.alphabet, words)
        if self.first is not None:
            reader.first = self.first.with_words(words)
        return reader

    def calibrated(self, calibration: Calibration) -> "Reader":
        """The same reader with another calibration of its confidence."""
        reader = self._copy()
        reader.calibration = calibration
        return reader

    def after(self, first: "Reader") -> "Reader":
        """The same reader, which reads again what leaves `first` in doubt: see
        `chainrule.reader.cascade`. Its network, parameters and file are its own."""
        reader = self._copy()
        reader.first = first
        return reader

    def texts(
        self,
        pictures: Iterable[PictureSource],
        *,
        beam_width: int | None = None,
        each: Each = map,
    ) -> list[str]:
        """The texts of pictures of one line each: `read` without the boxes and the reasons.

        each: what applies a function to each batch, such as an executor's `map`.
        """
        opened = list(each(_opened, several(pictures)))
        return [line.text for line in self._lines(opened, _Way(beam_width, each, boxes=False))]

    def read(
        self,
        pictures: Iterable[PictureSource],
        *,
        beam_width: int | None = None,
        progress: Progress | None = None,
    ) -> list[Line]:
        """Read pictures of one line each: any size, dark on light or light on dark, any colours.

        A picture is a path, a picture of Pillow, or an array (height, width) or (height, width,
        channels) of grey, RGB or RGBA, as `chainrule.io.pictures.open_picture` takes it.
        beam_width: how many prefixes the search for the most probable text keeps; 1 takes the best
        path, without the dictionary. By default BEAM_WIDTH with a dictionary, else 1.

        There is a line for every picture, in order. One that cannot be opened, or in which nothing
        is read, has an empty text and the reason; the others are read all the same. Raises
        InputError if `pictures` is one picture instead of several.
        """
        opened = [_opened(source) for source in several(pictures)]
        lines: list[Line] = []
        for start in range(0, len(opened), _TOGETHER):
            lines += self._lines(opened[start : start + _TOGETHER], _Way(beam_width))
            if progress:
                progress(len(lines), len(opened))
        return lines

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: all but the network that is ready to run."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = ready_network(self.chain, self.parameters, self.precision, self.ranges)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the reader (.safetensors), without its dictionary. Raises FileError."""
        from chainrule.reader.model_file import save_reader

        save_reader(path, self)

    def prepare(self, *, all_shapes: bool = True) -> None:
        """Have all that is prepared or compiled at its first use be so now.

        all_shapes: for lines of every length, too, which takes as long as to read a thousand.
        """
        line = np.full((HEIGHT, 2 * HEIGHT), 255, np.uint8)
        line[8:24, 8:56:6] = 0
        self.texts([line])
        if all_shapes:
            prepare(self._network)
        if self.first is not None:
            self.first.prepare(all_shapes=all_shapes)

    def log_probabilities(self, crops: Sequence[Crop]) -> list[NDArray[np.float32]]:
        """The logarithms of the classes' probabilities (K, T) at each frame of each crop."""
        return [line.log_p for line in self._recognizer(_Way(1)).read_crops(crops)]

    def seen(
        self,
        picture: Grey,
        *,
        views: bool = True,
        closer: bool = False,
        before: Line | None = None,
    ) -> tuple[Line, list[tuple[Line, Recognized]]]:
        """What this reader by itself reads in a grey picture, and each line of it with what the
        network saw there; the cascade's reader before it has no say. views: whether a picture that
        is read poorly is looked at in other ways, and not left to another reader. closer: whether
        it is read again where it is uncertain even so. before: what the cascade's first reader
        read in it, if that was asked."""
        way = _Way(views=views, closer=closer)
        lines = [] if before is None else [before]
        (found,) = self._recognizer(way).recognize([picture], before=lines)
        if isinstance(found, NoLine):
            return no_line(found.reason), []
        each = self._each(found, picture.shape, way.boxes)
        return together([line for line, _ in each]), each

    @property
    def words(self) -> Lexicon | None:
        """Its dictionary, if it has one."""
        return self._words

    @property
    def likelier(self) -> Likelier:
        """What decides between the cascade's first reader and this one."""
        assert self.first is not None
        alphabets = self.first.alphabet, self.alphabet
        return partial(likelier_by_both, alphabets, self._words)

    def _copy(self) -> "Reader":
        reader = Reader.__new__(Reader)  # `copy` would make the network ready a second time
        reader.__dict__.update(self.__dict__)
        return reader

    def _lines(self, opened: Sequence[Grey | Line], way: "_Way") -> list[Line]:
        """The line of each picture that could be opened, between those that could not."""
        fit = [picture for picture in opened if not isinstance(picture, Line)]
        if self.first is None:
            found = iter([answer.line for answer in self._answers(way, fit)])
        else:
            quick, closer = (
                partial(self.first._answers, replace(way, views=False, closer=closer))
                for closer in (False, True)
            )
            found = iter(in_turn(quick, partial(self._answers, way), closer, self.likelier, fit))
        return [one if isinstance(one, Line) else next(found) for one in opened]

    def _answers(
        self, way: "_Way", pictures: Sequence[Grey], before: Sequence[Line] = ()
    ) -> list[Answered]:
        """What this reader by itself reads in each picture. before: what another read there."""
        recognizer = self._recognizer(way)

        def answered(part: Sequence[int]) -> list[Line]:
            return [self._line(found[i], pictures[i].shape, way.boxes) for i in part]

        found = recognizer.recognize(pictures, way.each, before)
        lines = in_parts(answered, range(len(pictures)), BATCH, way.each)
        return [
            Answered.of(line, () if isinstance(one, NoLine) else one)
            for line, one in zip(lines, found, strict=True)
        ]

    def _line(self, found: Found | NoLine, shape: tuple[int, ...], boxes: bool) -> Line:
        if isinstance(found, NoLine):
            return no_line(found.reason)
        return together([line for line, _ in self._each(found, shape, boxes)])

    def _each(
        self, found: Found, shape: tuple[int, ...], boxes: bool
    ) -> list[tuple[Line, Recognized]]:
        """The lines of a picture, each with what was recognized."""
        if self._words is not None:
            found = tuple(self._evenly_spaced(line) for line in found)
        lines = [spelled_line(line, self.alphabet, self.calibration) for line in found]
        if boxes:
            lines = [
                located(line, one, self.alphabet, self.between, shape)
                for line, one in zip(lines, found, strict=True)
            ]
        return list(zip(lines, found, strict=True))

    def _evenly_spaced(self, line: Recognized) -> Recognized:
        labels = without_stray_spaces(line.labels, self.alphabet)
        # (the same line, with its likelihood that is known)
        return line if labels == line.labels else replace(line, labels=labels)

    def _recognizer(self, way: "_Way") -> Recognizer:
        usual = 1 if self._words is None else BEAM_WIDTH
        return Recognizer(
            self._network,
            self._words,
            way.beam_width or usual,
            self.whole,
            way.views,
            self.alphabet,
            self.calibration,
            0.0 if way.views or way.closer else SURE,
        )


@dataclass(frozen=True)
class _Way:
    """How pictures are read: how many prefixes are kept, what applies a function to each batch,
    whether characters get their boxes, and whether poor pictures are looked at in other ways or
    left to another reader; closer: whether uncertain lines are read again even then."""

    beam_width: int | None = None
    each: Each = map
    boxes: bool = True
    views: bool = True
    closer: bool = False


def _opened(source: PictureSource) -> Grey | Line:
    try:
        return open_grey(source)
    except ChainruleError as error:
        return no_line(str(error))
