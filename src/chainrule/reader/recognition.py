"""From pictures of lines to labels: cropped, through the network, searched, looked at again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.reader.confidence import USUAL, Calibration, confidence
from chainrule.reader.line import Line, Recognized, spelled
from chainrule.reader.lines.batches import BATCH, Each, Network, batches, log_probabilities
from chainrule.reader.picture.layout import is_blot
from chainrule.reader.picture.line_image import Crop, NoLine, crop_lines, crop_wholes
from chainrule.reader.picture.views import Looks, View, is_tall
from chainrule.reader.search.best_path import without_blanks
from chainrule.reader.search.lexicon import Lexicon
from chainrule.reader.search.prefix_search import SearchSettings, prefix_searches
from chainrule.reader.search.prose import may_be_prose, with_prose
from chainrule.reader.search.rescoring import (
    AGAIN,
    AUGMENTATIONS,
    VARIED_WHOLES,
    WHOLE_AUGMENTATIONS,
    Likelihoods,
    most_probable,
    narrow_enough,
    near,
    rescored,
)
from chainrule.reader.search.shapes import Shapes

Pictures = Sequence[NDArray[np.uint8]]
Found = tuple[Recognized, ...]
"""What is read in a picture: its lines, from above. Mostly it is one."""

POOR = -0.12
"""A reading's log probability, by its characters and the end, below which other views are tried."""
TURNED = 0.3
"""By how much better a picture must be read that stands on its head."""
HOPELESS = -0.3
"""The same, below which less likely views are tried, and the picture may stand on its head."""

NOT_PRINT = 0.3
"""Another reader's confidence below which a picture is looked at whole first: on signs, plates and
counters the box of the ink is seldom the text's."""

LONG = 10
"""Characters: no texture was read as so many."""

Crops = Callable[[Pictures], list[list[Crop] | NoLine]]

_T = TypeVar("_T")


class Whole(NamedTuple):
    """How pictures of one kind are taken whole: so much larger than to the height of a crop, and
    how their texts are built, where that was learned."""

    zoom: float = 1.0
    shapes: Shapes | None = None


