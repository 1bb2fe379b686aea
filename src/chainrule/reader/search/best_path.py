"""From the scores of the frames to characters: the best path, and where each character is.

log_p is always (K, T): the logarithms of the probabilities of K classes, class 0 the blank, at T
frames. Labels are classes without the blank.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LogP = NDArray[np.float32] | NDArray[np.float64]


def greedy(log_p: LogP) -> list[int]:
    """The labels of the most probable path: runs become one, blanks go."""
    return without_blanks(log_p.argmax(0))


def without_blanks(best: NDArray[np.integer]) -> list[int]:
    """The labels of a path, which has a class at each frame: runs become one, blanks go."""
    kept = np.ones(len(best), bool)
    kept[1:] = best[1:] != best[:-1]
    labels: list[int] = best[kept & (best != 0)].tolist()
    return labels


def with_blanks(labels: Sequence[int]) -> NDArray[np.int64]:
    """The labels with blanks before, between and after."""
    path = np.zeros(2 * len(labels) + 1, np.int64)
    path[1::2] = labels
    return path


def align(log_p: LogP, labels: Sequence[int]) -> list[tuple[int, int]]:
    """The frames (first, last + 1) of each label on the most probable path that spells them.

    The Viterbi path through the labels with blanks between, before and after. Every label gets at
    least one frame; there must be enough frames (see `frames_needed`).
    """
    if not labels:
        return []
    path = with_blanks(labels)
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
