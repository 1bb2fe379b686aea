"""How far simulated runs are from published ones of the same setting.

For each of the three numbers of a run, the squared maximum mean discrepancy between the published
values x_i and the simulated values z_j (Gretton et al., A kernel two-sample test, JMLR 13, 2012,
eq. 5; as a distance of approximate Bayesian computation: Park, Jitkrittum, Sejdinovic, K2-ABC,
AISTATS 2016), times how many are published:

    n (2 mean d(x_i, z_j) - mean d(x_i, x_k) - mean d(z_j, z_l)),      d = 1 - kernel

d(a, b) = 1 - exp(-|a - b| / c), with errors as they are and c = one point of a hundred, iterations
in logarithms and c = 1/4 (a quarter more or less). "None" is 1 away from any iteration. A published
number that is not stated is left out. Each term is at least 0, so the sum over settings only grows.
"""

import numpy as np
from jaxtyping import Float64

ERROR_SCALE, ITERATION_SCALE = 0.01, 0.25


def distance(published: Float64[np.ndarray, "n 3"], simulated: Float64[np.ndarray, "k 3"]) -> float:
    """The distance of runs of one setting; NaN in `published` is a number that is not stated."""
    total = 0.0
    for column in range(3):
        stated = published[:, column]
        stated = stated[~np.isnan(stated)]
        if len(stated):
            total += len(stated) * _discrepancy(
                _scaled(stated, column), _scaled(simulated[:, column], column)
            )
    return total


def _scaled(values: np.ndarray, column: int) -> np.ndarray:
    return np.log(values) / ITERATION_SCALE if column == 2 else values / ERROR_SCALE


def _discrepancy(x: np.ndarray, z: np.ndarray) -> float:
    return max(0.0, 2 * _mean(x, z) - _mean(x, x) - _mean(z, z))  # below 0 by rounding only


def _mean(a: np.ndarray, b: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):  # none against none
        gap = np.abs(a[:, None] - b[None, :])
    return float(-np.expm1(-np.where(np.isnan(gap), 0.0, gap)).mean())
