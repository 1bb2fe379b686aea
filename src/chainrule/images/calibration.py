"""From scores to probabilities that are as sure as they are right, and how right they are."""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Reliability:
    """Of the pictures whose best probability lies from `low` to `high`: how many were right."""

    low: float
    high: float
    pictures: int
    mean_probability: float
    right: float


def probabilities(
    scores: Float[np.ndarray, "n classes"], temperature: float
) -> Float[np.ndarray, "n classes"]:
    """softmax(score / temperature) over the classes."""
    scaled = scores / temperature
    exponential = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(exponential / exponential.sum(1, keepdims=True))


def fit_temperature(scores: Float[np.ndarray, "n classes"], truth: Int[np.ndarray, " n"]) -> float:
    """The temperature by which the true classes are the most probable.

    As in Platt's rule, one picture more is thought to be wrong: without, a few pictures that are
    all right would make every answer certain.
    Source: Guo et al., On calibration of modern neural networks, 2017, section 4.2; Platt,
    Probabilistic outputs for support vector machines, 1999.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))
    doubt = 1 / (len(truth) + 2)

    def loss(log_temperature: float) -> float:
        p = np.log(np.maximum(probabilities(scores, np.exp(log_temperature)), 1e-300))
        wrong = (p.sum(1) - p[rows, truth]) / max(scores.shape[1] - 1, 1)
        return float(-((1 - doubt) * p[rows, truth] + doubt * wrong).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-6.0, 3.0), method="bounded").x))


def held_out_probabilities(
    scores: Float[np.ndarray, "n classes"],
    truth: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "n classes"]:
    """Probabilities of each picture with a temperature that the other folds chose."""
    result = np.zeros_like(scores)
    for number in np.unique(fold):
        out = fold == number
        temperature = fit_temperature(scores[~out], truth[~out])
        result[out] = probabilities(scores[out], temperature)
    return result


def reliability_table(
    probability: Float[np.ndarray, "n classes"], truth: Int[np.ndarray, " n"]
) -> tuple[Reliability, ...]:
    """How often answers of each sureness are right; bins without pictures are left out."""
    best, right = probability.max(1), probability.argmax(1) == truth
    rows = []
    for low, high in itertools.pairwise(EDGES):
        inside = (best >= low) & ((best < high) | (high == 1.0))
        if inside.any():
            rows.append(
                Reliability(
                    low,
                    high,
                    int(inside.sum()),
                    float(best[inside].mean()),
                    float(right[inside].mean()),
                )
            )
    return tuple(rows)
