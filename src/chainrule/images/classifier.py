"""A folder of pictures becomes a classifier: a linear SVM on a pretrained network's features."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from chainrule.errors import FileError, InputError
from chainrule.images.collection import Collection, Skipped, without_duplicates
from chainrule.images.evaluation import check_settings, normalized
from chainrule.images.features import network_features
from chainrule.images.network import FeatureSource
from chainrule.io.model_file import read_model_file, write_model_file
from chainrule.io.names import shown
from chainrule.io.progress import Progress

_KIND = "chainrule image classifier"


@dataclass(frozen=True)
class Classifier:
    """score = weight f + bias, with f the network's features brought to length 1."""

    classes: tuple[str, ...]
    weight: Float[np.ndarray, "classes d"]
    bias: Float[np.ndarray, " classes"]
    network: str
    network_key: str

    def scores(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]:
        """One score a class; the largest is the answer."""
        return np.asarray(normalized(features) @ self.weight.T + self.bias)


@dataclass(frozen=True)
class Training:
    """A classifier with what cross-validation says of it.

    `confusion[t, a]` counts the pictures of class t that were taken for class a when they were not
    trained on; `score[i]` is picture i's score for its own class less the best of the others.
    """

    classifier: Classifier
    error: float
    confusion: Int[np.ndarray, "classes classes"]
    folds: int
    files: tuple[Path, ...]
    truth: Int[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    skipped: tuple[Skipped, ...]


def train_classifier(
    collection: Collection,
    network: FeatureSource,
    *,
    C: float = 1.0,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Training:
    """Train on all pictures, and judge by cross-validation (five folds, or as many as fit).

    Each picture must show one class. Raises InputError if one shows several or none, if there are
    not two classes, or if a class has fewer than two pictures that can be read.
    """
    from sklearn.metrics import confusion_matrix
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import LinearSVC

    check_settings(C, seed)
    collection = without_duplicates(collection)
    shows = (collection.truth == 1).sum(1)
    if (shows != 1).any():
        i = int(np.argmax(shows != 1))
        raise InputError(
            f"{shown(collection.files[i])} shows {shows[i]} classes; expected one class a picture"
        )
    features = network_features(collection.files, network, cache=cache, progress=progress)
    collection = collection.taken(features.kept, features.skipped)
    truth = (collection.truth == 1).argmax(1) if len(collection.files) else np.zeros(0, np.intp)
    counts = np.bincount(truth, minlength=len(collection.classes))
    if len(collection.classes) < 2:
        raise InputError(
            f"the only class is {collection.classes[0]!r}; expected at least two classes"
        )
    if counts.min() < 2:
        name = collection.classes[int(counts.argmin())]
        raise InputError(
            f"class {name!r} has {counts.min()} picture that can be read; expected at least two"
        )
    values = normalized(features.values)
    svm = LinearSVC(C=C, loss="hinge", dual=True, max_iter=20_000, random_state=seed)
    folds = int(min(5, counts.min()))
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # of two pictures a class scikit-learn thinks that the classes may be numbers
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        scores = cross_val_predict(svm, values, truth, cv=split, method="decision_function")
        svm.fit(values, truth)
    scores = _one_column_a_class(scores)
    answers = scores.argmax(1)
    classifier = Classifier(
        collection.classes,
        _one_row_a_class(svm.coef_),
        _one_row_a_class(svm.intercept_),
        network.name,
        network.key,
    )
    own = scores[np.arange(len(truth)), truth]
    others = np.where(np.arange(scores.shape[1]) == truth[:, None], -np.inf, scores).max(1)
    return Training(
        classifier,
        float((answers != truth).mean()),
        confusion_matrix(truth, answers, labels=range(len(collection.classes))),
        folds,
        collection.files,
        truth,
        own - others,
        collection.skipped,
    )


def save_classifier(path: Path, training: Training) -> None:
    """Write the classifier and its cross-validated error, whole or not at all. Raises FileError."""
    model = training.classifier
    settings: dict[str, Any] = {
        "classes": model.classes,
        "network": model.network,
        "network_key": model.network_key,
        "cross_validated_error": training.error,
        "confusion": training.confusion.tolist(),
        "skipped": [asdict(s) for s in training.skipped],
    }
    arrays = {
        "weight": np.ascontiguousarray(model.weight, dtype=np.float32),
        "bias": np.ascontiguousarray(model.bias, dtype=np.float32),
    }
    write_model_file(path, _KIND, arrays, settings)


def load_classifier(path: Path) -> Classifier:
    """Read what `save_classifier` wrote. Raises FileError for anything else."""
    expected = "a classifier that `chainrule images train` wrote"
    found = read_model_file(path, _KIND, expected)
    settings = found.settings
    classifier = Classifier(
        tuple(settings["classes"]),
        found.arrays["weight"],
        found.arrays["bias"],
        settings["network"],
        settings["network_key"],
    )
    shapes = classifier.weight.shape, classifier.bias.shape
    classes = len(classifier.classes)
    if len(shapes[0]) != 2 or shapes[0][0] != classes or shapes[1] != (classes,):
        raise FileError(
            f"{shown(path)} holds arrays {shapes} for {classes} classes; expected {expected}"
        )
    return classifier


def predict(
    classifier: Classifier,
    network: FeatureSource,
    files: Sequence[Path],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Float[np.ndarray, "m classes"], list[int], list[Skipped]]:
    """The scores of the pictures that can be read, which these are, and what was skipped.

    Raises InputError if `network` is not the one that the classifier was trained with.
    """
    if network.key != classifier.network_key:
        raise InputError(
            f"the classifier was trained on features of {classifier.network!r}; this network is "
            f"{network.name!r} or has other weights"
        )
    features = network_features(files, network, cache=cache, progress=progress)
    if not features.kept:
        return np.zeros((0, len(classifier.classes))), [], features.skipped
    return classifier.scores(features.values), features.kept, features.skipped


def _one_column_a_class(scores: np.ndarray) -> Float[np.ndarray, "n classes"]:
    """Of two classes scikit-learn gives the second's score alone."""
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


def _one_row_a_class(parameters: np.ndarray) -> np.ndarray:
    return np.concatenate([-parameters, parameters]) if len(parameters) == 1 else parameters
