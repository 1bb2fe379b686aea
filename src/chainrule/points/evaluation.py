"""A trained network applied to points, with their labels or without."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float64, Int

from chainrule.errors import FileError, InputError
from chainrule.io.files import write_text
from chainrule.io.names import shown
from chainrule.points.data import (
    Points,
    class_name,
    finite_column,
    label_column,
)
from chainrule.points.network import forward
from chainrule.points.tables import Column, Table

_SETTINGS = ("feature_names", "class_names", "mean", "scale")


@dataclass(frozen=True)
class Model:
    """Trained weights with what they were trained on.

    parameters: W_in (h, d), b_in (h,), w_out (h,), b_out (). A feature becomes (feature - mean) /
    scale before it reaches the network; mean and scale (d,). label_name: the label column's, empty
    for weights of an earlier version.
    """

    parameters: Mapping[str, np.ndarray]
    feature_names: tuple[str, ...]
    class_names: tuple[str, str]
    mean: Float64[np.ndarray, " d"]
    scale: Float64[np.ndarray, " d"]
    label_name: str = ""

    def standardized(self, features: np.ndarray) -> np.ndarray:
        """Features (..., d) as the network sees them."""
        found: np.ndarray = (features - self.mean) / self.scale
        return found

    def outputs(self, features: np.ndarray) -> Float64[np.ndarray, " n"]:
        """y_hat (n,) for features (n, d) in their own units; above 0 is the second class."""
        return forward(self.standardized(features), self.parameters).y_hat


def model_of(parameters: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Model:
    """The model of what `files.load_weights` gives. Raises InputError if a setting is missing."""
    missing = [name for name in _SETTINGS if name not in settings]
    if missing:
        raise InputError(f"weights: found no {', '.join(missing)} with them; expected all settings")
    first, second = settings["class_names"]
    return Model(
        parameters,
        tuple(settings["feature_names"]),
        (first, second),
        np.asarray(settings["mean"], np.float64),
        np.asarray(settings["scale"], np.float64),
        settings.get("label_name", ""),
    )


class Trained(Protocol):
    """What names its features, classes and label: points, or a model that a table is read for."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features, in the order of the network's inputs."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, by their numbers."""

    @property
    def label_name(self) -> str:
        """The label column's."""


def features_of(table: Table, model: Trained) -> Float64[np.ndarray, "n d"]:
    """The columns that the model was trained on, found by name; by place in a file without names.

    Raises FileError if one is missing, named twice, or holds what is no finite number.
    """
    if not table.named:
        columns = _by_place(table, model.feature_names)
        return np.stack([finite_column(table.path, column) for column in columns], axis=1)
    wrong = [name for name in model.feature_names if table.names.count(name) != 1]
    if wrong:
        raise FileError(
            f"{shown(table.path)}: found the columns {_first(table.names)}; expected one called "
            f"{_first(wrong)}, which the weights were trained on"
        )
    columns = tuple(table.columns[table.names.index(name)] for name in model.feature_names)
    return np.stack([finite_column(table.path, column) for column in columns], axis=1)


