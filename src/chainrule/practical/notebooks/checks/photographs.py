"""The checks of notebook 6: against scikit-learn's metrics and closed forms."""

import numpy as np
from sklearn import metrics

from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Hints,
    WrongAnswer,
    as_array,
    parts,
    same,
)
from chainrule.practical.notebooks.checks.parts import Part


def class_map(answer: Answer) -> None:
    generator = np.random.default_rng(15)
    maps, weights = generator.normal(size=(6, 3, 4)), generator.normal(size=6)
    weighted = weights[:, np.newaxis, np.newaxis] * maps
    right = weighted.sum(axis=0)
    hints = Hints(
        [
            (weighted, "there is a map for each channel: the sum over the channels is missing"),
            (right.mean(), "it is the score: the map before the mean is asked for"),
            (right / right.size, "the parts add up to the score: their mean should be it"),
            (weighted.mean(axis=0), "the channels are averaged: the score is their sum"),
            (maps.sum(axis=0), "the weights have no part in it"),
            (np.maximum(right, 0), "what speaks against the class is cut off"),
            (weighted.sum(axis=(1, 2)), "it adds up the places: the channels should be"),
            (right.T, "rows and columns have changed places"),
        ],
        {"as there are channels": 6.0, "as there are places": 12.0},
    )
    same("the map", answer(maps, weights), right, hints)


def normalized(answer: Answer) -> None:
    features = np.random.default_rng(16).normal(size=(5, 4))
    features[1] *= 0.1  # a row that is shorter than 1
    squares = (features**2).sum(axis=1, keepdims=True)
    lengths = np.sqrt(squares)
    hints = Hints(
        [
            (features / squares, "each row is divided by its length squared"),
            (
                features / np.abs(features).sum(axis=1, keepdims=True),
                "each row is divided by the sum of its sizes, which is another length",
            ),
            (
                features / np.linalg.norm(features, axis=0),
                "the columns have length 1: the rows should",
            ),
            (features / np.linalg.norm(features), "all rows together have length 1"),
            (
                features / np.abs(features).max(axis=1, keepdims=True),
                "each row is divided by its largest entry",
            ),
            (
                (features - features.mean(axis=1, keepdims=True))
                / features.std(axis=1, keepdims=True),
                "each row has mean 0 and variance 1: its length alone is asked for",
            ),
        ]
    )
    same("the rows", answer(features), features / lengths, hints)
    features[2] = 0
    found = as_array("the rows", answer(features))
    if not np.isfinite(found).all():
        raise WrongAnswer("a row of zeros becomes NaN: it is divided by 0")
    lengths[2] = 1
    same("the rows", found, features / lengths, case="(with a row of zeros)")
    whole = np.array([[3, 4], [-5, 12]])
    right = whole / np.array([[5], [13]])
    hints = Hints([(np.trunc(right), "the rows are cut to whole numbers, as the features are")])
    same("the rows", answer(whole), right, hints, "(of features that are whole numbers)")


def precision(answer: Answer) -> None:
    scores, relevant = _ranking()
    ranked, hits, taken, worst = _counted(scores, relevant)
    right, recalled = _curve(scores, relevant)
    found = parts(answer(scores, relevant), ("precision", "recall"))
    hints = Hints(
        [
            (recalled, "precision and recall have changed places"),
            (worst / taken, "the ranking begins with the lowest score"),
            (np.cumsum(relevant) / taken, "the photographs are not ranked by their score"),
            (hits / hits[-1], "precision: the share is of those so far, not of the class"),
            (ranked * 1.0, "precision: it is whether the one at the place is of the class"),
            (hits, "precision: it is how many were found; expected a share"),
        ]
    )
    same("precision", found[0], right, hints)


def recall(answer: Answer) -> None:
    scores, relevant = _ranking()
    ranked, hits, taken, worst = _counted(scores, relevant)
    precise, right = _curve(scores, relevant)
    found = parts(answer(scores, relevant), ("precision", "recall"))
    hints = Hints(
        [
            (precise, "precision and recall have changed places"),
            (worst / worst[-1], "the ranking begins with the lowest score"),
            (np.cumsum(relevant) / hits[-1], "the photographs are not ranked by their score"),
            (hits / len(ranked), "recall: the share is of the class's photographs, not of all"),
            (hits, "recall: it is how many were found; expected a share"),
            (taken / len(ranked), "recall: it is the share of all that was looked at"),
            ((1 - ranked).cumsum() / (1 - ranked).sum(), "recall: that of the other class"),
        ]
    )
    same("recall", found[1], right, hints)


def _counted(scores: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, ...]:
    """In order of the scores: which are of the class, how many up to each place, of how many; and
    how many up to each place from the lowest score."""
    ranked = relevant[np.argsort(-scores)]
    taken = np.arange(1, len(ranked) + 1)
    return ranked, np.cumsum(ranked), taken, np.cumsum(relevant[np.argsort(scores)])


def _curve(scores: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn's curve, from the lowest score, with a last point that is no photograph's
    curve = metrics.precision_recall_curve(relevant, scores)
    return curve[0][:-1][::-1], curve[1][:-1][::-1]


def average_precision(answer: Answer) -> None:
    scores, relevant = _ranking()
    ranked = relevant[np.argsort(-scores)]
    precise = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    worst = relevant[np.argsort(scores)]
    recalled = np.cumsum(ranked) / ranked.sum()
    envelope = np.maximum.accumulate(precise[::-1])[::-1]
    eleven = np.mean([precise[recalled >= t - 1e-12].max() for t in np.linspace(0, 1, 11)])
    right = metrics.average_precision_score(relevant, scores)
    slopes = "the area is that of slopes, not of steps"
    hints = Hints(
        [
            (precise.mean(), "it is the mean over all photographs, not over the class's"),
            (precise[-1], "it is the precision at the end of the ranking"),
            (
                (np.cumsum(worst) / np.arange(1, len(worst) + 1) * worst).sum() / worst.sum(),
                "the ranking begins with the lowest score",
            ),
            ((precise * ranked).sum() / len(ranked), "the sum is divided by all photographs"),
            ((precise * ranked).sum(), "the sum is not divided by the class's photographs"),
            (np.trapezoid(precise, recalled), slopes),
            (np.trapezoid(np.r_[1, precise], np.r_[0, recalled]), slopes),
            (
                (np.r_[0, precise[:-1]] * ranked).sum() / ranked.sum(),
                "the height is the precision before the photograph, not with it",
            ),
            ((envelope * ranked).sum() / ranked.sum(), "the precision is made to fall: it is not"),
            (eleven, "it is the mean at eleven recalls, an older definition"),
            (metrics.roc_auc_score(relevant, scores), "it is the area under another curve (ROC)"),
        ]
    )
    same("the average precision", answer(scores, relevant), right, hints)
    first = answer(np.arange(5.0), np.array([False, False, True, True, True]))
    same("the average precision", first, 1.0, case="(where all of the class come first)")
    last = answer(np.arange(4.0), np.array([True, False, False, False]))
    same("the average precision", last, 0.25, case="(where the only one comes last of four)")


def _ranking() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(19)
    relevant = generator.random(28) < 0.4
    scores = generator.normal(size=28) + relevant
    scores[relevant.argmax()] = scores.min() - 1  # the last one is of the class
    return scores, relevant


TASKS: dict[str, tuple[Part, ...]] = {
    "class_map": (Part("the map", 2, class_map),),
    "normalized": (Part("the rows", 1, normalized),),
    "precision_recall": (Part("precision", 2, precision), Part("recall", 1, recall)),
    "average_precision": (Part("the number", 3, average_precision),),
}
