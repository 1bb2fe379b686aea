"""Precision, recall and average precision of a ranking, with bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class PrecisionRecall:
    """The curve of a ranking: one point after each distinct score, best first.

    Of the pictures that score at least `threshold[i]`, the fraction `precision[i]` is relevant,
    and they are the fraction `recall[i]` of all relevant ones (0 if there are none).
    """

    threshold: Float[np.ndarray, " k"]
    precision: Float[np.ndarray, " k"]
    recall: Float[np.ndarray, " k"]
    positives: int
    negatives: int


@dataclass(frozen=True)
class _Ranking:
    """Counts after each distinct score, best first: found `hits` relevant among `taken`."""

    relevant: NDArray[np.bool_]  # of each picture, best first
    ends: NDArray[np.intp]  # the place of the last picture of each distinct score

    @property
    def hits(self) -> NDArray[np.int64]:
        return np.cumsum(self.relevant, dtype=np.int64)[self.ends]

    @property
    def taken(self) -> NDArray[np.int64]:
        return (self.ends + 1).astype(np.int64)


def precision_recall(
    scores: ArrayLike, relevant: ArrayLike, ignored: ArrayLike | None = None
) -> PrecisionRecall:
    """The precision-recall curve of `scores` (n,) for the pictures where `relevant` (n,) is true.

    Pictures of the same score are taken together, so the curve does not depend on their order.
    Where `ignored` (n,) is true a picture counts neither as a positive nor as a negative, as the
    development kit of the PASCAL VOC challenge does with the 'difficult' ones.

    Raises ShapeError for lengths that differ, InputError for scores that are not finite.
    """
    ranking, threshold = _rank(scores, relevant, ignored)
    hits, taken = ranking.hits, ranking.taken
    positives = int(ranking.relevant.sum())
    return PrecisionRecall(
        threshold=threshold,
        precision=hits / taken,
        recall=hits / max(positives, 1),
        positives=positives,
        negatives=len(ranking.relevant) - positives,
    )


def average_precision(
    scores: ArrayLike, relevant: ArrayLike, ignored: ArrayLike | None = None
) -> float:
    """The area under the precision-recall curve: sum_i (R_i - R_{i-1}) P_i.

    Without any relevant picture it is 0. Arguments and errors as in `precision_recall`.
    Source: Everingham et al., The PASCAL VOC challenge: a retrospective, 2015 (without the
    interpolation), and scikit-learn's definition.
    """
    curve = precision_recall(scores, relevant, ignored)
    return float(np.diff(curve.recall, prepend=0.0) @ curve.precision)


def average_precision_11_point(
    scores: ArrayLike, relevant: ArrayLike, ignored: ArrayLike | None = None
) -> float:
    """The mean, over the recalls t = 0, 0.1, ... 1, of the best precision at a recall >= t.

    Arguments and errors as in `precision_recall`.
    Source: Everingham et al., The PASCAL visual object classes (VOC) challenge, 2010, section 4.2.
    """
    ranking, _ = _rank(scores, relevant, ignored)
    hits = ranking.hits
    if not len(hits) or hits[-1] == 0:
        return 0.0
    precision = hits / ranking.taken
    # in whole numbers, since a recall of 0.3 and three times 0.1 differ in floating point
    return float(sum(precision[10 * hits >= t * hits[-1]].max() for t in range(11)) / 11)


def bootstrap_interval(
    scores: ArrayLike,
    relevant: ArrayLike,
    ignored: ArrayLike | None = None,
    *,
    generator: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile interval of the average precision over `resamples` draws of the pictures.

    Positives and negatives are drawn apart, each with replacement, so that every draw has as many
    of both as there are. Without any relevant picture it is (0, 0).

    Raises what `precision_recall` raises, and InputError for a level outside (0, 1).
    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13.
    """
    if not 0 < level < 1:
        raise InputError(f"`level` is {level!r}; expected a number between 0 and 1")
    ranking, _ = _rank(scores, relevant, ignored)
    positives = int(ranking.relevant.sum())
    if positives == 0:
        return 0.0, 0.0
    values = np.array([_resampled(ranking, positives, generator) for _ in range(resamples)])
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled(ranking: _Ranking, positives: int, generator: np.random.Generator) -> float:
    """The average precision when each picture counts as often as it is drawn."""
    relevant = ranking.relevant
    times = np.empty(len(relevant), dtype=np.int64)
    for group in (relevant, ~relevant):
        size = int(group.sum())
        times[group] = np.bincount(generator.integers(size, size=size), minlength=size)
    hits = np.cumsum(times * relevant)[ranking.ends]
    taken = np.cumsum(times)[ranking.ends]
    precision = hits / np.maximum(taken, 1)
    return float(np.diff(hits, prepend=0) @ precision) / positives


def _rank(
    scores: ArrayLike, relevant: ArrayLike, ignored: ArrayLike | None
) -> tuple[_Ranking, Float[np.ndarray, " k"]]:
    score, wanted = _checked(scores, relevant, ignored)
    order = np.argsort(-score, kind="stable")
    score = score[order]
    last = np.append(np.diff(score) != 0, True)[: len(score)]
    ends = np.flatnonzero(last)
    return _Ranking(wanted[order], ends), score[ends]


def _checked(
    scores: ArrayLike, relevant: ArrayLike, ignored: ArrayLike | None
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    score = np.asarray(scores, dtype=np.float64)
    wanted = np.asarray(relevant, dtype=bool)
    kept = ~np.asarray(ignored, dtype=bool) if ignored is not None else np.ones_like(wanted)
    if score.ndim != 1 or score.shape != wanted.shape or score.shape != kept.shape:
        raise ShapeError(
            f"scores have shape {score.shape}, the relevant ones {wanted.shape}, the ignored ones "
            f"{kept.shape}; expected one number a picture in each"
        )
    if not np.isfinite(score).all():
        raise InputError(f"score {int(np.argmin(np.isfinite(score)))} is not a finite number")
    return score[kept], wanted[kept]
