"""The inferences that come with the package: the points of the original's runs."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from chainrule.io.checks import one_of
from chainrule.points.inference.prediction import Prediction
from chainrule.points.inference.published import original_runs
from chainrule.points.moons import DrawnMoons

# name of the half-moons: the options of `chainrule points infer` that gave the file of that name
STORED = {"inferred-moons": "--generations 6"}


@dataclass(frozen=True)
class StoredInference:
    """candidates: the posterior, each as likely as the others; best: see `Inference`; predictions
    and by_best: of the original's 35 rows; document: all that `command` printed with --json
    (docs/reference/json-inference.md says what it holds), but for the seconds.
    """

    candidates: tuple[DrawnMoons, ...]
    best: DrawnMoons
    predictions: tuple[Prediction, ...]
    by_best: tuple[Prediction, ...]
    command: str
    document: dict[str, Any]


@cache
def stored_inference(name: str = "inferred-moons") -> StoredInference:
    """The inference of the original's runs that gave the half-moons `name`.

    Raises InputError on another name.
    """
    one_of("stored inference", name, STORED)
    data = files("chainrule.points.inference").joinpath(f"data/{name}.json")
    document = json.loads(data.read_text("utf-8"))
    runs = original_runs()
    predictions, by_best = (
        tuple(
            Prediction.from_document(run, row)
            for run, row in zip(runs, document[rows], strict=True)
        )
        for rows in ("rows", "rows_by_best")
    )
    return StoredInference(
        tuple(DrawnMoons.from_document(entry) for entry in document["candidates"]),
        DrawnMoons.from_document(document["best"]),
        predictions,
        by_best,
        f"chainrule points infer {STORED[name]}",
        document,
    )
