"""Lines that were read unsurely are cut and read again, a few times, each a little otherwise."""

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from chainrule.reader.decode import LogP
from chainrule.reader.picture import WIDEST, Looseness, Strip, cut_strip
from chainrule.reader.resample import evened

UNSURE = -0.03
"""The mean over the frames of the log probability of the best class, below which a line is unsure:
of the lines below 6 in a hundred, with nine tenths of all wrong characters."""

_LOOKS = (
    (Looseness(scale=1.1), 0.0),
    (Looseness(scale=0.9), 1.0),
    (Looseness(stretch=0.85), 0.0),
    (Looseness(rise=1.5), 0.0),
)
"""How the strip is cut, and the standard deviation (pixels of it) of the blur after that. Threshold
and looks were chosen on 7,000 lines of training fonts, three in ten of them degraded: of 164,940
characters 1,887 were wrong with one look, 1,585 so."""

LOOKS = len(_LOOKS)
_WIDENED = 1.1  # by one of the looks
_SHARE = 0.98  # see `evened`


def unsure(log_p: LogP) -> bool:
    """Whether the classes (K, T) of a line's frames are improbable even at their best."""
    return bool(_mean_best(log_p.T) < UNSURE)


def look_again(picture: NDArray[np.uint8], first: Strip) -> list[Strip]:
    """The strip of a grey picture cut otherwise, LOOKS times; none of one that is too wide."""
    if first.values.shape[1] * _WIDENED > WIDEST:
        return []
    return [_blurred(cut_strip(picture, loose), deviation) for loose, deviation in _LOOKS]


def _blurred(strip: Strip, deviation: float) -> Strip:
    if not deviation:
        return strip
    values = evened(gaussian_filter(strip.values, deviation), _SHARE)
    return Strip(values, strip.left, strip.top, strip.scale_x, strip.scale_y)


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
    transposed = [np.exp(log_p.T.astype(np.float64)) for log_p in looks]
    scores = [
        sum(_log_likelihood(p, _path(labels)) for p in transposed) / len(looks) + prior(labels)
        for labels in different
    ]
    return list(different[int(np.argmax(scores))])


def log_likelihood(log_p: LogP, labels: Sequence[int]) -> float:
    """log P(l | frames): of all paths through log_p (K, T) that spell the labels together.

    The sum of `CTCLoss`, from one frame to the next divided by its total, so that it need not be in
    logarithms. -inf where there are too few frames, or a class has no chance in float64.
    """
    return float(_log_likelihood(np.exp(log_p.T.astype(np.float64)), _path(labels)))


def _path(labels: Sequence[int]) -> NDArray[np.int64]:
    path = np.zeros(2 * len(labels) + 1, np.int64)
    path[1::2] = labels
    return path


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
def _mean_best(frames):  # type: ignore[no-untyped-def]
    total = 0.0
    for frame in frames:
        best = frame[0]
        for value in frame:
            best = max(best, value)
        total += best
    return total / len(frames)
