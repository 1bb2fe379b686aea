"""1.2.A: how fast the remainder of the first-order expansion falls with the step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.points.example import report_example
from chainrule.points.network import PARAMETERS, derivatives, forward, loss
from chainrule.report.facts.values import Found
from chainrule.report.finding import Finding, Table
from chainrule.report.formatting import decimals, scientific
from chainrule.report.settings import ReportSettings

_STEPS = (1e-1, 1e-2, 1e-3, 1e-4)


@dataclass(frozen=True)
class Expansion(Finding):
    """remainders: the largest over all entries at each step; power: their slope in log axes."""

    steps: tuple[float, ...]
    remainders: tuple[float, ...]
    power: float

    def found(self) -> dict[str, Found]:
        text = f"the remainder falls with δ to the power of {decimals(self.power)}"
        return {"1.2.A.expansion": Found(self.power, text)}

    def tables(self) -> tuple[Table, ...]:
        rows = tuple(
            (f"{step:g}", scientific(r), scientific(r / step))
            for step, r in zip(self.steps, self.remainders, strict=True)
        )
        return (Table("remainders", ("δ", "remainder", "remainder / δ"), rows),)

    def document(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            "remainders": list(self.remainders),
            "power": self.power,
        }


def run(settings: ReportSettings, progress: object = None) -> Expansion:
    """Step each parameter of the original's example by itself, the others held."""
    remainders = tuple(_worst_remainder(step) for step in _STEPS)
    slope = np.polyfit(np.log(_STEPS), np.log(remainders), 1)[0]
    return Expansion(_STEPS, remainders, float(slope))


def _worst_remainder(step: float) -> float:
    """The largest |s(theta + step e_i) - s(theta) - step ds/dtheta_i| over all entries i."""
    example = report_example()
    start = _loss(example.parameters)
    slopes = derivatives(example.x, example.y, example.parameters)
    worst = 0.0
    for name in PARAMETERS:
        for index in np.ndindex(example.parameters[name].shape):
            moved: dict[str, Float64[np.ndarray, ...]] = {
                n: a.copy() for n, a in example.parameters.items()
            }
            moved[name][index] += step
            remainder = _loss(moved) - start - step * float(slopes[name][index])
            worst = max(worst, abs(remainder))
    return worst


def _loss(parameters: dict[str, np.ndarray]) -> float:
    example = report_example()
    return float(loss(forward(example.x, parameters).y_hat, example.y))
