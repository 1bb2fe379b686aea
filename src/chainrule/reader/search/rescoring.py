"""Test-time augmentation: an uncertain line is cropped and read a few times more, each time a
little otherwise, and all readings are scored on all crops."""

from collections.abc import Callable, Sequence
from math import log

import numpy as np
from numba import njit

from chainrule.io.compiled import compiled
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.picture.line_image import WIDEST, Crop, CropJitter
from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.lexicon import Lexicon
from chainrule.reader.search.prefix_search import SearchSettings, prefix_search

AGAIN = 0.5
"""The doubt, -log P(text | frames), from which a line is read again. On the development half of
real lines and on lines in the training fonts no text with less than 0.2 changed, and what did below
0.5 was not worth its time. The lexicon's weight was chosen by the errors on lines of the training
families, and of some 400 families of Debian packages (fonts-aenigma and others) that no reader here
has learned from; the two crops there, which four are no better than."""

AUGMENTATIONS = CropJitter(scale=1.1), CropJitter(scale=0.85)
WHOLE_AUGMENTATIONS = CropJitter(scale=1.1), CropJitter(scale=0.9)
VARIED_WHOLES = tuple(
    CropJitter(scale=scale, rise=rise) for scale in (0.85, 1.0, 1.15) for rise in (-1.5, 0.0, 1.5)
)
"""The crops of a picture that is taken whole by a reader of such pictures."""
NEAR = 5.0
"""How much less probable a word may be than what is seen, for each character that differs."""
_WEIGHT, _ANY = 0.9, 28
_FAINTEST = (1e-30, 1e-60, 0.0)  # the next where a text is not more probable than the root of one
_APART = 4  # frames from one division to the next
_WIDENED = max(jitter.scale * jitter.stretch for jitter in AUGMENTATIONS)


def narrow_enough(crop: Crop) -> bool:
    """Whether a crop's augmentations are not too wide."""
    width: int = crop.values.shape[1]
    return width * _WIDENED <= WIDEST


class Likelihoods:
    """Of readings of a line, labels l, the mean log P(l | frames) over its crops, log_p (K, T);
    each is computed once. T may differ."""

    def __init__(self, crops: Sequence[LogP]) -> None:
        self.crops = crops
        self._means: dict[tuple[int, ...], float] = {}

    def means(self, readings: Sequence[Sequence[int]]) -> list[float]:
        """That of each reading."""
        asked = [tuple(labels) for labels in readings]
        new = list(dict.fromkeys(labels for labels in asked if labels not in self._means))
        if new:
            each = [log_likelihoods(log_p, new) for log_p in self.crops]
            self._means |= zip(new, np.mean(each, axis=0).tolist(), strict=True)
        return [self._means[labels] for labels in asked]


def near(
    worded: Sequence[int], plain: Sequence[int], seen: Likelihoods, most: float = NEAR
) -> list[int]:
    """What was read with a dictionary if that is near to what is seen, else what is seen.

    Near is: its mean log probability is lower by at most `most` for each edit. So an unclear letter
    is decided by spelling, and a clear one is not.
    """
    if list(worded) == list(plain):
        return list(plain)
    with_words, without = seen.means([worded, plain])
    allowed = most * max(1, edit_distance(worded, plain))
    return list(worded) if without - with_words <= allowed else list(plain)


def rescored(
    readings: Sequence[list[int]], seen: Likelihoods, words: Lexicon, width: int
) -> list[int]:
    """The best of what was read in each crop, and of what is found by words there."""
    readings = [*readings, *found_by_words(readings, seen.crops, words, width)]
    return most_probable(readings, seen, lambda labels: prior(labels, words))


def found_by_words(
    readings: Sequence[list[int]], crops: Sequence[LogP], words: Lexicon, width: int
) -> list[list[int]]:
    """What `search_by_words` finds in each crop; nothing if all crops are read alike, as words."""
    first, *others = readings
    if others.count(first) == len(others) and words.knows(first):
        return []
    return [search_by_words(log_p, width, words) for log_p in crops]


def search_by_words(log_p: LogP, width: int, words: Lexicon) -> list[int]:
    """The labels found by a search in which the lexicon counts twice, and more prefixes and
    fainter classes are kept."""
    usual = SearchSettings()
    settings = SearchSettings(
        2 * width, -7.0, -7.0, 2 * usual.lexicon_weight, 2 * usual.length_bonus
    )
    return prefix_search(log_p, settings, words)


def prior(labels: Sequence[int], words: Lexicon) -> float:
    r"""What is added for a text of n characters to its log P(text | frames) before readings of a
    line are compared,

        0.9 log(1 + 28^(n + 1) P(text))

    with the lexicon's P: how much more probable than among all strings of 27 characters and an end.
    So the dictionary has no say in a line that is codes; where most of a line is words, the rest is
    hardly something else.
    """
    any_string = -(len(labels) + 1) * log(_ANY)
    return _WEIGHT * float(np.logaddexp(0.0, words.log_probability(labels) - any_string))


