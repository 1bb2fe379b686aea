"""From pictures of lines to labels: cropped, through the network, searched, and rescored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.reader.line import Recognized
from chainrule.reader.lines.batches import BATCH, Each, Network, batches, log_probabilities
from chainrule.reader.picture.line_image import Crop, NoLine, crop_lines, crop_wholes
from chainrule.reader.search.best_path import greedy
from chainrule.reader.search.lexicon import Lexicon
from chainrule.reader.search.prefix_search import SearchSettings, prefix_searches
from chainrule.reader.search.rescoring import (
    AUGMENTATIONS,
    augmented_crops,
    augmented_wholes,
    log_confidence,
    rescored,
    uncertain,
)

Pictures = Sequence[NDArray[np.uint8]]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Recognizer:
    """A network, a lexicon if there is one, and how many prefixes the search keeps.

    At a width of 1 the best path is taken, and the lexicon has no say. whole: whether pictures are
    taken whole.
    """

    network: Network
    words: Lexicon | None
    width: int
    whole: bool = False

    def recognize(self, pictures: Pictures, each: Each = map) -> list[Recognized | NoLine]:
        """What is read in each grey picture, or why it holds no line.

        All crops are read once; where that is uncertain, the augmented ones too. each: what applies
        a function to each batch, such as an executor's `map`.
        """
        crop = crop_wholes if self.whole else crop_lines
        cuts = _in_parts(
            lambda part: crop([pictures[i] for i in part]), range(len(pictures)), BATCH, each
        )
        crops = {i: cut[0] for i, cut in enumerate(cuts) if not isinstance(cut, NoLine)}
        found = dict(zip(crops, self.read_crops(list(crops.values()), each), strict=True))
        doubtful = [i for i, line in found.items() if line.uncertain]
        for i, labels in zip(
            doubtful,
            self._read_again([pictures[i] for i in doubtful], [found[i] for i in doubtful], each),
            strict=True,
        ):
            found[i] = replace(found[i], labels=labels)
        return [cut if isinstance(cut, NoLine) else found[i] for i, cut in enumerate(cuts)]

    def read_crops(self, crops: Sequence[Crop], each: Each = map) -> list[Recognized]:
        """What is read in each crop by itself."""

        def read(part: Sequence[int]) -> list[Recognized]:
            own = [crops[place] for place in part]
            log_p, frames = log_probabilities(self.network, [crop.values for crop in own])
            lines = [line[:count].T for line, count in zip(log_p, frames, strict=True)]
            if self.width == 1:
                labels = [greedy(line) for line in lines]
            else:
                settings = SearchSettings(self.width)
                labels = prefix_searches(log_p, frames, settings, self.words)
            doubtful = [
                uncertain(confidence, read, self._lexicon)
                for confidence, read in zip(log_confidence(log_p, frames), labels, strict=True)
            ]
            return list(map(Recognized, own, lines, labels, doubtful))

        parts = batches([crop.values.shape[1] for crop in crops])
        found: dict[int, Recognized] = {}
        for part, lines in zip(parts, each(read, parts), strict=True):
            found |= dict(zip(part, lines, strict=True))
        return [found[place] for place in range(len(crops))]

    @property
    def _lexicon(self) -> Lexicon | None:
        return self.words if self.width > 1 else None

    def _read_again(
        self, pictures: Pictures, first: Sequence[Recognized], each: Each
    ) -> list[list[int]]:
        """The labels of pictures after all of their crops are read."""

        def crop_again(part: Sequence[int]) -> list[list[Crop]]:
            some = [pictures[i] for i in part]
            if self.whole:
                return [augmented_wholes(picture) for picture in some]
            return augmented_crops(some, [first[i].crop for i in part])

        crops = _in_parts(crop_again, range(len(pictures)), len(AUGMENTATIONS), each)
        others = iter(self.read_crops([crop for line in crops for crop in line], each))
        lines = [[one, *islice(others, len(line))] for one, line in zip(first, crops, strict=True)]
        return list(
            each(
                lambda line: rescored(
                    [one.labels for one in line],
                    [one.log_p for one in line],
                    self._lexicon,
                    self.width,
                ),
                lines,
            )
        )


def _in_parts(
    function: Callable[[Sequence[int]], list[_T]], places: Sequence[int], size: int, each: Each
) -> list[_T]:
    parts = [places[first : first + size] for first in range(0, len(places), size)]
    return [one for part in each(function, parts) for one in part]
