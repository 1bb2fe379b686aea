"""The reader of lines: a network, its alphabet, and a dictionary if it is to have one."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.chain import Chain
from chainrule.chain.inference.precision import best_precision, multiplies_bytes
from chainrule.chain.inference.quantized import Ranges
from chainrule.errors import ChainruleError, InputError
from chainrule.io.pictures import PictureSource
from chainrule.io.progress import Progress
from chainrule.reader.line import Line, located, no_line, spelled, together
from chainrule.reader.lines.batches import Each, prepare
from chainrule.reader.lines.network import line_network, of_classes, size_of
from chainrule.reader.lines.ready import Precision, ready_network
from chainrule.reader.picture.line_image import HEIGHT, Crop, NoLine
from chainrule.reader.picture.opening import Grey, open_grey, several
from chainrule.reader.recognition import Found, Recognizer
from chainrule.reader.search.lexicon import Lexicon, lexicon

BEAM_WIDTH = 8  # prefixes, where there is a dictionary


class Reader:
    """A network for lines, its parameters and the alphabet whose characters are its classes.

    Class 0 is the blank, class i the i-th character. `between` (share, offset): a character that is
    named at column a of the crop ends near a + share (b - a) + offset if the next one is named at
    b. The loss leaves to the network where in a character it names it: `measured_between` finds
    out. ranges: what the layers' outputs stay below, as `measured_ranges` finds out. precision: of
    the network when it reads; by default the one that is fastest here, bytes only with `ranges`.
    whole: whether it takes pictures whole, and not the box of the ink in them.
    Raises InputError if they don't fit.
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
        whole: bool = False,
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
        self.size, self.whole = size, whole
        self.chain, self.alphabet, self.between = chain.in_inference(), alphabet, between
        self.parameters = {name: value.float() for name, value in parameters.items()}
        self.ranges = ranges
        fastest = "int8" if ranges and multiplies_bytes() else best_precision()
        self.precision: Precision = precision or fastest
        self._network = ready_network(self.chain, self.parameters, self.precision, ranges)
        self._words: Lexicon | None = None

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
        return Reader(
            network,
            parameters,
            kept,
            self.between,
            self.ranges,
            self.precision,
            whole=self.whole,
        )

    def with_words(self, words: Iterable[str] | None = None) -> "Reader":
        """The same reader, which finds words of a dictionary more probable than other strings.

        words: English ones if None. Digits and the like are read as without: see `Lexicon`.
        """
        reader = Reader.__new__(Reader)  # `copy` would make the network ready a second time
        reader.__dict__.update(self.__dict__, _words=lexicon(self.alphabet, words))
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
        fit = [picture for picture in opened if not isinstance(picture, Line)]
        found = iter(self._recognizer(beam_width).recognize(fit, each))
        texts = []
        for picture in opened:
            line = picture if isinstance(picture, Line) else next(found)
            texts.append("" if isinstance(line, Line | NoLine) else _spelled(line, self.alphabet))
        return texts

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
        found = iter(
            self._recognizer(beam_width).recognize(
                [picture for picture in opened if not isinstance(picture, Line)]
            )
        )
        lines: list[Line] = []
        for picture in opened:
            lines.append(
                picture
                if isinstance(picture, Line)
                else _line(next(found), self.alphabet, self.between, picture.shape)
            )
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

    def prepare(self) -> None:
        """Have all that is prepared or compiled at its first use be so now."""
        line = np.full((HEIGHT, 2 * HEIGHT), 255, np.uint8)
        line[8:24, 8:56:6] = 0
        self.texts([line])
        prepare(self._network)

    def log_probabilities(self, crops: Sequence[Crop]) -> list[NDArray[np.float32]]:
        """The logarithms of the classes' probabilities (K, T) at each frame of each crop."""
        return [line.log_p for line in self._recognizer(1).read_crops(crops)]

    def _recognizer(self, beam_width: int | None) -> Recognizer:
        usual = 1 if self._words is None else BEAM_WIDTH
        return Recognizer(self._network, self._words, beam_width or usual, self.whole)


def _opened(source: PictureSource) -> Grey | Line:
    try:
        return open_grey(source)
    except ChainruleError as error:
        return no_line(str(error))


def _spelled(lines: Found, alphabet: str) -> str:
    texts = [spelled(line.labels, alphabet) for line in lines]
    return "\n".join(filter(str.strip, texts)) if len(texts) > 1 else texts[0]


def _line(
    found: Found | NoLine, alphabet: str, between: tuple[float, float], shape: tuple[int, ...]
) -> Line:
    if isinstance(found, NoLine):
        return no_line(found.reason)
    return together([located(line, alphabet, between, shape) for line in found])
