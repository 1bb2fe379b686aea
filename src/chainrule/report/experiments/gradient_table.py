"""1.2.B: the original's Table 1, its step, and what a smaller step does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.checking.derivatives import Comparison, worst_relative_error
from chainrule.points.derivation import derivation
from chainrule.points.derivative_figures import error_against_delta
from chainrule.points.example import Example, printed_example, report_example
from chainrule.points.gradient_table import DELTAS, REPORT_DELTA, error_curves, gradient_table
from chainrule.points.network import PARAMETERS, forward
from chainrule.report.facts.original import GRADIENT_TABLE
from chainrule.report.facts.values import Found, Numbers, number
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.formatting import numbers, scientific
from chainrule.report.settings import ReportSettings

STATED_DELTA = 1e-4
QUANTITIES = ("true", "approximate", "absolute", "relative")
ERROR_RANGE = (1e-5, 1e-3)  # "about 1e-4 to 1e-3, 1e-5 for some"


@dataclass(frozen=True)
class GradientTable(Finding):
    """Forward differences at the apparent and at the stated step, central ones at the best.

    implied: the step that each printed absolute error of the original's implies. second_derivative:
    s'' by b_out. rounded: as `apparent`, from the weights as printed.
    """

    example: Example
    apparent: Mapping[str, Comparison]
    stated: Mapping[str, Comparison]
    rounded: Mapping[str, Comparison]
    central: Mapping[str, Comparison]
    implied: Float64[np.ndarray, " entries"]
    second_derivative: float
    curves: Mapping[str, Float64[np.ndarray, " deltas"]]

    def found(self) -> dict[str, Found]:
        inputs = {"X": self.example.x, "y": np.asarray(self.example.y), **self.example.parameters}
        found = {f"1.2.B.{name}": Found(np.asarray(value)) for name, value in inputs.items()}
        for name in PARAMETERS:
            for quantity in QUANTITIES:
                found[f"1.2.B.{name}.{quantity}"] = Found(_quantity(self.apparent[name], quantity))
        low, high = ERROR_RANGE
        errors = np.concatenate([self.apparent[n].relative_error.ravel() for n in PARAMETERS])
        outside = np.maximum(np.log10(low / errors), np.log10(errors / high)).max()
        worse = float(self.curves["forward"][0] / self.curves["forward"].min())
        return found | {
            "1.2.B.delta": Found(
                self.implied_delta, f"{self.implied_delta:.4f}, from the printed errors"
            ),
            "1.2.B.error_sizes": Found(
                max(0.0, float(outside)),
                f"{scientific(float(errors.min()))} to {scientific(float(errors.max()))}",
            ),
            "1.2.B.smaller_delta": Found(
                worse, f"only down to {scientific(self.best('forward')[0])}"
            ),
        }

    @property
    def implied_delta(self) -> float:
        """The median of the steps that the printed errors imply."""
        return float(np.median(self.implied))

    def best(self, method: str) -> tuple[float, float]:
        """The step of the smallest worst error, and that error."""
        best = int(np.argmin(self.curves[method]))
        return float(DELTAS[best]), float(self.curves[method][best])

    @property
    def central_worst(self) -> float:
        """The largest relative error of central differences."""
        return worst_relative_error(self.central)

    def same(self, table: Mapping[str, Comparison]) -> int:
        """How many entries of the printed errors come out to every digit."""
        return sum(
            number(a) == number(b)
            for fact, printed in _printed_errors()
            for a, b in zip(
                printed.entries, printed.like(_quantity(table[fact], "absolute")).entries,
                strict=True,
            )
        )  # fmt: skip

    @property
    def printed(self) -> int:
        """How many absolute errors the original prints."""
        return sum(len(printed.entries) for _, printed in _printed_errors())

    def figures(self) -> tuple[Figure, ...]:
        return (chart("steps", error_against_delta(DELTAS, self.curves)),)

    def tables(self) -> tuple[Table, ...]:
        steps = derivation(self.example, digits=5)
        by_step = (self.apparent, self.stated, self.central)
        return (
            Table(
                "steps",
                ("derivative by", "entries", "forward, $10^{-3}$", "forward, $10^{-4}$", "central"),
                tuple(
                    (f"`{n}`", str(self.apparent[n].true.size), *(_range(t[n]) for t in by_step))
                    for n in PARAMETERS
                ),
            ),
            Table(
                "pencil",
                ("quantity", "formula", "numbers"),
                tuple(
                    (f"`{step.name}`", f"`{step.formula}`", numbers(step.value, 5))
                    for step in (*steps.forward, *steps.backward)
                ),
            ),
        )

    def document(self) -> dict[str, Any]:
        return {
            "method": "forward",
            "delta": REPORT_DELTA,
            "implied_delta": self.implied_delta,
            "arrays": {name: _document(self.apparent[name]) for name in PARAMETERS},
            "central_worst_relative_error": self.central_worst,
            "best_delta": {
                method: dict(zip(("delta", "worst_relative_error"), self.best(method), strict=True))
                for method in self.curves
            },
        }


def run(settings: ReportSettings, progress: object = None) -> GradientTable:
    """Make the table at both steps, and the error against the step."""
    example = report_example()
    apparent = gradient_table(example, delta=REPORT_DELTA, method="forward")
    return GradientTable(
        example,
        apparent,
        gradient_table(example, delta=STATED_DELTA, method="forward"),
        gradient_table(printed_example(), delta=REPORT_DELTA, method="forward"),
        gradient_table(example, method="central"),
        implied_deltas(example),
        float(_second_derivatives(example)["b_out"]),
        error_curves(example),
    )


def implied_deltas(example: Example) -> Float64[np.ndarray, " entries"]:
    """The step that each printed absolute error implies: delta = 2 error / |s''|.

    A forward difference errs by delta s''/2 and terms of the second order in delta. Errors that
    are printed with fewer than three digits are left out.
    """
    second = _second_derivatives(example)
    implied = []
    for name, printed in _printed_errors():
        curvature = np.abs(second[name]).ravel()
        pairs = zip(printed.entries, printed.values, curvature, strict=True)
        implied += [2 * v / c for entry, v, c in pairs if _digits(entry) >= 3]
    return np.array(implied)


def _printed_errors() -> list[tuple[str, Numbers]]:
    """Table 1's absolute errors, by parameter."""
    facts = {fact.id: fact.original for fact in GRADIENT_TABLE}
    printed = [(name, facts[f"1.2.B.{name}.absolute"]) for name in PARAMETERS]
    return [(name, value) for name, value in printed if isinstance(value, Numbers)]