def _by_place(table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    """The features of a file without names, before which a column may count the rows.

    The training's did and was left out, if its first feature is called 2. Fewer rows than tell
    that it counts still have it, and a label or none behind the features.
    """
    columns, d = table.columns, len(names)
    if names[0] == "2" and columns[0].name == "1" and len(columns) > d:
        if len(columns) == d + 1:
            raise FileError(
                f"{shown(table.path)}: found {d + 1} columns without names, of which the first may "
                f"number the rows or the last be a label; expected the {d} features alone, or names"
            )
        columns = columns[1:]
    if len(columns) not in (d, d + 1):
        raise FileError(
            f"{shown(table.path)}: found {len(table.columns)} column(s) without names; expected "
            f"{d}: {_first(names)}"
        )
    return columns[:d]


def labels_of(table: Table, model: Model, label: str | None) -> Float64[np.ndarray, " n"]:
    """The labels (n,) in {-1, +1}: see `codes_of`."""
    return np.where(codes_of(table, model, label) == 1, 1.0, -1.0)


def label_of(table: Table, model: Trained, label: str | None) -> Column:
    """The column called `label`; by default the training's label, or the usual one.

    Raises FileError if there is none.
    """
    usual = model.label_name if model.label_name in table.names else None
    return table.columns[label_column(table, label or usual)]


def codes_of(table: Table, model: Trained, label: str | None) -> Int[np.ndarray, " n"]:
    """The labels (n,) as places in the classes, by the names that these had in the training.

    label: see `label_of`. Raises FileError for a value that is none of the classes.
    """
    column = label_of(table, model, label)
    places = {_value(name): place for place, name in enumerate(model.class_names)}
    found = [places.get(_value(class_name(value)), -1) for value in column.values]
    if -1 in found:
        row = found.index(-1)
        raise FileError(
            f"{shown(table.path)}, label column {column.name!r}, point {row + 1}: found "
            f"{class_name(column.values[row])!r}; expected one of the classes "
            f"{_first(model.class_names)}, which the weights were trained on"
        )
    return np.array(found)


@dataclass(frozen=True)
class Prediction:
    """What the network says of n points: y_hat (n,); an output of 0 is the first class."""

    class_names: tuple[str, str]
    y_hat: Float64[np.ndarray, " n"]

    @property
    def classes(self) -> list[str]:
        """The class of each point, by its name."""
        return [self.class_names[int(output > 0)] for output in self.y_hat]

    @property
    def probabilities(self) -> Float64[np.ndarray, " n"]:
        """The probability of the second class: the logistic function of y_hat."""
        found: np.ndarray = np.exp(-np.logaddexp(0, -self.y_hat))
        return found

    def document(self) -> dict[str, Any]:
        """The document that `chainrule points predict --json` prints."""
        return {
            "classes": list(self.class_names),
            "points": [
                {"class": name, "output": float(output), "probability": float(probability)}
                for name, output, probability in zip(
                    self.classes, self.y_hat, self.probabilities, strict=True
                )
            ],
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write each point's class, y_hat and probability of the second class as CSV.

        Raises FileError.
        """
        columns = (self.classes, self.y_hat.tolist(), self.probabilities.tolist())
        write_rows(path, ("class", "output", "probability"), list(zip(*columns, strict=True)))


@dataclass(frozen=True)
class Evaluation:
    """A prediction beside the truth: labels (n,) in {-1, +1}."""

    prediction: Prediction
    labels: Float64[np.ndarray, " n"]

    def document(self) -> dict[str, Any]:
        """The document that `chainrule points evaluate --json` prints."""
        found, truth = self.prediction.y_hat > 0, self.labels > 0
        names = list(enumerate(self.prediction.class_names))
        return {
            "points": len(truth),
            "wrong": int((found != truth).sum()),
            "error": float((found != truth).mean()),
            "confusion": {
                name: {other: int(((truth == i) & (found == j)).sum()) for j, other in names}
                for i, name in names
            },
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write each point's y_hat, probability, predicted and true class as CSV.

        Raises FileError.
        """
        names = self.prediction.class_names
        true = [names[int(label > 0)] for label in self.labels]
        found = self.prediction
        columns = (found.y_hat.tolist(), found.probabilities.tolist(), found.classes, true)
        header = ("output", "probability", "predicted", "label")
        write_rows(path, header, list(zip(*columns, strict=True)))


def evaluate(
    points: Points, parameters: Mapping[str, np.ndarray], settings: Mapping[str, Any]
) -> Evaluation:
    """Apply the weights and settings of `files.load_weights` to points of the same source.

    The features become (feature - mean) / scale, as in the training. Raises InputError if the
    features or the classes are not those of the training.
    """
    model = model_of(parameters, settings)
    for what, found, expected in (
        ("features", points.feature_names, model.feature_names),
        ("classes", points.class_names, model.class_names),
    ):
        if list(map(_value, found)) != list(map(_value, expected)):
            raise InputError(
                f"{what}: found {_first(found)}; expected {_first(expected)}, which the weights "
                "were trained on"
            )
    outputs = model.outputs(points.features)
    return Evaluation(Prediction(model.class_names, outputs), points.labels)


def write_rows(
    path: str | os.PathLike[str], header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Write a CSV file. Raises FileError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _value(name: str) -> float | str:
    """What a name stands for: +1, 1 and 1.0 are one class."""
    try:
        return float(name)
    except ValueError:
        return name


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
