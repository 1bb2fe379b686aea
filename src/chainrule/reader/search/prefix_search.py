"""The most probable text of a line's scores: prefix search, with or without a lexicon."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.io.compiled import compiled
from chainrule.reader.search.lexicon import Lexicon, end_of_line, lexicon, next_character

LogP = NDArray[np.float32] | NDArray[np.float64]


class SearchSettings(NamedTuple):
    """How wide the search is, and how much the lexicon counts.

    width: prefixes kept at each frame. least_class: a class whose log probability is below it is
    not looked at. pruning: a prefix whose score is so far below the best is dropped. lexicon_weight
    and length_bonus: see `prefix_search`; they were found on lines of the training families alone.
    """

    width: int = 8
    least_class: float = -5.0
    pruning: float = -8.0
    lexicon_weight: float = 0.5
    length_bonus: float = 1.5


EXACT = SearchSettings(4096, -np.inf, -np.inf)
"""Nothing is passed over, as long as there are no more than 4,096 prefixes."""


def prefix_search(
    log_p: LogP, settings: SearchSettings | None = None, words: Lexicon | None = None
) -> list[int]:
    r"""The labels l with the greatest score found by prefix search,

        log P(l | frames) + [with a lexicon]  lexicon_weight log P(l) + length_bonus n

    where P(l | frames) is the sum over the paths that spell l, and n the number of labels. log_p
    (K, T): the logarithms of the probabilities of K classes, 0 the blank, at T frames.

    A prefix keeps two sums: of its paths that end in a blank, b, and of the others, o. At a frame
    with probabilities p, with c the prefix's last label,

        b' = (b + o) p[blank],      o' = o p[c]  (the same character goes on)

    and the prefix and one more label k gets (b + o) p[k], or, if k = c, b p[k] alone: the second
    one needs a blank before it. A prefix that is reached both ways adds them.

    Source: Graves, Supervised sequence labelling with recurrent neural networks, 2012, section 7.5;
    the lexicon's weight and the bonus: Hannun et al., First-pass large vocabulary continuous speech
    recognition using bi-directional recurrent DNNs, 2014, alg. 1.
    """
    return prefix_searches(log_p.T[None], [log_p.shape[1]], settings, words)[0]


def prefix_searches(
    log_p: LogP,
    frames: Sequence[int],
    settings: SearchSettings | None = None,
    words: Lexicon | None = None,
) -> list[list[int]]:
    """`prefix_search` for several lines: log_p (N, T, K), of which each has so many frames."""
    settings = settings or SearchSettings()
    if words is None:
        settings = settings._replace(lexicon_weight=0.0, length_bonus=0.0)
    tables = (words or _unused_lexicon()).tables
    found, lengths = _search_all(
        np.ascontiguousarray(log_p), np.asarray(frames, np.int64), settings, tables
    )
    return [own[:length] for own, length in zip(found.tolist(), lengths.tolist(), strict=True)]


class Prefix(NamedTuple):
    """A text that the search keeps: log P(labels | frames), and its score with the lexicon's."""

    labels: list[int]
    log_probability: float
    score: float


def kept_prefixes(
    log_p: LogP, settings: SearchSettings | None = None, words: Lexicon | None = None
) -> list[Prefix]:
    """What `prefix_search` keeps after the last frame of log_p (K, T), the best first."""
    settings = settings or SearchSettings()
    if words is None:
        settings = settings._replace(lexicon_weight=0.0, length_bonus=0.0)
    tables = (words or _unused_lexicon()).tables
    frames = np.ascontiguousarray(log_p.T)
    found, lengths, scores = _kept(frames, settings, tables)
    prefixes = [
        Prefix(own[:length], *both)
        for own, length, both in zip(found.tolist(), lengths.tolist(), scores.tolist(), strict=True)
    ]
    return sorted(prefixes, key=lambda prefix: -prefix.score)


@cache
def _unused_lexicon() -> Lexicon:
    """What the compiled function takes in place of no lexicon."""
    words = lexicon("a", ["a"])
    assert words is not None
    return words


# every prefix that was ever kept: the prefix without its last label, and that label
_NODE = np.dtype([("before", np.int64), ("label", np.int64)])

