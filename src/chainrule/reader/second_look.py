"""Lines that were read unsurely are cut and read again, a few times, each a little otherwise."""

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.reader.decode import LogP, with_blanks
from chainrule.reader.picture import WIDEST, Looseness, Strip, cut_strips

UNSURE = -0.03
"""The mean over the frames of the log probability of the best class, below which a line is unsure.
It and the looks were chosen by the errors on lines of the training families."""

_LOOKS = (
    Looseness(scale=1.1),
    Looseness(scale=0.9, blur=1.0),
    Looseness(stretch=0.85),
    Looseness(rise=1.5),
)
LOOKS = len(_LOOKS)
_WIDENED = max(look.scale * look.stretch for look in _LOOKS)


def unsure(log_p: LogP, frames: Sequence[int]) -> list[bool]:
    """Of each line, log_p (N, T, K) with so many frames, whether its frames' classes are improbable
    even at their best."""
    means = _mean_best(np.ascontiguousarray(log_p), np.asarray(frames, np.int64))
    unsure: list[bool] = (means < UNSURE).tolist()
    return unsure


def look_again(picture: NDArray[np.uint8], first: Strip) -> list[Strip]:
    """The strip of a grey picture cut otherwise, LOOKS times; none of one that is too wide."""
    if first.values.shape[1] * _WIDENED > WIDEST:
        return []
    return cut_strips(picture, _LOOKS)


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
    p = np.exp(log_p.T.astype(np.float64))
    return [_log_likelihood(p, with_blanks(labels)) for labels in readings]


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