def most_probable(
    readings: Sequence[Sequence[int]],
    seen: Likelihoods,
    prior: Callable[[Sequence[int]], float],
) -> list[int]:
    r"""The one of some readings, labels l, with the greatest

        1/n sum_i log P(l | frames of crop i) + prior(l)

    over n crops: the logarithm of the geometric mean of what each gives, which a reading that one
    crop rules out does not survive.
    """
    different = list(dict.fromkeys(map(tuple, readings)))
    if len(different) == 1:
        return list(different[0])
    scores = np.add(seen.means(different), [prior(labels) for labels in different])
    return list(different[np.argmax(scores)])


def log_likelihoods(log_p: LogP, readings: Sequence[Sequence[int]]) -> list[float]:
    """log P(l | frames) of each reading: of all paths through log_p (K, T) that spell it together.

    The sum of `CTCLoss`, divided by its total at every few frames, so that it need not be in
    logarithms. -inf where there are too few frames, or a class has no chance in float64.
    """
    lengths = np.array([len(labels) for labels in readings], np.int64)
    flat = np.array([label for labels in readings for label in labels], np.int64)
    found: list[float] = _log_likelihoods(np.ascontiguousarray(log_p.T), flat, lengths).tolist()
    return found


@compiled
def _log_likelihoods(log_p, flat, lengths):  # type: ignore[no-untyped-def]
    place = np.full(log_p.shape[1], -1)  # of each class that is spelled, among those
    classes, seen = np.zeros(log_p.shape[1], np.int64), 1
    place[0] = 0
    for label in flat:
        if place[label] < 0:
            place[label], classes[seen] = seen, label
            seen += 1
    p = np.empty((len(log_p), seen))
    for t in range(len(p)):
        for k in range(seen):
            p[t, k] = np.exp(np.float64(log_p[t, classes[k]]))
    found, first = np.empty(len(lengths)), 0
    for i in range(len(lengths)):
        path = np.zeros(2 * lengths[i] + 1, np.int64)  # blanks before, between and after
        for j in range(lengths[i]):
            path[2 * j + 1] = place[flat[first + j]]
        first += lengths[i]
        for faintest in _FAINTEST:
            found[i] = _log_likelihood(p, path, faintest)
            if faintest == 0.0 or found[i] > 0.5 * np.log(faintest):
                break
    return found


@compiled
def _log_likelihood(p, path, faintest):  # type: ignore[no-untyped-def]
    """The sum, from one frame to the next over the entries `begin` to `end` of the path, which at
    either side leave out those with a share of it below `faintest`.

    What is left out, at most that at each frame and entry, is no more than the frames times the
    entries times the root of `faintest` of a sum that is larger than this root: at most 1e-9 of it.
    """
    entries = len(path)
    skips = np.zeros(entries)  # 1 where the blank before may be left out
    for s in range(2, entries):
        skips[s] = path[s] != 0 and path[s] != path[s - 2]
    alpha, before = np.zeros(entries + 4), np.zeros(entries + 4)  # of entry s at s + 2
    alpha[2] = 1.0  # before the first frame: it begins there or, as if from there, at the next
    begin, end, total = 0, 1, 0.0
    for t in range(len(p)):
        alpha, before = before, alpha
        before[begin : begin + 2] = 0.0
        before[end + 2 : end + 4] = 0.0
        end = min(end + 2, entries)
        _step(before, alpha, p[t], path, skips, begin, end)
        if t % _APART == _APART - 1 or t == len(p) - 1:
            whole = alpha[begin + 2 : end + 2].sum()
            if whole <= 0.0:
                return -np.inf
            for s in range(begin + 2, end + 2):
                alpha[s] /= whole
            total += np.log(whole)
            while alpha[begin + 2] < faintest:
                begin += 1
            while alpha[end + 1] < faintest:
                end -= 1
    alpha[begin : begin + 2] = 0.0
    ends = alpha[entries + 1] + alpha[entries] if end == entries else 0.0
    return total + np.log(ends) if ends > 0.0 else -np.inf


@njit(nogil=True, inline="always")
def _step(before, alpha, frame, path, skips, begin, end):  # type: ignore[no-untyped-def]
    """alpha_s = (before_s + before_{s-1} + before_{s-2}, unless the blank is needed) p_s"""
    for s in range(begin, end):
        reached = before[s + 2] + before[s + 1] + skips[s] * before[s]
        alpha[s + 2] = reached * frame[path[s]]
