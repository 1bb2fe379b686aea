"""One-against-all linear classifiers on several kinds of features, judged by average precision."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from chainrule.chain.inference.precision import Precision
from chainrule.errors import InputError
from chainrule.executors import Executor
from chainrule.images.average_precision import (
    PrecisionRecall,
    average_precision,
    average_precision_11_point,
    bootstrap_interval,
    precision_recall,
)
from chainrule.images.bag_of_words import encode_pictures, fit_bag_of_words, fit_fisher_vector
from chainrule.images.collection import Collection
from chainrule.images.duplicates import kept_together, near_duplicates, without_copies
from chainrule.images.feature_file import FeatureTable
from chainrule.images.features import joined_features, network_features
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.parts import split_in_halves
from chainrule.images.rows import Features
from chainrule.images.svm import check_settings, decision_scores, normalized
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


@dataclass(frozen=True)
class EvaluationSettings:
    """classes: those that are looked for, all by default; the pictures of the others stay as
    negatives. C: the SVM's cost of an error. seed: of the halves, words, solver and bootstrap.
    precision: of the network's arithmetic. near_duplicates: whether copies of another size,
    quality or cut are kept on one side of the split."""

    classes: Sequence[str] = ()
    C: float = 1.0
    seed: int = 0
    precision: Precision | None = None
    near_duplicates: bool = True


def evaluate(
    collection: Collection,
    kinds: Sequence[str],
    network: FeatureSource | None,
    settings: EvaluationSettings | None = None,
    *,
    cache: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Train on one part of the pictures and rank the other, for each kind of features and class.

    `kinds` are of "cnn" (which needs `network`), "bovw" and "fisher"; visual words are learned from
    the training part alone. Pictures of the same content are used once. `executor`: computes the
    network's features, as in `network_features`.

    Raises InputError for a kind or class that is not there, or if no class can be judged.
    """
    settings = settings or EvaluationSettings()
    wanted = _chosen(collection, settings.classes)
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"features {kind!r}; expected one of {', '.join(KINDS)}")
    check_settings(settings.C, settings.seed)
    collection = without_copies(collection)
    parts = [_part_of(progress, number, len(kinds)) for number in range(len(kinds))]
    values: np.ndarray | None = None
    if "cnn" in kinds:
        assert network is not None
        found = network_features(
            collection.files,
            network,
            precision=settings.precision,
            cache=cache,
            executor=executor,
            progress=parts[kinds.index("cnn")],
        )
        collection = collection.taken(found.kept, found.skipped)
        values = joined_features([found.values]) if found.kept else found.values
    collection, values = _together(collection, values, settings)
    train = split_in_halves(collection, settings.seed)
    rows: list[Row] = []
    skipped = list(collection.skipped)
    for kind, part in zip(kinds, parts, strict=True):
        if kind == "cnn":
            assert values is not None
            features = Features(values, list(range(len(collection.files))), [])
        else:
            training = [f for f, use in zip(collection.files, train, strict=True) if use]
            fit = fit_bag_of_words if kind == "bovw" else fit_fisher_vector
            encoder = fit(training, settings.seed)
            features = encode_pictures(collection.files, encoder, progress=part)
        skipped += [s for s in features.skipped if s not in skipped]
        new, left_out = _judged(kind, features, collection, train, wanted, settings)
        rows += new
        skipped += [s for s in left_out if s not in skipped]
    return _checked(rows, skipped)


def evaluate_table(table: FeatureTable, settings: EvaluationSettings | None = None) -> Evaluation:
    """As `evaluate`, from features that were computed before. Raises InputError."""
    settings = settings or EvaluationSettings()
    wanted = _chosen(table.collection, settings.classes)
    check_settings(settings.C, settings.seed)
    collection, values = _together(table.collection, table.values, settings)
    assert values is not None
    train = split_in_halves(collection, settings.seed)
    features = Features(values, list(range(len(values))), [])
    name = " + ".join(table.networks)
    rows, skipped = _judged(name, features, collection, train, wanted, settings)
    return _checked(rows, [*collection.skipped, *skipped])


def _together(
    collection: Collection, values: np.ndarray | None, settings: EvaluationSettings
) -> tuple[Collection, np.ndarray | None]:
    """Near-duplicates in one group; of the features those whose pictures stay."""
    if not settings.near_duplicates:
        return collection, values
    row = {file: i for i, file in enumerate(collection.files)}
    result = kept_together(collection, near_duplicates(collection.files, values))
    return result, values[[row[file] for file in result.files]] if values is not None else None


def _checked(rows: Sequence[Row], skipped: Sequence[Skipped]) -> Evaluation:
    if not rows:
        raise InputError(
            "no class has positives and negatives both to train on and to test on; expected at "
            "least two classes of two pictures that can be read"
        )
    return Evaluation(tuple(rows), tuple(skipped))


def _judged(
    kind: str,
    features: Features,
    collection: Collection,
    train: Bool[np.ndarray, " n"],
    wanted: Sequence[int],
    settings: EvaluationSettings,
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
        scores = decision_scores(
            values[clear], truth[clear] == 1, values[~train], C=settings.C, seed=settings.seed
        )
        relevant, ignored = truth[~train] == 1, truth[~train] == 0
        generator = np.random.default_rng(np.random.SeedSequence([settings.seed, c]))
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
    if not collection.classes:
        raise InputError("nothing says what the pictures show; expected pictures with classes")
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
