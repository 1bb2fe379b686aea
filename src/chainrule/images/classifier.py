"""A classifier of photographs: planes on a network's features, probabilities, none of these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float16, Int

from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.executors import Executor
from chainrule.images.calibration import probabilities
from chainrule.images.familiarity import familiarity
from chainrule.images.features import joined_features, network_features
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.networks import load_feature_source
from chainrule.io.model_file import read_model_file, write_model_file
from chainrule.io.names import shown
from chainrule.io.progress import Progress

_KIND = "chainrule image classifier"
PART = 16_384  # pictures whose features are in memory together: whole batches
UNKNOWN = "unknown"
"""The answer where a picture is none of the classes."""
UNSURE = "unsure"
"""The answer where the two best classes are too near to each other."""


@dataclass(frozen=True)
class Classifier:
    """score = weight f + bias, with f the networks' features brought to length 1.

    `networks` are the names of the networks whose features are joined (mostly one), and
    `network_keys` what tells them from others. Probabilities are softmax(score / temperature). A
    picture whose familiarity among the `examples` is below `unknown_below` is none of the classes.
    """

    classes: tuple[str, ...]
    weight: Float[np.ndarray, "classes d"]
    bias: Float[np.ndarray, " classes"]
    networks: tuple[str, ...]
    network_keys: tuple[str, ...]
    temperature: float
    unknown_below: float
    examples: Float16[np.ndarray, "m d"]

    def scores(self, features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n classes"]:
        """One score a class; the largest is the answer. `features` are joined (length 1)."""
        return np.asarray(features @ self.weight.T + self.bias)

    def answers(self, features: Float[np.ndarray, "n d"]) -> "Answers":
        """Scores, probabilities and familiarity of features that are joined (length 1).

        Raises InputError if they have another length than the classifier's.
        """
        if features.shape[1] != self.weight.shape[1]:
            raise InputError(
                f"the classifier takes {self.weight.shape[1]:,} features a picture, and there are "
                f"{features.shape[1]:,}; expected those of {', '.join(self.networks)}"
            )
        scores = self.scores(features)
        return Answers(
            self,
            scores,
            probabilities(scores, self.temperature),
            familiarity(features, self.examples.astype(np.float32)),
        )


@dataclass(frozen=True)
class Answers:
    """What a classifier says of pictures."""

    classifier: Classifier
    scores: Float[np.ndarray, "n classes"]
    probability: Float[np.ndarray, "n classes"]
    familiarity: Float[np.ndarray, " n"]

    @property
    def best(self) -> Int[np.ndarray, " n"]:
        """The number of the class with the largest score."""
        return np.asarray(self.scores.argmax(1))

    @property
    def margin(self) -> Float[np.ndarray, " n"]:
        """The probability of each picture's best class less that of the second."""
        best = np.partition(self.probability, -2, axis=1)[:, -2:]
        return np.asarray(best[:, 1] - best[:, 0])

    def names(
        self, unknown_below: float | None = None, unsure_below: float | None = None
    ) -> list[str]:
        """The best class of each picture; `UNKNOWN` where it is less familiar than that, else
        `UNSURE` where its margin is smaller than that."""
        known = self.familiarity >= (-np.inf if unknown_below is None else unknown_below)
        sure = self.margin >= (-np.inf if unsure_below is None else unsure_below)
        return [
            UNKNOWN if not k else UNSURE if not s else self.classifier.classes[c]
            for c, k, s in zip(self.best, known, sure, strict=True)
        ]


def save_classifier(path: Path, classifier: Classifier, judged: Mapping[str, Any]) -> None:
    """Write the classifier, with what was found out about it, whole or not at all.

    Raises FileError.
    """
    settings: dict[str, Any] = {
        "classes": classifier.classes,
        "networks": classifier.networks,
        "network_keys": classifier.network_keys,
        "temperature": classifier.temperature,
        "unknown_below": classifier.unknown_below,
        "judged": dict(judged),
    }
    arrays: dict[str, np.ndarray] = {
        "weight": np.ascontiguousarray(classifier.weight, dtype=np.float32),
        "bias": np.ascontiguousarray(classifier.bias, dtype=np.float32),
        "examples": np.ascontiguousarray(classifier.examples, dtype=np.float16),
    }
    write_model_file(path, _KIND, arrays, settings)


