"""From the scores of the frames to characters: the best path, a beam, and where each character is.

log_p is always (K, T): the logarithms of the probabilities of K classes, class 0 the blank, at T
frames. Labels are classes without the blank.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LogP = NDArray[np.float32] | NDArray[np.float64]


def greedy(log_p: LogP) -> list[int]:
    """The labels of the most probable path: runs become one, blanks go."""
    best = log_p.argmax(0)
    kept = np.ones(len(best), bool)
    kept[1:] = best[1:] != best[:-1]
    labels: list[int] = best[kept & (best != 0)].tolist()
    return labels


def beam(log_p: LogP, width: int = 8, classes: int = 8) -> list[int]:
    """The most probable labels found by prefix search, summing over the paths that spell them.

    At each frame the `width` most probable prefixes are kept and only the `classes` most probable
    classes looked at. With enough of both it is exact. Source: Graves, Supervised sequence
    labelling with recurrent neural networks, 2012, section 7.5; Hannun et al., First-pass large
    vocabulary continuous speech recognition using bi-directional recurrent DNNs, 2014, alg. 1.
    """
    # of each prefix: the log-probability of its paths that end in a blank, and of the others
    prefixes: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for frame in log_p.T:
        labels = np.argsort(-frame, kind="stable")[:classes].tolist()
        grown: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (blank, other) in prefixes.items():
            either = float(np.logaddexp(blank, other))
            for label in labels:
                score = float(frame[label])
                if label == 0:
                    _add(grown, prefix, either + score, -np.inf)
                elif prefix and label == prefix[-1]:
                    _add(grown, prefix, -np.inf, other + score)  # the same character goes on
                    # a second one, after a blank
                    _add(grown, (*prefix, label), -np.inf, blank + score)
                else:
                    _add(grown, (*prefix, label), -np.inf, either + score)
        ranked = sorted(grown, key=lambda prefix: -np.logaddexp(*grown[prefix]))
        prefixes = {prefix: grown[prefix] for prefix in ranked[:width]}
    return list(next(iter(prefixes)))


def _add(
    grown: dict[tuple[int, ...], tuple[float, float]],
    prefix: tuple[int, ...],
    blank: float,
    other: float,
) -> None:
    before = grown.get(prefix, (-np.inf, -np.inf))
    grown[prefix] = float(np.logaddexp(before[0], blank)), float(np.logaddexp(before[1], other))


def align(log_p: LogP, labels: Sequence[int]) -> list[tuple[int, int]]:
    """The frames (first, last + 1) of each label on the most probable path that spells them.

    The Viterbi path through the labels with blanks between, before and after. Every label gets at
    least one frame; there must be enough frames (see `frames_needed`).
    """
    if not labels:
        return []
    path = np.zeros(2 * len(labels) + 1, np.int64)
    path[1::2] = labels
    skip = np.zeros(len(path), bool)
    skip[2:] = (path[2:] != 0) & (path[2:] != path[:-2])
    emitted = log_p[path]
    score = np.full(len(path), -np.inf)
    score[:2] = emitted[:2, 0]
    steps = np.zeros(emitted.shape, np.int64)
    for t in range(1, emitted.shape[1]):
        moves = np.full((3, len(path)), -np.inf)
        moves[0], moves[1, 1:] = score, score[:-1]
        moves[2, 2:] = np.where(skip[2:], score[:-2], -np.inf)
        steps[:, t] = moves.argmax(0)
        score = moves.max(0) + emitted[:, t]
    state = len(path) - 1 if score[-1] > score[-2] else len(path) - 2
    states = []
    for t in range(emitted.shape[1] - 1, -1, -1):
        states.append(state)
        state -= int(steps[state, t])
    order = np.array(states[::-1])
    return [
        (int(inside[0]), int(inside[-1]) + 1)
        for inside in (np.flatnonzero(order == 2 * i + 1) for i in range(len(labels)))
    ]
