"""Pictures with their classes become a classifier, judged on pictures that it did not see."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from chainrule.errors import InputError
from chainrule.images.calibration import (
    Reliability,
    fit_temperature,
    held_out_probabilities,
    reliability_table,
)
from chainrule.images.classifier import Classifier
from chainrule.images.collection import Collection
from chainrule.images.duplicates import kept_together, near_duplicates, without_copies
from chainrule.images.familiarity import Unknown, choose_threshold, chosen_examples
from chainrule.images.feature_file import FeatureTable
from chainrule.images.features import joined_features, network_features
from chainrule.images.judgement import Judgement
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.parts import group_numbers
from chainrule.images.svm import (
    check_settings,
    cross_validated_scores,
    fit_planes,
    fold_numbers,
)
from chainrule.io.names import shown
from chainrule.io.progress import Progress

LEAST = 2  # pictures of a class, so that one can be held out
_RARE = 10  # times fewer pictures than the most frequent class has


@dataclass(frozen=True)
class TrainingSettings:
    """C: the SVM's cost of an error. seed: of the folds and the solver. balanced: whether an
    error costs the more, the rarer its class. near_duplicates: whether copies of another size,
    quality or cut are looked for, and kept on one side of every split."""

    C: float = 1.0
    seed: int = 0
    balanced: bool = False
    near_duplicates: bool = True


@dataclass(frozen=True)
class Training:
    """A classifier with what pictures that were held out say of it.

    `held_out` are the training pictures in cross-validation (with one of `folds`: those that were
    held out of a training beside the classifier's), `test` those of the test part, if the
    collection has one: no classifier was trained on them. `reliability` is of the cross-validated
    answers, with a temperature that other folds chose. `together` are groups of near-duplicates.
    """

    classifier: Classifier
    held_out: Judgement
    folds: int
    test: Judgement | None
    reliability: tuple[Reliability, ...]
    unknown: Unknown
    together: tuple[tuple[Path, ...], ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def error(self) -> float:
        """The error on the test part, if there is one; else in cross-validation."""
        return (self.test or self.held_out).error

    def document(self) -> dict[str, Any]:
        """What `chainrule images train --json` says, and what the classifier's file keeps."""
        held_out = self.held_out.document()
        return {
            "classes": list(self.classifier.classes),
            **({"test": self.test.document()} if self.test is not None else {}),
            **held_out,
            "folds": self.folds,
            "reliability": [asdict(row) for row in self.reliability],
            "unknown": asdict(self.unknown),
            "near_duplicates": [[str(file) for file in files] for files in self.together],
            "notes": list(self.notes),
            "skipped": [asdict(s) for s in self.skipped],
        }


def train_classifier(
    collection: Collection,
    networks: Sequence[FeatureSource] | FeatureSource,
    settings: TrainingSettings | None = None,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Training:
    """Train on the pictures of the training part, on all where there are no parts.

    Each picture must show one class. Equal files are used once. Raises InputError if a picture
    shows several classes or none, or if there are not two classes of two pictures that can be read;
    a class of fewer is left out, and said.
    """
    settings = settings or TrainingSettings()
    check_settings(settings.C, settings.seed)
    sources = list(networks) if isinstance(networks, Sequence) else [networks]
    table = features_to_train_on(collection, sources, cache=cache, progress=progress)
    return train_on_features(
        table.collection, table.values, table.networks, table.network_keys, settings
    )


def features_to_train_on(
    collection: Collection,
    sources: Sequence[FeatureSource],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> FeatureTable:
    """The first half of `train_classifier`, after which nothing needs the networks any more."""
    collection = checked(without_copies(collection))
    found = [
        network_features(collection.files, source, cache=cache, progress=progress)
        for source in sources
    ]
    collection = collection.taken(found[0].kept, found[0].skipped)
    values = joined_features([features.values for features in found])
    names, keys = tuple(s.name for s in sources), tuple(s.key for s in sources)
    return FeatureTable(collection, values, names, keys)


def train_on_features(
    collection: Collection,
    values: Float[np.ndarray, "n d"],
    names: Sequence[str],
    keys: Sequence[str],
    settings: TrainingSettings,
) -> Training:
    """As `train_classifier`, from joined features (length 1) of every picture."""
    check_settings(settings.C, settings.seed)
    rows = {file: i for i, file in enumerate(collection.files)}
    together: list[tuple[Path, ...]] = []
    if settings.near_duplicates:
        groups = near_duplicates(collection.files, values)
        together = [tuple(collection.files[i] for i in members) for members in groups]
        collection = kept_together(collection, groups)
    collection = checked(collection)
    values = values[[rows[file] for file in collection.files]]
    truth = (collection.truth == 1).argmax(1)
    trains = np.array([part != "test" for part in collection.part])
    classes, own = len(collection.classes), truth[trains]
    fold = fold_numbers(own, group_numbers(collection)[trains], settings.seed)
    options = {"C": settings.C, "seed": settings.seed, "balanced": settings.balanced}
    scores = cross_validated_scores(values[trains], own, fold, classes, **options)  # type: ignore[arg-type]
    weight, bias = fit_planes(values[trains], own, classes, **options)  # type: ignore[arg-type]
    examples = chosen_examples(int(trains.sum()), settings.seed)
    unknown = choose_threshold(values[trains], own, fold, examples)
    classifier = Classifier(
        collection.classes,
        weight,
        bias,
        tuple(names),
        tuple(keys),
        fit_temperature(scores, own),
        unknown.threshold,
        values[trains][examples].astype(np.float16),
    )
    held_out = _judgement(collection, trains, truth, scores)
    test = None
    if not trains.all():
        test = _judgement(collection, ~trains, truth, classifier.scores(values[~trains]))
    return Training(
        classifier,
        held_out,
        len(np.unique(fold)),
        test,
        reliability_table(held_out_probabilities(scores, own, fold), own),
        unknown,
        tuple(together),
        collection.skipped,
        tuple(judgement_notes(held_out, settings.balanced)),
    )


def checked(collection: Collection) -> Collection:
    """The collection as it can be trained on: a class of fewer than two pictures is left out.

    Raises InputError as `train_classifier`.
    """
    shows = (collection.truth == 1).sum(1)
    if (shows != 1).any():
        i = int(np.argmax(shows != 1))
        raise InputError(
            f"{shown(collection.files[i])} shows {shows[i]} classes; expected one class a picture"
        )
    trains = np.array([part != "test" for part in collection.part], dtype=bool)
    counts = (collection.truth[trains] == 1).sum(0)
    if len(collection.classes) == 1:
        raise InputError(
            f"the only class is {collection.classes[0]!r}; expected at least two classes"
        )
    few = [
        (name, f"class {name!r} has {count} picture to train on that can be read, and "
         f"needs {LEAST}")
        for name, count in zip(collection.classes, counts.tolist(), strict=True)
        if count < LEAST
    ]  # fmt: skip
    if len(collection.classes) - len(few) < 2:
        reason = few[0][1] if few else "there is no picture"
        raise InputError(f"{reason}; expected at least two classes of {LEAST} pictures")
    for name, reason in few:
        collection = collection.without_class(name, reason)
    return collection


def _judgement(
    collection: Collection,
    those: Bool[np.ndarray, " n"],
    truth: Int[np.ndarray, " n"],
    scores: Float[np.ndarray, "m classes"],
) -> Judgement:
    files = tuple(f for f, use in zip(collection.files, those, strict=True) if use)
    return Judgement(collection.classes, files, truth[those], scores)


def judgement_notes(held_out: Judgement, balanced: bool) -> list[str]:
    """Warnings of what the error alone does not say."""
    counts = held_out.confusion.sum(1)
    most = int(counts.argmax())
    remedy = "more pictures" if balanced else "more pictures, or --class-weight balanced"
    notes = []
    for name, count, recall in zip(held_out.classes, counts, held_out.recall, strict=True):
        rare = count * _RARE <= counts[most]
        if recall == 0 or rare:
            right = round((recall or 0) * count)
            beside = f", beside {counts[most]} of {shown(held_out.classes[most])}" if rare else ""
            notes.append(
                f"class {shown(name)} was right in {right} of {count} pictures{beside}: the error "
                f"says little about it; it needs {remedy}"
            )
    return notes
