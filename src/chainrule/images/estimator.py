"""Photographs for scikit-learn: a classifier, and features as a step of a pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.errors import InputError
from chainrule.images.classifier import (
    UNKNOWN,
    Answers,
    Classifier,
    check_networks,
    load_classifier,
    save_classifier,
)
from chainrule.images.collection import Collection, read_collection
from chainrule.images.duplicates import kept_together, near_duplicates
from chainrule.images.features import joined_features, picture_features
from chainrule.images.listing import list_pictures
from chainrule.images.network import FeatureSource
from chainrule.images.networks import DEFAULT, load_feature_source
from chainrule.images.training import (
    Training,
    TrainingSettings,
    train_classifier,
    train_on_features,
)
from chainrule.io.pictures import PictureSource


class PhotoFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Pictures to the penultimate features of a network, each row of length 1.

    model: a name as `chainrule.images.load_network` takes it, or timm:NAME.
    """

    def __init__(self, model: str = DEFAULT) -> None:
        self.model = model

    def fit(self, X: Sequence[PictureSource], y: Any = None) -> Self:
        """Nothing is learned from the pictures; the network is loaded."""
        self.network_: FeatureSource = load_feature_source(self.model)
        return self

    def transform(self, X: Sequence[PictureSource]) -> Float[np.ndarray, "n d"]:
        """Paths, pictures of Pillow or arrays, to (n, d)."""
        check_is_fitted(self, "network_")
        return joined_features([picture_features(list(X), self.network_)])


class PhotoClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear SVM on a pretrained network's features, with calibrated probabilities.

    model: as for `PhotoFeatures`. C: the cost of an error. class_weight: None or "balanced".
    random_state: the seed of folds and solver. unknown: whether `predict` says "unknown" where a
    picture is less like the training pictures than 98 % of those were that were held out.

    After `fit`: `classes_`, `classifier_`, `network_`, `n_features_in_`, and `training_`, which has
    the error in cross-validation, the confusion, the reliability of the probabilities, and what was
    left out.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        *,
        C: float = 1.0,
        class_weight: str | None = None,
        random_state: int = 0,
        unknown: bool = False,
    ) -> None:
        self.model = model
        self.C = C
        self.class_weight = class_weight
        self.random_state = random_state
        self.unknown = unknown

    def fit(self, X: str | Path | Sequence[PictureSource], y: Sequence[str] | None = None) -> Self:
        """Train on a folder of class folders (or what else `read_collection` reads), or on pictures
        with their classes `y`.

        Raises FileError, and InputError as `train_classifier`.
        """
        if self.class_weight not in (None, "balanced"):
            raise InputError(
                f"class_weight: found {self.class_weight!r}; expected None or 'balanced'"
            )
        settings = TrainingSettings(self.C, self.random_state, self.class_weight == "balanced")
        self.network_ = load_feature_source(self.model)
        if isinstance(X, str | Path):
            if y is not None:
                raise InputError("y is given with a folder; expected it with a list of pictures")
            training = train_classifier(read_collection(X), self.network_, settings)
        else:
            training = self._train_on_pictures(list(X), y, settings)
        self.training_: Training = training
        self._take(training.classifier)
        return self

    def predict(self, X: str | Path | Sequence[PictureSource]) -> np.ndarray:
        """The class of each picture (n,), or "unknown" where that was asked for."""
        answers = self._answers(X)
        names = np.array(answers.names())
        if self.unknown:
            limit = self.classifier_.unknown_below
            names = np.where(answers.familiarity < limit, UNKNOWN, names)
        return names

    def predict_proba(self, X: str | Path | Sequence[PictureSource]) -> Float[np.ndarray, "n c"]:
        """The probability of each class, in the order of `classes_`."""
        return self._answers(X).probability

    def decision_function(
        self, X: str | Path | Sequence[PictureSource]
    ) -> Float[np.ndarray, "n c"]:
        """The distance from each class's plane: above 0 speaks for it."""
        return self._answers(X).scores

    def score(
        self, X: str | Path | Sequence[PictureSource], y: Sequence[str] | None = None
    ) -> float:
        """The share that is right: of pictures with their classes, or of a folder of classes."""
        if y is None:
            if not isinstance(X, str | Path):
                raise InputError("y is missing; expected the classes of the pictures")
            collection = read_collection(X)
            X, y = list(collection.files), _labels(collection)
        return float(np.mean(self.predict(X) == np.asarray(y)))

    def save(self, path: str | Path) -> None:
        """Write the classifier as `chainrule images train` does. Raises FileError."""
        check_is_fitted(self, "classifier_")
        training = getattr(self, "training_", None)
        save_classifier(Path(path), self.classifier_, training.document() if training else {})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What `save` or `chainrule images train` wrote. Raises FileError, InputError."""
        classifier = load_classifier(Path(path))
        if len(classifier.networks) != 1:
            raise InputError(
                f"the classifier takes features of {' and '.join(classifier.networks)}; expected "
                "one network"
            )
        estimator = cls(classifier.networks[0])
        estimator.network_ = load_feature_source(classifier.networks[0])
        check_networks(classifier, classifier.networks, [estimator.network_.key])
        estimator._take(classifier)
        return estimator

    def to_pipeline(self) -> Any:
        """The same as a fitted pipeline of scikit-learn: features, then a LinearSVC."""
        from sklearn.pipeline import Pipeline
        from sklearn.svm import LinearSVC

        check_is_fitted(self, "classifier_")
        model, svm = self.classifier_, LinearSVC(C=self.C, loss="hinge")
        rows = slice(1, 2) if len(model.classes) == 2 else slice(None)
        svm.classes_, svm.n_features_in_ = self.classes_, self.n_features_in_
        svm.coef_, svm.intercept_ = model.weight[rows], model.bias[rows]
        features = PhotoFeatures(self.model)
        features.network_ = self.network_
        return Pipeline([("features", features), ("planes", svm)])

    def _take(self, classifier: Classifier) -> None:
        self.classifier_ = classifier
        self.classes_ = np.array(classifier.classes)
        self.n_features_in_ = classifier.weight.shape[1]

    def _answers(self, X: str | Path | Sequence[PictureSource]) -> Answers:
        check_is_fitted(self, "classifier_")
        pictures: list[PictureSource]
        if isinstance(X, str | Path):
            pictures = list(list_pictures(Path(X))[0]) if Path(X).is_dir() else [X]
        else:
            pictures = list(X)
        features = picture_features(pictures, self.network_)
        if not pictures:
            features = np.zeros((0, self.n_features_in_), dtype=np.float32)
        return self.classifier_.answers(joined_features([features]))

    def _train_on_pictures(
        self, pictures: list[PictureSource], y: Sequence[str] | None, settings: TrainingSettings
    ) -> Training:
        labels = [] if y is None else [str(label) for label in y]
        if len(labels) != len(pictures) or not pictures:
            raise InputError(
                f"{len(pictures)} pictures and {len(labels)} classes; expected a class for each"
            )
        classes = sorted(set(labels))
        truth = np.full((len(labels), len(classes)), -1, dtype=np.int8)
        truth[np.arange(len(labels)), [classes.index(label) for label in labels]] = 1
        files = tuple(
            Path(p) if isinstance(p, str | Path) else Path(f"picture {i}")
            for i, p in enumerate(pictures)
        )
        collection = Collection(files, tuple(classes), truth, ("",) * len(files), exclusive=True)
        values = joined_features([picture_features(pictures, self.network_)])
        collection = kept_together(collection, near_duplicates(pictures, values))
        known = TrainingSettings(settings.C, settings.seed, settings.balanced, False)
        names, keys = [self.network_.name], [self.network_.key]
        return train_on_features(collection, values, names, keys, known)


def _labels(collection: Collection) -> list[str]:
    if (np.sum(collection.truth == 1, axis=1) != 1).any():
        raise InputError("a picture shows several classes or none; expected one class a picture")
    return [collection.classes[c] for c in (collection.truth == 1).argmax(1)]
