"""Lines that were read unsurely are cut and read again, a few times, each a little otherwise."""

from collections.abc import Callable, Sequence
from math import log

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.reader.beam import LENGTH_BONUS, TEXT_WEIGHT, beam
from chainrule.reader.decode import LogP, with_blanks
from chainrule.reader.picture import WIDEST, Looseness, NoLine, Strip, cut_strips
from chainrule.reader.text_model import TextModel

UNSURE, UNSURE_OF_WORDS = -0.03, -0.005
"""The mean over the frames of the log probability of the best class, below which a line is unsure:
any line, and one that has been read as something else than words of the dictionary. It, the looks
and the weight of the text were chosen by the errors on lines of the training families, and of some
400 families of Debian packages (fonts-aenigma and others) that no reader here has learned from."""

_LOOKS = (
    Looseness(scale=1.1),
    Looseness(scale=0.8),
    Looseness(stretch=0.85),
    Looseness(rise=1.5),
)
LOOKS = len(_LOOKS)
_WEIGHT, _ANY = 0.9, 28
_WIDENED = max(look.scale * look.stretch for look in _LOOKS)


def sureness(log_p: LogP, frames: Sequence[int]) -> list[float]:
    """Of each line, log_p (N, T, K) with so many frames, the mean over these of the log probability
    of the best class."""
    means: list[float] = _mean_best(
        np.ascontiguousarray(log_p), np.asarray(frames, np.int64)
    ).tolist()
    return means


def unsure(sureness: float, labels: Sequence[int], model: TextModel | None) -> bool:
    """Whether a line of this sureness, read as these labels, should be looked at again."""
    if sureness < UNSURE or model is None:
        return sureness < UNSURE
    return sureness < UNSURE_OF_WORDS and not model.knows(labels)


def look_again(pictures: Sequence[NDArray[np.uint8]], first: Sequence[Strip]) -> list[list[Strip]]:
    """The strip of each grey picture cut otherwise, LOOKS times; none of one that is too wide."""
    narrow = [strip.values.shape[1] * _WIDENED <= WIDEST for strip in first]
    fit = [picture for picture, fits in zip(pictures, narrow, strict=True) if fits]
    cut = iter(cut_strips(fit, _LOOKS))
    looks = [next(cut) if fits else [] for fits in narrow]
    return [[] if isinstance(strips, NoLine) else strips for strips in looks]


def chosen(
    readings: Sequence[list[int]], looks: Sequence[LogP], model: TextModel | None, width: int
) -> list[int]:
    """The best of what was read in each look, log_p (K, T), and of what is found by words there."""
    if model is None:
        return most_probable(readings, looks, lambda labels: 0.0)
    first, *others = readings
    if others.count(first) < len(others) or not model.knows(first):
        readings = [*readings, *(by_words(log_p, width, model) for log_p in looks)]
    return most_probable(readings, looks, lambda labels: prior(labels, model))


def by_words(log_p: LogP, width: int, model: TextModel) -> list[int]:
    """The labels found by a search in which the dictionary counts twice, and more prefixes and
    fainter classes are kept."""
    return beam(
        log_p,
        2 * width,
        model=model,
        text_weight=2 * TEXT_WEIGHT,
        bonus=2 * LENGTH_BONUS,
        faintest=-7.0,
        furthest=-7.0,
    )


def prior(labels: Sequence[int], model: TextModel) -> float:
    r"""What is added for a text of n characters to its log P(text | frames) before readings of a
    line are compared,

        0.9 log(1 + 28^(n + 1) P(text))

    with the model's P: how much more probable than among all strings of 27 characters and an end.
    So the dictionary has no say in a line that is codes; where most of a line is words, the rest is
    hardly something else.
    """
    any_string = -(len(labels) + 1) * log(_ANY)
    return _WEIGHT * float(np.logaddexp(0.0, model.log_probability(labels) - any_string))


def most_probable(
    readings: Sequence[Sequence[int]],
    looks: Sequence[LogP],
    prior: Callable[[Sequence[int]], float],
) -> list[int]:
    r"""The one of some readings, labels l, with the greatest

        1/n sum_i log P(l | frames of look i) + prior(l)

    over n looks: the logarithm of the geometric mean of what each gives, which a reading that one
    look rules out does not survive. log_p (K, T) of each; T may differ.
    """
    different = list(dict.fromkeys(map(tuple, readings)))
    if len(different) == 1:
        return list(different[0])
    seen = np.mean([log_likelihoods(log_p, different) for log_p in looks], axis=0)
    return list(different[np.argmax(seen + [prior(labels) for labels in different])])


def log_likelihoods(log_p: LogP, readings: Sequence[Sequence[int]]) -> list[float]:
    """log P(l | frames) of each reading: of all paths through log_p (K, T) that spell it together.

    The sum of `CTCLoss`, from one frame to the next divided by its total, so that it need not be in
    logarithms. -inf where there are too few frames, or a class has no chance in float64.
    """
    longest = max(map(len, readings))
    paths = np.zeros((len(readings), 2 * longest + 1), np.int64)
    for path, labels in zip(paths, readings, strict=True):
        path[: 2 * len(labels) + 1] = with_blanks(labels)
    lengths = np.array([len(labels) for labels in readings], np.int64)
    p = np.exp(log_p.T.astype(np.float64, order="C"))
    found: list[float] = _log_likelihoods(p, paths, lengths).tolist()
    return found


@njit(cache=True, nogil=True)
def _log_likelihoods(p, paths, lengths):  # type: ignore[no-untyped-def]
    found = np.empty(len(paths))
    for i in range(len(paths)):
        found[i] = _log_likelihood(p, paths[i, : 2 * lengths[i] + 1])
    return found


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _mean_best(log_p, frames):  # type: ignore[no-untyped-def]
    means = np.zeros(len(log_p))
    for n in range(len(log_p)):
        for t in range(frames[n]):
            best = log_p[n, t, 0]
            for k in range(log_p.shape[2]):
                best = max(best, log_p[n, t, k])
            means[n] += best / frames[n]
    return means
