"""The most probable text of a line's scores: prefix search, with or without a model of texts."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.reader.text_model import TextModel, end_of_line, next_character, text_model

LogP = NDArray[np.float32] | NDArray[np.float64]

FAINTEST = -5.0  # a class below this logarithm of a probability is not looked at
FURTHEST = -8.0  # nor a prefix whose score is so much below the best
TEXT_WEIGHT = 0.5
LENGTH_BONUS = 1.5
"""Found on lines of the training families alone."""


def beam(
    log_p: LogP,
    width: int = 8,
    *,
    model: TextModel | None = None,
    text_weight: float = TEXT_WEIGHT,
    bonus: float = LENGTH_BONUS,
    faintest: float = FAINTEST,
    furthest: float = FURTHEST,
) -> list[int]:
    r"""The labels l with the greatest score found by prefix search,

        log P(l | frames) + [with a model]  text_weight log P(l) + bonus (number of labels)

    where P(l | frames) is the sum over the paths that spell l. log_p (K, T): the logarithms of the
    probabilities of K classes, 0 the blank, at T frames. At each frame the `width` best prefixes
    are kept, of them those within `furthest` of the best, and only classes above `faintest` looked
    at; with all of these the search is exact.

    A prefix keeps two sums: of its paths that end in a blank, b, and of the others, o. At a frame
    with probabilities p, with c the prefix's last label,

        b' = (b + o) p[blank],      o' = o p[c]  (the same character goes on)

    and the prefix and one more label k gets (b + o) p[k], or, if k = c, b p[k] alone: the second
    one needs a blank before it. A prefix that is reached both ways adds them.

    Source: Graves, Supervised sequence labelling with recurrent neural networks, 2012, section 7.5;
    the model's weight and the bonus: Hannun et al., First-pass large vocabulary continuous speech
    recognition using bi-directional recurrent DNNs, 2014, alg. 1.
    """
    return beams(
        log_p.T[None],
        [log_p.shape[1]],
        width,
        model=model,
        text_weight=text_weight,
        bonus=bonus,
        faintest=faintest,
        furthest=furthest,
    )[0]


def beams(
    log_p: LogP,
    frames: Sequence[int],
    width: int = 8,
    *,
    model: TextModel | None = None,
    text_weight: float = TEXT_WEIGHT,
    bonus: float = LENGTH_BONUS,
    faintest: float = FAINTEST,
    furthest: float = FURTHEST,
) -> list[list[int]]:
    """`beam` for several lines: log_p (N, T, K), of which each has so many frames."""
    used = model if model is not None else _any_model()
    weights = (text_weight, bonus) if model is not None else (0.0, 0.0)
    found, lengths = _beams(
        np.ascontiguousarray(log_p), np.asarray(frames, np.int64), width, faintest, furthest,
        *weights, *used.arrays,
    )  # fmt: skip
    return [own[:length] for own, length in zip(found.tolist(), lengths.tolist(), strict=True)]


@cache
def _any_model() -> TextModel:
    """What the compiled function takes in place of no model."""
    model = text_model("a", ["a"])
    assert model is not None
    return model


@njit(cache=True, nogil=True)
def _beams(  # type: ignore[no-untyped-def]
    log_p, frames, width, faintest, furthest, text_weight, bonus,
    following, words, ends, letter, small, cased, other, end, space,
):  # fmt: skip
    found = np.zeros((len(log_p), log_p.shape[1]), np.int64)
    lengths = np.zeros(len(log_p), np.int64)
    for n in range(len(log_p)):
        labels = _beam(
            log_p[n, : frames[n]], width, faintest, furthest, text_weight, bonus,
            following, words, ends, letter, small, cased, other, end, space,
        )  # fmt: skip
        found[n, : len(labels)] = labels
        lengths[n] = len(labels)
    return found, lengths


@njit(cache=True, nogil=True)
def _beam(  # type: ignore[no-untyped-def]
    frames, width, faintest, furthest, text_weight, bonus,
    following, words, ends, letter, small, cased, other, end, space,
):  # fmt: skip
    T, K = frames.shape
    # every prefix that was ever kept: the prefix before its last label, and that label
    before, label = np.empty(T * width + 1, np.int64), np.empty(T * width + 1, np.int64)
    before[0], label[0] = -1, 0
    prefixes = 1
    # those kept now; room for those that come from them at one frame
    room = width * K
    prefix, last = np.zeros(room, np.int64), np.zeros(room, np.int64)
    # log b, log o and log (b + o)
    blank, spoken, both = np.full(room, -np.inf), np.full(room, -np.inf), np.full(room, -np.inf)
    text = np.zeros(room)
    state, case = np.zeros(room, np.int64), np.zeros(room, np.int64)
    come_from = np.empty(room, np.int64)
    score, best = np.empty(room), np.empty(width, np.int64)
    going_on = np.full((width, K), -1)
    kept = 1
    blank[0] = both[0] = 0.0
    certain = np.log1p(-np.exp(faintest))  # a blank above it leaves too little to all others
    for t in range(T):
        frame = frames[t]
        count = kept
        for c in range(1, K if frame[0] <= certain else 1):
            if not frame[c] > faintest:
                continue
            for i in range(kept):
                paths = blank[i] if c == last[i] else both[i]
                if not paths > -np.inf:
                    continue
                come_from[count] = i
                last[count] = c
                spoken[count] = paths + frame[c]
                count += 1
        for i in range(kept):
            spoken[i] += frame[last[i]] if last[i] > 0 else -np.inf
            blank[i] = both[i] + frame[0]
            both[i] = _add(blank[i], spoken[i])
            score[i] = both[i] + text[i]
        # a kept prefix and one more label may be a prefix that is kept already: which
        for i in range(kept):
            for j in range(kept):
                if before[prefix[j]] == prefix[i]:
                    going_on[i, last[j]] = j
        new, least = kept, score[:kept].max() + furthest
        for m in range(kept, count):
            i = come_from[m]
            same = going_on[i, last[m]]
            if same >= 0:
                spoken[same] = _add(spoken[same], spoken[m])
                both[same] = _add(blank[same], spoken[same])
                score[same] = both[same] + text[same]
                continue
            if spoken[m] + text[i] + max(bonus, 0.0) < least:
                continue  # too far below the best already
            come_from[new], last[new], spoken[new], blank[new] = i, last[m], spoken[m], -np.inf
            text[new], state[new], case[new] = text[i], state[i], case[i]
            if text_weight != 0.0 or bonus != 0.0:
                log_p, state[new], case[new] = next_character(
                    following, words, ends, letter, small, cased, other, end, space,
                    state[i], case[i], last[m],
                )  # fmt: skip
                text[new] += text_weight * log_p + bonus
            both[new] = spoken[new]
            score[new] = spoken[new] + text[new]
            prefix[new] = -1
            new += 1
        for i in range(kept):
            going_on[i, last[:kept]] = -1
        if new == kept:
            continue
        size = 0  # of the best, the best first
        for i in range(new):
            if size == width and not score[i] > score[best[size - 1]]:
                continue
            at = min(size, width - 1)
            while at > 0 and score[i] > score[best[at - 1]]:
                best[at] = best[at - 1]
                at -= 1
            best[at] = i
            size = min(size + 1, width)
        while score[best[size - 1]] < score[best[0]] + furthest:
            size -= 1
        now = best[:size]
        for i in now:
            if prefix[i] < 0:
                before[prefixes], label[prefixes] = prefix[come_from[i]], last[i]
                prefix[i] = prefixes
                prefixes += 1
        prefix[:size], last[:size] = prefix[now], last[now]
        blank[:size], spoken[:size], both[:size] = blank[now], spoken[now], both[now]
        text[:size], state[:size], case[:size] = text[now], state[now], case[now]
        kept = size
    top, most = 0, -np.inf
    for i in range(kept):
        final = both[i] + text[i]
        if text_weight != 0.0:
            final += text_weight * end_of_line(
                following, words, ends, letter, small, cased, other, end, space, state[i]
            )
        if final > most:
            top, most = i, final
    length, node = 0, prefix[top]
    while node > 0:
        length, node = length + 1, before[node]
    labels = np.empty(length, np.int64)
    node = prefix[top]
    while node > 0:
        length -= 1
        labels[length], node = label[node], before[node]
    return labels


@njit(cache=True, nogil=True, inline="always")
def _add(one, other):  # type: ignore[no-untyped-def]
    """log(exp(one) + exp(other))"""
    high, low = max(one, other), min(one, other)
    return high + np.log1p(np.exp(low - high)) if low > -np.inf else high
