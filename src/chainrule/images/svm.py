"""Linear support vector machines on features, one against the rest, and their cross-validation."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int

from chainrule.errors import InputError
from chainrule.io.checks import positive_number, whole_number

FOLDS = 5
_ABSENT = -1.0  # the score of a class that was not trained on: where its rest's support lies


def check_settings(C: float, seed: int) -> None:
    """Raise InputError for what the SVM does not take."""
    positive_number("`C`", C)
    whole_number("`seed`", seed, 0, 2**32 - 1)


def normalized(values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each row brought to Euclidean length 1 (a row of zeros stays)."""
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def decision_scores(
    train: Float[np.ndarray, "n d"],
    positive: Bool[np.ndarray, " n"],
    test: Float[np.ndarray, "m d"],
    *,
    C: float,
    seed: int,
) -> Float[np.ndarray, " m"]:
    """The test pictures' distances from the plane of a linear SVM (hinge loss, liblinear)."""
    return np.asarray(_svm(C, seed, False).fit(train, positive).decision_function(test))


def fit_planes(
    values: Float[np.ndarray, "n d"],
    truth: Int[np.ndarray, " n"],
    classes: int,
    *,
    C: float,
    seed: int,
    balanced: bool = False,
) -> tuple[Float[np.ndarray, "classes d"], Float[np.ndarray, " classes"]]:
    """A plane a class, weight and bias: score = weight f + bias, above 0 for the class.

    With `balanced` an error costs the more, the fewer pictures its class has. A class without
    pictures gets a plane that never speaks for it.
    """
    present = np.unique(truth)
    weight = np.zeros((classes, values.shape[1]))
    bias = np.full(classes, _ABSENT)
    if len(present) == 1:
        bias[present] = -_ABSENT
        return weight, bias
    svm = _svm(C, seed, balanced).fit(values, truth)
    weight[present], bias[present] = planes_of(svm.coef_, svm.intercept_)
    return weight, bias


def planes_of(
    coefficients: Float[np.ndarray, "k d"], intercepts: Float[np.ndarray, " k"]
) -> tuple[Float[np.ndarray, "classes d"], Float[np.ndarray, " classes"]]:
    """A plane a class of what scikit-learn has fitted: of two classes it gives the second's."""
    if len(coefficients) > 1:
        return coefficients, intercepts
    return (
        np.concatenate([-coefficients, coefficients]),
        np.concatenate([-intercepts, intercepts]),
    )


def fold_numbers(
    truth: Int[np.ndarray, " n"], group: Int[np.ndarray, " n"], seed: int
) -> Int[np.ndarray, " n"]:
    """The fold of each picture: classes alike in all of them, no group in two.

    There are `FOLDS`, or as many as the smallest class has groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    least = min(len(np.unique(group[truth == c])) for c in np.unique(truth))
    folds = min(FOLDS, least)
    if folds < 2:
        raise InputError("a class has pictures of one group only; expected two that can be parted")
    alone = len(np.unique(group)) == len(group)
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    split = kind(folds, shuffle=True, random_state=seed)
    number = np.zeros(len(truth), dtype=np.intp)
    parts = split.split(np.zeros((len(truth), 1)), truth, None if alone else group)
    for fold, (_, held_out) in enumerate(parts):
        number[held_out] = fold
    return number


def cross_validated_scores(
    values: Float[np.ndarray, "n d"],
    truth: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    classes: int,
    *,
    C: float,
    seed: int,
    balanced: bool = False,
) -> Float[np.ndarray, "n classes"]:
    """The scores of each picture by planes that it did not train."""
    scores = np.zeros((len(truth), classes))
    for number in np.unique(fold):
        out = fold == number
        weight, bias = fit_planes(
            values[~out], truth[~out], classes, C=C, seed=seed, balanced=balanced
        )
        scores[out] = values[out] @ weight.T + bias
    if not math.isfinite(float(scores.sum())):
        raise InputError("the features hold a number that is not finite; expected finite ones")
    return scores


def _svm(C: float, seed: int, balanced: bool):  # type: ignore[no-untyped-def]
    from sklearn.svm import LinearSVC

    return LinearSVC(
        C=C,
        loss="hinge",
        dual=True,
        max_iter=20_000,
        random_state=seed,
        class_weight="balanced" if balanced else None,
    )