# a prefix that is kept, or that one grows into at a frame. One array of records: a tuple of arrays
# would be counted in and out at each step, which took as long as the search itself.
_PREFIX = np.dtype(
    [
        ("place", np.int64),  # in the tree; -1 where it is new
        ("parent", np.int64),  # the kept prefix that it grew from
        ("last", np.int64),  # its last label
        ("state", np.int64),  # of the lexicon
        ("case", np.int64),
        ("blank", np.float64),  # log b
        ("spoken", np.float64),  # log o
        ("both", np.float64),  # log (b + o)
        ("text", np.float64),  # what the lexicon and the bonus add
        ("score", np.float64),  # both + text
    ]
)


@compiled
def _search_all(log_p, frames, settings, tables):  # type: ignore[no-untyped-def]
    found = np.zeros((len(log_p), log_p.shape[1]), np.int64)
    lengths = np.zeros(len(log_p), np.int64)
    for n in range(len(log_p)):
        labels = _search(log_p[n, : frames[n]], settings, tables)
        found[n, : len(labels)] = labels
        lengths[n] = len(labels)
    return found, lengths


@compiled
def _search(frames, settings, tables):  # type: ignore[no-untyped-def]
    prefixes, kept, tree = _searched(frames, settings, tables)
    return _spelled(_finished(prefixes, kept, settings, tables), tree)


@compiled
def _kept(frames, settings, tables):  # type: ignore[no-untyped-def]
    """The labels of each prefix that is kept at the end, how many they are, and its scores."""
    prefixes, kept, tree = _searched(frames, settings, tables)
    found, lengths = np.zeros((kept, len(frames)), np.int64), np.zeros(kept, np.int64)
    scores = np.empty((kept, 2))
    for i in range(kept):
        labels = _spelled(prefixes[i].place, tree)
        found[i, : len(labels)], lengths[i] = labels, len(labels)
        scores[i, 0], scores[i, 1] = prefixes[i].both, prefixes[i].score
    return found, lengths, scores


@compiled
def _searched(frames, settings, tables):  # type: ignore[no-untyped-def]
    classes, width = frames.shape[1], settings.width
    tree = np.empty(len(frames) * width + 1, _NODE)
    tree[0].before, tree[0].label = -1, 0
    prefixes = np.empty(width * classes, _PREFIX)  # the kept ones first
    prefixes[0] = np.zeros(1, _PREFIX)[0]
    prefixes[0].spoken = -np.inf
    grown = np.full((width, classes), -1)  # the kept prefix that one and a label make
    best, copies = np.empty(width, np.int64), np.empty(width, _PREFIX)
    certain = np.log1p(
        -np.exp(settings.least_class)
    )  # a blank above it leaves the others too little
    kept, nodes = 1, 1
    for t in range(len(frames)):
        frame, count = frames[t], kept
        if not frame[0] > certain:
            count = _grow(frame, prefixes, kept, settings.least_class)
        _go_on(frame, prefixes, kept)
        if count == kept:
            continue
        _note_grown(grown, prefixes, tree, kept, True)
        new = _settle(prefixes, grown, kept, count, settings, tables)
        _note_grown(grown, prefixes, tree, kept, False)
        if new > kept:
            kept = _choose(best, prefixes, new, settings.pruning)
            nodes = _keep(best[:kept], prefixes, copies, tree, nodes)
    return prefixes, kept, tree


@compiled
def _grow(frame, prefixes, kept, least):  # type: ignore[no-untyped-def]
    """Put each kept prefix and one more label behind the kept ones; how many there are then."""
    count = kept
    for label in range(1, len(frame)):
        if not frame[label] > least:
            continue
        for i in range(kept):
            paths = prefixes[i].blank if label == prefixes[i].last else prefixes[i].both
            if paths > -np.inf:
                prefixes[count].parent, prefixes[count].last = i, label
                prefixes[count].spoken = paths + frame[label]
                count += 1
    return count


@compiled
def _go_on(frame, prefixes, kept):  # type: ignore[no-untyped-def]
    """One frame more of the same text, for each kept prefix."""
    for i in range(kept):
        one = prefixes[i]
        one.spoken += frame[one.last] if one.last > 0 else -np.inf
        one.blank = one.both + frame[0]
        one.both = _add(one.blank, one.spoken)
        one.score = one.both + one.text


