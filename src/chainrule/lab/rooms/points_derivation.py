"""The chain rule at one point with its live numbers, as `chainrule points derive` gives it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.points.derivation import Step, derivation
from chainrule.points.example import Example, Standardization
from chainrule.points.network import PARAMETERS

_MOST_UNITS = 64  # that a page can show


def derived(
    x: np.ndarray, y: float, parameters: Mapping[str, np.ndarray], shape: dict[str, Any],
    digits: int,
) -> dict[str, Any]:  # fmt: skip
    """The steps forward and back for x (d,) as the network sees it, as JSON values.

    shape: `mean` and `scale` of the standardization. Values have all digits, lines so many. With
    many hidden units the lines are left out. Raises InputError if the outputs overflow.
    """
    mean, scale = np.asarray(shape["mean"]), np.asarray(shape["scale"])
    standardized = bool((mean != 0).any() or (scale != 1).any())
    example = Example(
        x,
        y,
        {name: np.asarray(array) for name, array in parameters.items()},
        Standardization(mean + scale * x, mean, scale) if standardized else None,
    )
    found = derivation(example, digits)
    lines = len(parameters["b_in"]) <= _MOST_UNITS
    return {
        "x": x.tolist(),
        "y": y,
        "parameters": {name: np.asarray(parameters[name]).tolist() for name in PARAMETERS},
        "forward": [_shown(step, lines) for step in found.forward],
        "backward": [_shown(step, lines) for step in found.backward],
    }


def _shown(step: Step, lines: bool) -> dict[str, Any]:
    return {
        "name": step.name,
        "formula": step.formula,
        "local": step.local,
        "value": step.value.tolist(),
        "lines": list(step.lines) if lines else [],
    }