@dataclass(frozen=True)
class Recognizer:
    """A network, a lexicon if there is one, and how many prefixes the search keeps.

    At a width of 1 the best path is taken, and the lexicon has no say. whole: whether pictures are
    taken whole, and how. views: whether those that are read poorly are looked at in other ways.
    alphabet: its first character is class 1. A line with a confidence below `least`, by the
    calibration, is not read again.
    """

    network: Network
    words: Lexicon | None
    width: int
    whole: Whole | None = None
    views: bool = True
    alphabet: str = ""
    calibration: Calibration = USUAL
    least: float = 0.0

    def recognize(
        self, pictures: Pictures, each: Each = map, before: Sequence[Line] = ()
    ) -> list[Found | NoLine]:
        """What is read in each grey picture, or why it holds no line.

        All crops are read once. Where that is poor, so are other views of the picture, and the best
        reading is taken; where it is uncertain, augmented crops. each: what applies a function to
        each batch, such as an executor's `map`.

        before: what another reader read in each picture, or nothing. Where that is hardly sure of
        it (NOT_PRINT), the picture is looked at whole first, and then by the box of its ink; a text
        that it has read as well is not read again, however uncertain.
        """
        if self.whole is not None and self.whole.shapes is not None:
            return self._own_kind(pictures, self.whole.zoom, self.whole.shapes, each)

        def is_whole(i: int) -> bool:
            hardly = bool(before) and before[i].confidence < NOT_PRINT
            return self.whole is not None or (hardly and not is_tall(pictures[i]))

        def cut(crop: Crops, places: list[int]) -> dict[int, list[Crop] | NoLine]:
            one = in_parts(lambda part: crop([pictures[i] for i in part]), places, BATCH, each)
            return dict(zip(places, one, strict=True))

        whole = [i for i in range(len(pictures)) if is_whole(i)]
        boxed = [i for i in range(len(pictures)) if not is_whole(i)]
        cuts = cut(crop_lines, boxed) | cut(crop_wholes, whole)
        crops = {i: cut[0] for i, cut in cuts.items() if not isinstance(cut, NoLine)}
        first = dict(zip(crops, self.read_crops(list(crops.values()), each), strict=True))
        found: dict[int, Found] = {i: (line,) for i, line in first.items()}
        views = {i: [View(pictures[i], is_whole(i))] for i in found}
        ways = (
            ((_other_wholes, POOR, 0.0), (Looks.upside_down, HOPELESS, TURNED))
            if self.whole
            else (
                (Looks.likely, POOR, 0.0),
                (Looks.others, HOPELESS, 0.0),
                (Looks.upside_down, HOPELESS, TURNED),
            )
        )
        looks: dict[int, Looks] = {}
        for way, bar, lead in ways:
            worth = min(bar, -lead)  # no reading has a quality above 0
            poor = [i for i, lines in found.items() if self.views and quality(lines) < worth]
            looks |= {i: Looks(pictures[i], is_whole(i)) for i in poor if i not in looks}
            best = self._look_again({i: looks[i] for i in poor}, way, each)
            for i, (own, seen) in best.items():
                if quality(seen) > quality(found[i]) + lead and _something(seen):
                    found[i], views[i] = seen, own
        self._read_again(found, views, each, before)
        for i, line in first.items():
            blot = len(found[i]) == 1 == len(found[i][0].labels) and is_blot(pictures[i])
            if blot or _vanishing(found[i]):
                found[i] = (replace(line, labels=[]),)
        why = {i: cut for i, cut in cuts.items() if isinstance(cut, NoLine)}
        return [why[i] if i in why else found[i] for i in range(len(pictures))]

    def _own_kind(
        self, pictures: Pictures, zoom: float, shapes: Shapes, each: Each
    ) -> list[Found | NoLine]:
        """What is read in each picture, of a kind that was learned whole.

        Where that is uncertain, or of a shape that was not learned, it is what is most probable by
        all crops of VARIED_WHOLES, dark on light and light on dark.
        """

        def crop(part: Sequence[int]) -> list[list[Crop] | NoLine]:
            return crop_wholes([pictures[i] for i in part], zoom)

        def crop_again(part: Sequence[int]) -> list[list[Crop]]:
            views = (View(pictures[i], True, inverted, zoom) for i, inverted in _both(part))
            cut = [view.crops(VARIED_WHOLES) for view in views]
            return [[*dark, *light] for dark, light in zip(cut[::2], cut[1::2], strict=True)]

        cuts = in_parts(crop, range(len(pictures)), BATCH, each)
        crops = {i: cut[0] for i, cut in enumerate(cuts) if not isinstance(cut, NoLine)}
        found = dict(zip(crops, self.read_crops(list(crops.values()), each), strict=True))
        doubtful = [
            i
            for i, line in found.items()
            if self.views
            and narrow_enough(line.crop)
            and (-line.seen > AGAIN or not shapes.knows(spelled(line.labels, self.alphabet)))
        ]
        again = in_parts(crop_again, doubtful, 4, each)
        others = iter(self.read_crops([crop for own in again for crop in own], each))
        lines = [
            [found[i], *(next(others) for _ in own)] for i, own in zip(doubtful, again, strict=True)
        ]
        read = each(partial(self._together, shapes), lines)
        for i, own, labels in zip(doubtful, lines, read, strict=True):
            line = replace(own[0], labels=labels, again=tuple(own[1:]))
            if own[0].labels or _something((line,)):
                found[i] = line
        return [cut if isinstance(cut, NoLine) else (found[i],) for i, cut in enumerate(cuts)]

    def _together(self, shapes: Shapes, lines: Sequence[Recognized]) -> list[int]:
        """What is most probable by all crops of a picture, and by how one's texts are built."""
        readings = [one.labels for one in lines]
        for one in lines:
            readings += shapes.fitted(one.log_p, one.labels, self.alphabet)
        return most_probable(
            readings,
            Likelihoods([one.log_p for one in lines]),
            lambda labels: shapes.log_probability(spelled(labels, self.alphabet)),
        )

    def read_crops(self, crops: Sequence[Crop], each: Each = map) -> list[Recognized]:
        """What is read in each crop by itself."""

        def read(part: Sequence[int]) -> list[Recognized]:
            own = [crops[place] for place in part]
            log_p, frames = log_probabilities(self.network, [crop.values for crop in own])
            lines = [line[:count].T for line, count in zip(log_p, frames, strict=True)]
            best = log_p.argmax(2)
            plain = [without_blanks(path[:count]) for path, count in zip(best, frames, strict=True)]
            labels = plain
            if self.words is not None and self.width > 1:
                settings = SearchSettings(self.width)
                worded = prefix_searches(log_p, frames, settings, self.words)
                labels = [
                    near(
                        with_prose(found, seen, self.alphabet, self.words),
                        seen,
                        Likelihoods([line]),
                    )
                    for found, seen, line in zip(worded, plain, lines, strict=True)
                ]
            return list(map(Recognized, own, lines, labels, plain))

        parts = batches([crop.values.shape[1] for crop in crops])
        found: dict[int, Recognized] = {}
        for part, lines in zip(parts, each(read, parts), strict=True):
            found |= dict(zip(part, lines, strict=True))
        return [found[place] for place in range(len(crops))]

    @property
    def _lexicon(self) -> Lexicon | None:
        return self.words if self.width > 1 else None

    def _look_again(
        self,
        looks: Mapping[int, Looks],
        way: Callable[[Looks], list[list[View]]],
        each: Each,
    ) -> dict[int, tuple[list[View], Found]]:
        """The best of the views of each of the pictures at some places, and what is read there."""

        def cut(part: Sequence[int]) -> list[list[tuple[list[View], list[Crop]]]]:
            return [
                [(views, [crop for view in views for crop in view.crops()]) for views in way(own)]
                for own in (looks[i] for i in part)
            ]

        tried = in_parts(cut, list(looks), 4, each)
        crops = [crop for ways in tried for _, own in ways for crop in own]
        lines = iter(self.read_crops(crops, each))
        found: dict[int, tuple[list[View], Found]] = {}
        for i, ways in zip(looks, tried, strict=True):
            for own, cropped in ways:
                seen = tuple(next(lines) for _ in cropped)
                if len(seen) == len(own) and (
                    i not in found or quality(seen) > quality(found[i][1])
                ):
                    found[i] = own, seen
        return found

    def _read_again(
        self,
        found: dict[int, Found],
        views: dict[int, list[View]],
        each: Each,
        before: Sequence[Line],
    ) -> None:
        """Read the uncertain lines again, in augmented crops, unless another reads them so, too."""
        doubtful = [
            (i, number)
            for i, lines in found.items()
            for number, line in enumerate(lines)
            if self._doubtful(line)
            and not (before and before[i].text == spelled(line.labels, self.alphabet))
        ]

        def crop_again(part: Sequence[int]) -> list[list[Crop]]:
            cut = []
            for i, number in (doubtful[place] for place in part):
                view = views[i][number]
                ways = WHOLE_AUGMENTATIONS if view.whole else AUGMENTATIONS
                cut.append(view.crops(ways) if narrow_enough(found[i][number].crop) else [])
            return cut

        crops = in_parts(crop_again, range(len(doubtful)), len(AUGMENTATIONS), each)
        others = iter(self.read_crops([crop for line in crops for crop in line], each))
        lines = [
            [found[i][number], *(next(others) for _ in own)]
            for (i, number), own in zip(doubtful, crops, strict=True)
        ]
        read = each(self._rescored, lines)
        for (i, number), (first, *more), labels in zip(doubtful, lines, read, strict=True):
            line = replace(first, labels=labels, again=tuple(more))
            found[i] = (*found[i][:number], line, *found[i][number + 1 :])

    def _rescored(self, line: Sequence[Recognized]) -> list[int]:
        seen = Likelihoods([one.log_p for one in line])
        plain = most_probable([one.plain for one in line], seen, lambda labels: 0.0)
        words = self._lexicon
        if words is None or not may_be_prose(plain, self.alphabet):
            return plain
        worded = rescored([one.labels for one in line], seen, words, self.width)
        return near(with_prose(worded, plain, self.alphabet, words), plain, seen)

    def _doubtful(self, line: Recognized) -> bool:
        """Whether a line is worth reading again: its doubt is large, and no other reader reads it
        anyway."""
        sure = confidence(line.seen, len(line.labels), self.calibration)
        return -line.seen > AGAIN and sure >= self.least