@compiled
def _note_grown(grown, prefixes, tree, kept, noted):  # type: ignore[no-untyped-def]
    """A kept prefix and one more label may be a prefix that is kept already: note which, or, not
    `noted`, forget it."""
    for j in range(kept):
        before = tree[prefixes[j].place].before
        for i in range(kept):
            if prefixes[i].place == before:
                grown[i, prefixes[j].last] = j if noted else -1
                break


@compiled
def _settle(prefixes, grown, kept, count, settings, tables):  # type: ignore[no-untyped-def]
    """Add those that are kept already to these, drop what is hopeless, and score the others."""
    weight, bonus = settings.lexicon_weight, settings.length_bonus
    least = -np.inf
    for i in range(kept):
        least = max(least, prefixes[i].score)
    least += settings.pruning
    new = kept
    for m in range(kept, count):
        parent, label, spoken = prefixes[m].parent, prefixes[m].last, prefixes[m].spoken
        same = grown[parent, label]
        if same >= 0:
            one = prefixes[same]
            one.spoken = _add(one.spoken, spoken)
            one.both = _add(one.blank, one.spoken)
            one.score = one.both + one.text
            continue
        text, state, case = prefixes[parent].text, prefixes[parent].state, prefixes[parent].case
        if spoken + text + max(bonus, 0.0) < least:
            continue
        if weight != 0.0 or bonus != 0.0:
            log_p, state, case = next_character(tables, state, case, label)
            text += weight * log_p + bonus
        one = prefixes[new]
        one.place, one.parent, one.last, one.state, one.case = -1, parent, label, state, case
        one.blank, one.spoken, one.both = -np.inf, spoken, spoken
        one.text, one.score = text, spoken + text
        new += 1
    return new


@compiled
def _choose(best, prefixes, count, pruning):  # type: ignore[no-untyped-def]
    """Put the best prefixes into `best`, the best first; how many are worth keeping."""
    size, room = 0, len(best)
    for i in range(count):
        score = prefixes[i].score
        if size == room and not score > prefixes[best[size - 1]].score:
            continue
        at = min(size, room - 1)
        while at > 0 and score > prefixes[best[at - 1]].score:
            best[at] = best[at - 1]
            at -= 1
        best[at] = i
        size = min(size + 1, room)
    while prefixes[best[size - 1]].score < prefixes[best[0]].score + pruning:
        size -= 1
    return size


@compiled
def _keep(chosen, prefixes, copies, tree, nodes):  # type: ignore[no-untyped-def]
    """Bring the chosen ones to the front, the new ones into the tree; how many this has then."""
    for k in range(len(chosen)):
        one = prefixes[chosen[k]]
        if one.place < 0:
            tree[nodes].before, tree[nodes].label = prefixes[one.parent].place, one.last
            one.place = nodes
            nodes += 1
        copies[k] = one
    for k in range(len(chosen)):
        prefixes[k] = copies[k]
    return nodes


@compiled
def _finished(prefixes, kept, settings, tables):  # type: ignore[no-untyped-def]
    """The place of the prefix that is the best as a whole line."""
    place, most = 0, -np.inf
    for i in range(kept):
        final = prefixes[i].both + prefixes[i].text
        if settings.lexicon_weight != 0.0:
            final += settings.lexicon_weight * end_of_line(tables, prefixes[i].state)
        if final > most:
            place, most = prefixes[i].place, final
    return place


@compiled
def _spelled(place, tree):  # type: ignore[no-untyped-def]
    length, node = 0, place
    while node > 0:
        length, node = length + 1, tree[node].before
    labels = np.empty(length, np.int64)
    node = place
    while node > 0:
        length -= 1
        labels[length], node = tree[node].label, tree[node].before
    return labels


@njit(nogil=True, inline="always")
def _add(one, other):  # type: ignore[no-untyped-def]
    """log(exp(one) + exp(other))"""
    high, low = max(one, other), min(one, other)
    return high + np.log1p(np.exp(low - high)) if low > -np.inf else high
