"""One-against-all linear classifiers on several kinds of features, judged by average precision."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from chainrule.chain.inference.precision import Precision
from chainrule.errors import InputError
from chainrule.images.average_precision import (
    PrecisionRecall,
    average_precision,
    average_precision_11_point,
    bootstrap_interval,
    precision_recall,
)
from chainrule.images.bag_of_words import encode_pictures, fit_bag_of_words, fit_fisher_vector
from chainrule.images.collection import (
    Collection,
    Skipped,
    split_in_halves,
    without_duplicates,
)
from chainrule.images.features import Features, network_features
from chainrule.images.network import FeatureSource
from chainrule.io.progress import Progress

KINDS = ("cnn", "bovw", "fisher")


@dataclass(frozen=True)
class Row:
    """How well one class is found by one kind of features."""

    features: str
    class_name: str
    average_precision: float
    average_precision_11_point: float
    interval: tuple[float, float]
    positives: int
    negatives: int
    curve: PrecisionRecall
    best: tuple[Path, ...]  # the test pictures, ranked: the first and the last few
    worst: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """The entry of `rows` in the document that `chainrule images evaluate --json` prints."""
        return {
            "features": self.features,
            "class": self.class_name,
            "average_precision": self.average_precision,
            "average_precision_11_point": self.average_precision_11_point,
            "interval": list(self.interval),
            "positives": self.positives,
            "negatives": self.negatives,
        }


@dataclass(frozen=True)
class Evaluation:
    """One row a kind of features and class; `skipped` says what was left out and why."""

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]


def evaluate(
    collection: Collection,
    kinds: Sequence[str],
    network: FeatureSource | None,
    *,
    classes: Sequence[str] = (),
    seed: int = 0,
    C: float = 1.0,
    precision: Precision | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Train on one part of the pictures and rank the other, for each kind of features and class.

    `kinds` are of "cnn" (which needs `network`), "bovw" and "fisher"; visual words are learned from
    the training part alone. `classes` chooses which classes to look for, all by default; the
    pictures of the others stay as negatives. Pictures of the same content are used once.

    Raises InputError for a kind or class that is not there, or if no class can be judged.
    """
    wanted = _chosen(collection, classes)
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"features {kind!r}; expected one of {', '.join(KINDS)}")
    check_settings(C, seed)
    collection = without_duplicates(collection)
    train = split_in_halves(collection, seed)
    rows: list[Row] = []
    skipped = list(collection.skipped)
    for number, kind in enumerate(kinds):
        training = [f for f, use in zip(collection.files, train, strict=True) if use]
        report = _part_of(progress, number, len(kinds))
        if kind == "cnn":
            assert network is not None
            features = network_features(
                collection.files, network, precision=precision, cache=cache, progress=report
            )
        else:
            fit = fit_bag_of_words if kind == "bovw" else fit_fisher_vector
            features = encode_pictures(collection.files, fit(training, seed), progress=report)
        skipped += [s for s in features.skipped if s not in skipped]
        new, left_out = _judged(kind, features, collection, train, wanted, seed, C)
        rows += new
        skipped += [s for s in left_out if s not in skipped]
    if not rows:
        raise InputError(
            "no class has positives and negatives both to train on and to test on; expected at "
            "least two classes of two pictures that can be read"
        )
    return Evaluation(tuple(rows), tuple(skipped))


def check_settings(C: float, seed: int) -> None:
    """Raise InputError for what the SVM does not take."""
    if not 0 < C < math.inf:
        raise InputError(f"`C` is {C!r}; expected a number above 0")
    if not 0 <= seed < 2**32:
        raise InputError(f"`seed` is {seed}; expected a whole number from 0 to {2**32 - 1}")


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
    from sklearn.svm import LinearSVC

    svm = LinearSVC(C=C, loss="hinge", dual=True, max_iter=20_000, random_state=seed)
    return np.asarray(svm.fit(train, positive).decision_function(test))


def _judged(
    kind: str,
    features: Features,
    collection: Collection,
    train: Bool[np.ndarray, " n"],
    wanted: Sequence[int],
    seed: int,
    C: float,
) -> tuple[list[Row], list[Skipped]]:
    collection, train = collection.taken(features.kept), train[features.kept]
    values = normalized(features.values) if len(features.kept) else features.values
    rows, skipped = [], []
    for c in wanted:
        name, truth = collection.classes[c], collection.truth[:, c]
        missing = [
            f"no {sign} in the {part} part"
            for part, index in (("training", train), ("test", ~train))
            for sign, value in (("positive", 1), ("negative", -1))
            if not (truth[index] == value).any()
        ]
        if missing:
            skipped.append(Skipped(name, f"class {name!r} has {' and '.join(missing)}"))
            continue
        # as the development kit does, the difficult ones neither train nor count
        clear = train & (truth != 0)
        scores = decision_scores(values[clear], truth[clear] == 1, values[~train], C=C, seed=seed)
        relevant, ignored = truth[~train] == 1, truth[~train] == 0
        generator = np.random.default_rng(np.random.SeedSequence([seed, c]))
        curve = precision_recall(scores, relevant, ignored)
        files = [f for f, use in zip(collection.files, ~train, strict=True) if use]
        ranked = [files[i] for i in np.argsort(-scores, kind="stable")]
        rows.append(
            Row(
                kind,
                name,
                average_precision(scores, relevant, ignored),
                average_precision_11_point(scores, relevant, ignored),
                bootstrap_interval(scores, relevant, ignored, generator=generator),
                curve.positives,
                curve.negatives,
                curve,
                tuple(ranked[:12]),
                tuple(ranked[-12:]),
            )
        )
    return rows, skipped


def _chosen(collection: Collection, classes: Sequence[str]) -> list[int]:
    for name in classes:
        if name not in collection.classes:
            raise InputError(f"class {name!r}; expected some of {', '.join(collection.classes)}")
    if len(collection.classes) < 2 and not (collection.truth == -1).any():
        raise InputError(
            f"the only class is {collection.classes[0]!r}; expected at least two, so that one can "
            "be told from the others"
        )
    return [i for i, name in enumerate(collection.classes) if not classes or name in classes]


def _part_of(progress: Progress | None, number: int, of: int) -> Progress | None:
    """Progress of one kind of features as a part of all."""
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(number * total + done, of * total)