def quality(lines: Found) -> float:
    """The mean over the characters of lines, and an end, of the log probability of what is read;
    what is read as nothing is the worst there is."""
    characters = sum(len(line.labels) for line in lines)
    if not characters:
        return -1e9
    return sum(line.seen for line in lines) / (characters + 1)


def _something(lines: Found) -> bool:
    """Whether what is read is likelier text than a blot: the longer it is, the less sure it may
    be."""
    characters = sum(len(line.labels) for line in lines)
    return quality(lines) > max(-1.5, -0.4 - 0.3 * characters)


def _vanishing(lines: Found) -> bool:
    """Whether what one crop shows is hardly to be seen in all of them together, as what is read
    into noise and textures, a few characters. On the development half nothing so faint is right."""
    characters = sum(len(line.plain) for line in lines)
    if characters >= LONG:
        return False
    return sum(line.plain_seen for line in lines) < -0.7 * (characters + 1)


def _other_wholes(looks: Looks) -> list[list[View]]:
    return looks.wholes()[1:]


def _both(places: Sequence[int]) -> list[tuple[int, bool]]:
    return [(place, inverted) for place in places for inverted in (False, True)]


def in_parts(
    function: Callable[[Sequence[int]], list[_T]], places: Sequence[int], size: int, each: Each
) -> list[_T]:
    """What a function makes of places, `size` of them at a time."""
    parts = [places[first : first + size] for first in range(0, len(places), size)]
    return [one for part in each(function, parts) for one in part]
