"""An inference as a JSON document."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from chainrule.points.inference.inference import Inference
from chainrule.points.inference.prediction import Prediction
from chainrule.points.inference.prior import CHOICES, RANGES
from chainrule.points.moons import DrawnMoons


def inference_document(inference: Inference) -> dict[str, Any]:
    """What `chainrule points infer --json` prints, but for the time it took."""
    population = inference.population
    return {
        "settings": {**asdict(inference.settings), "fixed": dict(inference.settings.fixed)},
        "posterior": posterior_document(population.candidates),
        "best": inference.best.document(),
        "generations": [asdict(generation) for generation in population.generations],
        "within": within_document(inference.predictions),
        "within_by_best": within_document(inference.by_best),
        "rows": [row.document() for row in inference.predictions],
        "rows_by_best": [row.document() for row in inference.by_best],
        "candidates": [
            {**particle.candidate.document(), "distance": particle.distance}
            for particle in population.particles
        ],
    }


def posterior_document(candidates: Sequence[DrawnMoons]) -> dict[str, Any]:
    """Median, 95 % interval and prior range of each number; each choice's share."""
    found: dict[str, Any] = {"numbers": {}, "choices": {}}
    for name, prior in RANGES.items():
        values = [getattr(candidate.moons, name) for candidate in candidates]
        low, median, high = map(float, np.quantile(values, (0.025, 0.5, 0.975)))
        found["numbers"][name] = {
            "median": median, "interval": [low, high], "prior": list(prior),
        }  # fmt: skip
    for name, choices in CHOICES.items():
        values = [getattr(candidate.moons, name) for candidate in candidates]
        found["choices"][name] = {
            json.dumps(choice).strip('"'): values.count(choice) / len(values) for choice in choices
        }
    return found


def within_document(predictions: Sequence[Prediction]) -> dict[str, dict[str, int]]:
    """How many of the fitted rows, of those held out and of all lie within their intervals."""
    groups = {
        "fitted": [row for row in predictions if not row.held_out],
        "held_out": [row for row in predictions if row.held_out],
        "all": list(predictions),
    }
    return {
        name: {"rows": len(rows), "within": sum(row.within for row in rows)}
        for name, rows in groups.items()
    }