def _digits(entry: str) -> int:
    return len(entry.partition("e")[0].replace(".", "").lstrip("0"))


def _second_derivatives(example: Example) -> dict[str, Float64[np.ndarray, "..."]]:
    """s'' by each entry: p (1 - p) (dy_hat/dtheta)^2, since y_hat is linear in each entry."""
    z, H, y_hat = forward(example.x, example.parameters)
    p = 1 / (1 + np.exp(-float(y_hat)))
    by_bias = example.parameters["w_out"] * (z > 0)
    slopes = {
        "W_in": np.outer(by_bias, example.x),
        "b_in": by_bias,
        "w_out": H,
        "b_out": np.ones(()),
    }
    return {name: p * (1 - p) * slope**2 for name, slope in slopes.items()}


def _quantity(comparison: Comparison, quantity: str) -> np.ndarray:
    names = {"absolute": "absolute_error", "relative": "relative_error"}
    value: np.ndarray = getattr(comparison, names.get(quantity, quantity))
    return value


def _range(comparison: Comparison) -> str:
    low, high = (scientific(float(v)) for v in (
        comparison.relative_error.min(), comparison.relative_error.max()
    ))  # fmt: skip
    return low if low == high else f"{low} to {high}"


def _document(comparison: Comparison) -> dict[str, Any]:
    """As `chainrule points check --json` prints it."""
    return {
        "true": comparison.true.tolist(),
        "approximate": comparison.approximate.tolist(),
        "absolute_error": comparison.absolute_error.tolist(),
        "relative_error": comparison.relative_error.tolist(),
    }
