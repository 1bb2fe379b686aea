"""Test-time augmentation: an uncertain line is cropped and read a few times more, each time a
little otherwise, and all readings are scored on all crops."""

from collections.abc import Callable, Sequence
from math import log

import numpy as np

from chainrule.io.compiled import compiled
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.picture.line_image import WIDEST, Crop, CropJitter
from chainrule.reader.search.best_path import LogP
from chainrule.reader.search.lexicon import Lexicon
from chainrule.reader.search.prefix_search import SearchSettings, prefix_search

AGAIN = 0.5
"""The doubt, -log P(text | frames), from which a line is read again. On the development half of
real lines and on lines in the training fonts no text with less than 0.2 changed, and what did below
0.5 was not worth its time. The augmentations and the lexicon's weight were chosen by the errors on
lines of the training families, and of some 400 families of Debian packages (fonts-aenigma and
others) that no reader here has learned from."""

AUGMENTATIONS = (
    CropJitter(scale=1.1),
    CropJitter(scale=0.8),
    CropJitter(stretch=0.85),
    CropJitter(rise=1.5),
)
WHOLE_AUGMENTATIONS = (
    CropJitter(scale=1.1),
    CropJitter(scale=0.9),
    CropJitter(stretch=0.92),
    CropJitter(rise=1.0),
)
VARIED_WHOLES = tuple(
    CropJitter(scale=scale, rise=rise) for scale in (0.85, 1.0, 1.15) for rise in (-1.5, 0.0, 1.5)
)
"""The crops of a picture that is taken whole by a reader of such pictures."""
NEAR = 5.0
"""How much less probable a word may be than what is seen, for each character that differs."""
_WEIGHT, _ANY = 0.9, 28
_WIDENED = max(jitter.scale * jitter.stretch for jitter in AUGMENTATIONS)


def narrow_enough(crop: Crop) -> bool:
    """Whether a crop's augmentations are not too wide."""
    width: int = crop.values.shape[1]
    return width * _WIDENED <= WIDEST


def near(
    worded: Sequence[int], plain: Sequence[int], crops: Sequence[LogP], most: float = NEAR
) -> list[int]:
    """What was read with a dictionary if that is near to what is seen, else what is seen.

    Near is: the log probability, the mean over the crops' log_p (K, T), is lower by at most `most`
    for each edit. So an unclear letter is decided by spelling, and a clear one is not.
    """
    if list(worded) == list(plain):
        return list(plain)
    lost = np.mean([np.diff(log_likelihoods(log_p, [worded, plain]))[0] for log_p in crops])
    allowed = most * max(1, edit_distance(worded, plain))
    return list(worded) if lost <= allowed else list(plain)


def rescored(
    readings: Sequence[list[int]], crops: Sequence[LogP], words: Lexicon, width: int
) -> list[int]:
    """The best of what was read in each crop, log_p (K, T), and of what is found by words there."""
    readings = [*readings, *found_by_words(readings, crops, words, width)]
    return most_probable(readings, crops, lambda labels: prior(labels, words))


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
    crops: Sequence[LogP],
    prior: Callable[[Sequence[int]], float],
) -> list[int]:
    r"""The one of some readings, labels l, with the greatest

        1/n sum_i log P(l | frames of crop i) + prior(l)

    over n crops: the logarithm of the geometric mean of what each gives, which a reading that one
    crop rules out does not survive. log_p (K, T) of each; T may differ.
    """
    different = list(dict.fromkeys(map(tuple, readings)))
    if len(different) == 1:
        return list(different[0])
    seen = np.mean([log_likelihoods(log_p, different) for log_p in crops], axis=0)
    return list(different[np.argmax(seen + [prior(labels) for labels in different])])


def log_likelihoods(log_p: LogP, readings: Sequence[Sequence[int]]) -> list[float]:
    """log P(l | frames) of each reading: of all paths through log_p (K, T) that spell it together.

    The sum of `CTCLoss`, from one frame to the next divided by its total, so that it need not be in
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
        found[i] = _log_likelihood(p, path)
    return found


@compiled
def _log_likelihood(p, path):  # type: ignore[no-untyped-def]
    entries = len(path)
    alpha = np.zeros(entries)
    alpha[0] = 1.0  # before the first frame: it begins there or, as if from there, at the next
    total = 0.0
    for t in range(len(p)):
        frame, whole = p[t], 0.0
        for s in range(entries - 1, -1, -1):
            reached = alpha[s]
            if s > 0:
                reached += alpha[s - 1]
            if s > 1 and path[s] != 0 and path[s] != path[s - 2]:
                reached += alpha[s - 2]
            alpha[s] = reached * frame[path[s]]
            whole += alpha[s]
        if whole <= 0.0:
            return -np.inf
        alpha /= whole
        total += np.log(whole)
    ends = alpha[entries - 1] + (alpha[entries - 2] if entries > 1 else 0.0)
    return total + np.log(ends) if ends > 0.0 else -np.inf