def load_classifier(path: Path) -> Classifier:
    """Read what `save_classifier` wrote. Raises FileError for anything else."""
    expected = "a classifier that `chainrule images train` wrote"
    if path.is_dir():
        raise FileError(f"{shown(path)} is a folder; expected {expected}")
    found = read_model_file(path, _KIND, expected)
    settings, arrays = found.settings, found.arrays
    try:
        classifier = Classifier(
            tuple(settings["classes"]),
            arrays["weight"],
            arrays["bias"],
            tuple(settings["networks"]),
            tuple(settings["network_keys"]),
            float(settings["temperature"]),
            float(settings["unknown_below"]),
            arrays["examples"],
        )
    except KeyError as error:
        raise FileError(
            f"{shown(path)} lacks {error.args[0]!r}, as another version of chainrule wrote it; "
            "expected a classifier of this version: train it again"
        ) from error
    weight, classes = classifier.weight, len(classifier.classes)
    fits = weight.shape[:1] == classifier.bias.shape == (classes,) and weight.ndim == 2
    if not fits or classifier.examples.shape[1:] != weight.shape[1:]:
        raise FileError(
            f"{shown(path)} holds {weight.shape} weights and {classifier.bias.shape} biases for "
            f"{classes} classes; expected {expected}"
        )
    if len(set(classifier.classes)) < classes or not classifier.temperature > 0:
        raise FileError(
            f"{shown(path)} holds a class twice, or a temperature of {classifier.temperature}; "
            f"expected {expected}"
        )
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise FileError(f"{shown(path)} holds a number that is not finite; expected {expected}")
    return classifier


def check_networks(classifier: Classifier, names: Sequence[str], keys: Sequence[str]) -> None:
    """Raise InputError if these are not the networks that the classifier was trained with."""
    if tuple(keys) != classifier.network_keys:
        raise InputError(
            f"the classifier was trained on features of {' and '.join(classifier.networks)}; found "
            f"{' and '.join(names)}, or other weights under that name"
        )


def load_networks(classifier: Classifier, model: str = "") -> list[FeatureSource]:
    """The networks that the classifier was trained with, by their names or from `model`.

    Raises FileError, InputError if they are not where they were.
    """
    if model:
        return [load_feature_source(model)]
    try:
        return [load_feature_source(name) for name in classifier.networks]
    except ChainruleError as error:
        raise type(error)(
            f"the classifier was trained with the network "
            f"{' and '.join(map(shown, classifier.networks))}, and {error}; say where it is now by "
            "`--model`"
        ) from error


def predict(
    classifier: Classifier,
    networks: Sequence[FeatureSource],
    files: Sequence[Path],
    *,
    cache: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> tuple[Answers, list[int], list[Skipped]]:
    """The answers of the pictures that can be read, which these are, and what was skipped.

    `executor`: computes the features, as in `network_features`.

    Raises InputError if `networks` are not those that the classifier was trained with.
    """
    check_networks(classifier, [n.name for n in networks], [n.key for n in networks])
    found = [
        network_features(files, n, cache=cache, executor=executor, progress=progress)
        for n in networks
    ]
    kept = found[0].kept
    if not kept:
        width = classifier.weight.shape[1]
        return classifier.answers(np.zeros((0, width), np.float32)), [], found[0].skipped
    return (
        classifier.answers(joined_features([f.values for f in found])),
        kept,
        found[0].skipped,
    )


def predict_in_parts(
    classifier: Classifier,
    networks: Sequence[FeatureSource],
    files: Sequence[Path],
    *,
    cache: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Answers, list[Path], list[Skipped]]]:
    """As `predict`, PART pictures after the other: the answers, whose they are, what was skipped.

    In memory are the features of a part.
    """
    for first in range(0, len(files), PART):
        part = files[first : first + PART]

        def further(done: int, total: int, first: int = first) -> None:
            if progress is not None:
                progress(first + done, len(files))

        answers, kept, skipped = predict(
            classifier, networks, part, cache=cache, executor=executor, progress=further
        )
        yield answers, [part[i] for i in kept], skipped
