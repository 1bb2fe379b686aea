"""A trained network applied to points."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.errors import InputError
from chainrule.io.files import write_text
from chainrule.points.data import Points
from chainrule.points.network import forward

_SETTINGS = ("feature_names", "class_names", "mean", "scale")


@dataclass(frozen=True)
class Evaluation:
    """What the network says of n points: y_hat (n,); an output of 0 is the negative class."""

    points: Points
    y_hat: Float64[np.ndarray, " n"]

    def document(self) -> dict[str, Any]:
        """The document that `chainrule points evaluate --json` prints."""
        found, truth = self.y_hat > 0, self.points.labels > 0
        names = list(enumerate(self.points.class_names))
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
        """Write each point's y_hat, probability of class +1, predicted and true class as CSV.

        Raises FileError.
        """
        names = self.points.class_names
        probability = np.exp(-np.logaddexp(0, -self.y_hat))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("output", "probability", "predicted", "label"))
        for y_hat, p, label in zip(self.y_hat, probability, self.points.labels, strict=True):
            writer.writerow((float(y_hat), float(p), names[int(y_hat > 0)], names[int(label > 0)]))
        write_text(path, text.getvalue())


def evaluate(
    points: Points, parameters: Mapping[str, np.ndarray], settings: Mapping[str, Any]
) -> Evaluation:
    """Apply the weights and settings of `files.load_weights` to points of the same source.

    The features become (feature - mean) / scale, as in the training. Raises InputError if the
    features or the classes are not those of the training.
    """
    missing = [name for name in _SETTINGS if name not in settings]
    if missing:
        raise InputError(f"weights: found no {', '.join(missing)} with them; expected all settings")
    for what, found, expected in (
        ("features", points.feature_names, settings["feature_names"]),
        ("classes", points.class_names, settings["class_names"]),
    ):
        if list(map(_value, found)) != list(map(_value, expected)):
            raise InputError(
                f"{what}: found {_first(found)}; expected {_first(expected)}, which the weights "
                "were trained on"
            )
    X = (points.features - np.asarray(settings["mean"])) / np.asarray(settings["scale"])
    return Evaluation(points, forward(X, parameters).y_hat)


def _value(name: str) -> float | str:
    """What a name stands for: +1, 1 and 1.0 are one class."""
    try:
        return float(name)
    except ValueError:
        return name


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
