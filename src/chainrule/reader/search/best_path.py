"""From the scores of the frames to characters: the best path, and where each character is.

log_p is always (K, T): the logarithms of the probabilities of K classes, class 0 the blank, at T
frames. Labels are classes without the blank.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.io.compiled import compiled

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


def align(log_p: LogP, labels: Sequence[int]) -> list[tuple[int, int]]:
    """The frames (first, last + 1) of each label on the most probable path that spells them.

    The Viterbi path through the labels with blanks between, before and after. Every label gets at
    least one frame; there must be enough frames (see `frames_needed`).
    """
    if not labels:
        return []
    frames = np.ascontiguousarray(log_p.T)
    first_and_last: list[list[int]] = _aligned(frames, np.array(labels, np.int64)).tolist()
    return [(first, last) for first, last in first_and_last]


@compiled
def _aligned(frames, labels):  # type: ignore[no-untyped-def]
    entries = 2 * len(labels) + 1
    path = np.zeros(entries, np.int64)
    path[1::2] = labels
    score = np.full(entries, -np.inf)
    score[0], score[1] = frames[0, 0], frames[0, path[1]]
    steps = np.zeros((len(frames), entries), np.int8)
    for t in range(1, len(frames)):
        for s in range(entries - 1, -1, -1):  # those before are as at t - 1
            best = score[s]
            if s > 0 and score[s - 1] > best:
                best, steps[t, s] = score[s - 1], 1
            # a blank must not be left out between two of the same label
            if s > 1 and path[s] != 0 and path[s] != path[s - 2] and score[s - 2] > best:
                best, steps[t, s] = score[s - 2], 2
            score[s] = best + frames[t, path[s]]
    spans = np.full((len(labels), 2), -1, np.int64)
    s = entries - 1 if score[entries - 1] > score[entries - 2] else entries - 2
    for t in range(len(frames) - 1, -1, -1):
        if s % 2 == 1:
            label = s // 2
            spans[label, 0] = t
            if spans[label, 1] < 0:
                spans[label, 1] = t + 1
        s -= steps[t, s]
    return spans
