"""Networks of k classes, one a class, applied to points with their labels or without."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int

from chainrule.errors import InputError
from chainrule.io.names import shown
from chainrule.points.classes import outputs_of
from chainrule.points.evaluation import Model, write_rows
from chainrule.points.network import PARAMETERS


@dataclass(frozen=True)
class ClassModel:
    """Trained networks with what they were trained on: `Model` with k in front of all shapes."""

    parameters: Mapping[str, np.ndarray]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    mean: Float64[np.ndarray, " d"]
    scale: Float64[np.ndarray, " d"]
    label_name: str

    def outputs(self, features: np.ndarray) -> Float64[np.ndarray, "n k"]:
        """y_hat (n, k) for features (n, d) in their own units; the largest is the class."""
        return outputs_of((features - self.mean) / self.scale, self.parameters)

    def one(self, name: str) -> Model:
        """The network that tells class `name` (+1) from the others (-1). Raises InputError."""
        if name not in self.class_names:
            raise InputError(
                f"class: found {name!r}; expected one of {', '.join(self.class_names)}"
            )
        number = self.class_names.index(name)
        parameters = {key: self.parameters[key][number] for key in PARAMETERS}
        names = "others", name
        return Model(parameters, self.feature_names, names, self.mean, self.scale, self.label_name)


@dataclass(frozen=True)
class ClassPrediction:
    """What the networks say of n points: y_hat (n, k); of equal outputs the first counts."""

    class_names: tuple[str, ...]
    y_hat: Float64[np.ndarray, "n k"]

    @property
    def found(self) -> Int[np.ndarray, " n"]:
        """The place of each point's class."""
        places: np.ndarray = self.y_hat.argmax(axis=1)
        return places

    @property
    def probabilities(self) -> Float64[np.ndarray, "n k"]:
        """The logistic function of each output, brought to a sum of 1 for each point."""
        each: np.ndarray = np.exp(-np.logaddexp(0, -self.y_hat))
        each = np.maximum(each, np.finfo(np.float64).tiny)
        each /= each.sum(axis=1, keepdims=True)
        return each

    def document(self) -> dict[str, Any]:
        """The document that `chainrule points predict --json` prints."""
        return {
            "classes": list(self.class_names),
            "points": [
                {
                    "class": self.class_names[place],
                    "output": float(outputs[place]),
                    "probability": float(probabilities[place]),
                    "outputs": dict(zip(self.class_names, outputs.tolist(), strict=True)),
                    "probabilities": dict(
                        zip(self.class_names, probabilities.tolist(), strict=True)
                    ),
                }
                for place, outputs, probabilities in zip(
                    self.found, self.y_hat, self.probabilities, strict=True
                )
            ],
        }

    def rows(self) -> list[list[object]]:
        """Each point's class, the output and probability of this, the probabilities of all."""
        return [
            [self.class_names[place], float(outputs[place]), float(p[place]), *p.tolist()]
            for place, outputs, p in zip(self.found, self.y_hat, self.probabilities, strict=True)
        ]

    def header(self) -> list[str]:
        """The names of the columns of `rows`."""
        each = [f"probability of {name}" for name in self.class_names]
        return ["class", "output", "probability", *each]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the rows as CSV. Raises FileError."""
        write_rows(path, self.header(), self.rows())


@dataclass(frozen=True)
class ClassEvaluation:
    """A prediction beside the truth: classes (n,), places in the class names."""

    prediction: ClassPrediction
    classes: Int[np.ndarray, " n"]

    def document(self) -> dict[str, Any]:
        """The document that `chainrule points evaluate --json` prints."""
        found = self.prediction.found
        names = list(enumerate(self.prediction.class_names))
        return {
            "points": len(found),
            "wrong": int((found != self.classes).sum()),
            "error": float((found != self.classes).mean()),
            "confusion": {
                name: {other: int(((self.classes == i) & (found == j)).sum()) for j, other in names}
                for i, name in names
            },
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the prediction's rows with the true class as CSV. Raises FileError."""
        true = [self.prediction.class_names[place] for place in self.classes]
        rows = [[*row, name] for row, name in zip(self.prediction.rows(), true, strict=True)]
        write_rows(path, [*self.prediction.header(), "label"], rows)


def class_model_of(
    parameters: Mapping[str, np.ndarray], settings: Mapping[str, Any], path: os.PathLike[str]
) -> ClassModel:
    """The model of what `files.load_networks` gives. Raises InputError if a setting is missing."""
    wanted = ("feature_names", "class_names", "mean", "scale", "label_name")
    if missing := [name for name in wanted if name not in settings]:
        raise InputError(f"{shown(path)}: found no {', '.join(missing)}; expected all settings")
    return ClassModel(
        parameters,
        tuple(settings["feature_names"]),
        tuple(settings["class_names"]),
        np.asarray(settings["mean"], np.float64),
        np.asarray(settings["scale"], np.float64),
        settings["label_name"],
    )
