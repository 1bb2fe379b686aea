"""Runs as the published ones were made, on points that a candidate draws.

Of a run only its end is wanted: both errors, and since when the training error has stood still. So
the steps are taken without looking at the errors, and the last stretches again with both counted,
the last one first, each twice as long as the one after it, until the error differs. The result is
that of `chainrule.points.train`, bit for bit.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from chainrule.points.data import Points
from chainrule.points.inference.published import NEVER, RunSetting
from chainrule.points.training import children, initial_parameters

STILL = 0.01  # the share of a run for which an error above zero must have stood still
_LAST_STRETCH = 500  # iterations


def simulate(
    training: Points,
    validation: Points,
    setting: RunSetting,
    seeds: Sequence[np.random.SeedSequence],
) -> Float64[np.ndarray, "k 3"]:
    """One run for each seed: training error, validation error, iteration (NEVER: none).

    The iteration is the first one (from 1) from which the training error keeps its last value. At
    zero it is what the original calls convergence: the iteration after the last one that is not
    zero. The original also gives an iteration to two runs that end with one wrong point, and to one
    of three that end at 50 %: those errors stand still. It is NEVER if the last value is above zero
    and has not stood for the last hundredth of the run (STILL). A run whose numbers overflow counts
    as all wrong and never still.
    """
    X = np.ascontiguousarray(training.features)
    points = np.ascontiguousarray(np.concatenate([X, validation.features]).T)
    labels = np.concatenate([training.labels, validation.labels])
    return np.array([_run(X, training.labels, points, labels, setting, s) for s in seeds])


def _run(
    X: np.ndarray,
    y: np.ndarray,
    points: np.ndarray,
    labels: np.ndarray,
    setting: RunSetting,
    seed: np.random.SeedSequence,
) -> tuple[float, float, float]:
    from chainrule.points.kernel import sgd_steps, sgd_with_errors

    weights_seed, order_seed = children(seed)
    start = initial_parameters(X.shape[1], setting.hidden, "uniform", weights_seed)
    now = [start[name].copy() for name in ("W_in", "b_in", "w_out")] + [start["b_out"].reshape(1)]
    order = np.random.default_rng(order_seed).integers(0, len(y), setting.iterations)
    stretches = _stretches(setting.iterations)
    kept = []
    for first, last in stretches:
        kept.append([array.copy() for array in now])
        if sgd_steps(*now, X, y, order[first:last], setting.learning_rate) >= 0:
            return 1.0, 1.0, NEVER
    settled, at_end, validation_error = 1, 0, 0.0
    for (first, last), before in zip(reversed(stretches), reversed(kept), strict=True):
        wrong, other = np.empty((2, last - first), np.int32)
        W_in, b_in, w_out, b_out = before
        sgd_with_errors(
            W_in, b_in, w_out, b_out, X, y, order[first:last], setting.learning_rate, points,
            labels, wrong, other,
        )  # fmt: skip
        if last == setting.iterations:
            at_end, validation_error = int(wrong[-1]), int(other[-1]) / (len(labels) - len(y))
        changes = np.flatnonzero(wrong != at_end)
        if len(changes):
            settled = first + int(changes[-1]) + 2
            break
    moving = at_end > 0 and settled > (1 - STILL) * setting.iterations
    return at_end / len(y), validation_error, NEVER if moving else float(settled)


def _stretches(iterations: int) -> list[tuple[int, int]]:
    """Cut 0..iterations into stretches; each is twice as long as the next, the last has 500."""
    cuts, length = [iterations], _LAST_STRETCH
    while cuts[0] > 0:
        cuts.insert(0, max(0, cuts[0] - length))
        length *= 2
    return list(itertools.pairwise(cuts))
