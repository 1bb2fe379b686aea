"""Questions 1.1 to 1.2.B: the derivation, the derivatives as code, their numerical check."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.checking.derivatives import Comparison, worst_relative_error
from chainrule.points.derivation import derivation as steps_of
from chainrule.points.derivative_figures import error_against_delta
from chainrule.points.example import Example, printed_example, report_example
from chainrule.points.gradient_table import (
    DELTAS,
    REPORT_DELTA,
    error_curves,
    gradient_table,
)
from chainrule.points.network import PARAMETERS, forward
from chainrule.points.network_figures import chain_diagram
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table

STATED_DELTA = 1e-4  # what the original states; its errors are those of REPORT_DELTA

# the original's Table 1: derivatives to four decimals; errors in units of their scale
TRUE = {
    "W_in": [[-0.0045, -0.0326], [-0.0075, -0.0538], [-0.0013, -0.0095]],
    "b_in": [-0.0357, -0.0589, -0.0104],
    "w_out": [-0.0543, -0.1368, -0.1380],
    "b_out": -0.0736,
}
ABSOLUTE_ERROR_SCALE = {"W_in": 1e-4, "b_in": 1e-4, "w_out": 1e-3, "b_out": 1e-5}
ABSOLUTE_ERROR = {
    "W_in": [[0.0013, 0.0670], [0.0035, 0.1822], [0.0001, 0.0057]],
    "b_in": [0.0803, 0.2184, 0.0069],
    "w_out": [0.0185, 0.1176, 0.1197],
    "b_out": 3.4098,
}
RELATIVE_ERROR_B_OUT = "4.6305e-04"

_FORMULAS = {
    "W_in": r"$\partial s/\partial W_\mathrm{in}$",
    "b_in": r"$\partial s/\partial b_\mathrm{in}$",
    "w_out": r"$\partial s/\partial w_\mathrm{out}$",
    "b_out": r"$\partial s/\partial b_\mathrm{out}$",
}
_NETWORKS = 200
_KINK = 1e-3  # a hidden unit nearer to its kink than this has no derivative to compare with


def derivation(seed: int) -> Section:
    """1.1: the formulas, held against differences on random networks."""
    worst, entries = _worst_difference(seed)
    return Section(
        number="1.1",
        title="The network and its derivation",
        question=r"""
A network with two layers takes a point $x$ of $d$ features through $h$ hidden units to one
number, whose sign is the class $y \in \{-1, +1\}$. How does its loss change with each parameter?

$$z = W_\mathrm{in}\,x + b_\mathrm{in}$$ $$H = \max(z, 0)$$
$$\hat{y} = w_\mathrm{out} \cdot H + b_\mathrm{out}$$ $$s = \log(1 + e^{-y \hat{y}})$$
""",
        original="A derivation by hand. Its steps are not stated here; its result is what 1.2.A "
        "computes.",
        found=r"""
From the loss backwards, one factor at a time, with $\sigma(a) = 1 / (1 + e^{-a})$:

$$\frac{\partial s}{\partial \hat{y}} = -y\,\sigma(-y \hat{y})$$

$$\frac{\partial s}{\partial b_\mathrm{out}} = \frac{\partial s}{\partial \hat{y}}$$
$$\frac{\partial s}{\partial w_\mathrm{out}} = \frac{\partial s}{\partial \hat{y}}\,H$$

$$\frac{\partial s}{\partial b_\mathrm{in}} =
\frac{\partial s}{\partial \hat{y}}\;w_\mathrm{out} \odot [z > 0]$$
$$\frac{\partial s}{\partial W_\mathrm{in}} = \frac{\partial s}{\partial b_\mathrm{in}}\;x^\top$$

Each has the shape of its parameter. At the kink $z_j = 0$ the derivative 0 is taken.
""",
        verdict=f"Over {_NETWORKS} random networks (up to 5 features and 8 hidden units) the "
        f"formulas and central differences differ by at most {worst:.1e}, in {entries:,} "
        "derivatives: they are right. The whole derivation, with its shapes, is the page "
        "`docs/derivations/two-layer.md`; `chainrule points derive` prints it with its numbers.",
        comparison=(
            Row(
                "largest difference from central differences",
                NOT_STATED,
                f"{worst:.1e} in {entries:,} derivatives",
            ),
        ),
        figures=(
            Figure.drawn(
                chain_diagram(),
                "The chain: forward along the black arrows to the loss, back along the red ones, "
                "where each local derivative multiplies what comes from the right.",
                wide=True,
                alt="The quantities x, z, H, y_hat and s in a row, with an arrow to each parameter "
                "from the quantity that it enters.",
            ),
        ),
        results={"networks": _NETWORKS, "derivatives": entries, "worst_difference": worst},
    )


def _worst_difference(seed: int) -> tuple[float, int]:
    """Closed form against central differences on random networks: worst, and how many entries."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, 1)))
    worst, entries, networks = 0.0, 0, 0
    while networks < _NETWORKS:
        d, h = int(generator.integers(1, 6)), int(generator.integers(1, 9))
        parameters = {
            "W_in": generator.normal(size=(h, d)),
            "b_in": generator.normal(size=h),
            "w_out": generator.normal(size=h),
            "b_out": np.asarray(generator.normal()),
        }
        example = Example(generator.normal(size=d), int(generator.choice([-1, 1])), parameters)
        if np.abs(forward(example.x, parameters).z).min() < _KINK:
            continue
        table = gradient_table(example)
        worst = max(worst, *(float(table[name].absolute_error.max()) for name in PARAMETERS))
        entries += sum(table[name].true.size for name in PARAMETERS)
        networks += 1
    return worst, entries


def code() -> Section:
    """1.2.A: the derivatives of the original's example."""
    example = report_example()
    table = gradient_table(example)
    agree, count = _agreeing(TRUE, {name: table[name].true for name in PARAMETERS})
    steps = steps_of(example, digits=5)
    return Section(
        number="1.2.A",
        title="The derivatives as code",
        question=r"Put the formulas into code, and give the derivatives for one example: "
        r"$x = (0.1270, 0.9134)$, $y = +1$, three hidden units with given weights.",
        original="The derivatives, printed with four decimals.",
        found="`chainrule.points.network` holds the function and its derivatives, line for line as "
        "derived. The table below gives every quantity on the way; `chainrule points derive` "
        "prints each product, to follow with a pencil.",
        verdict=f"{agree} of {count} printed derivatives are the same to every digit.",
        comparison=tuple(
            Row(_FORMULAS[name], _numbers(TRUE[name], 4), _numbers(table[name].true, 4))
            for name in PARAMETERS
        ),
        tables=(
            Table(
                ("quantity", "formula", "numbers"),
                tuple(
                    (f"`{step.name}`", f"`{step.formula}`", _numbers(step.value, 5))
                    for step in (*steps.forward, *steps.backward)
                ),
                "The chain for this example, forward to the loss and back to each parameter",
            ),
        ),
        results={"derivatives": {name: table[name].true.tolist() for name in PARAMETERS}},
        agrees="yes" if agree == count else "partly",
        headline=Row(
            "derivatives of one example, to four decimals",
            f"{count} printed",
            f"{agree} of {count} the same",
        ),
    )


def check() -> Section:
    """1.2.B: the original's table of errors."""
    example = report_example()
    apparent = gradient_table(example, delta=REPORT_DELTA, method="forward")
    stated = gradient_table(example, delta=STATED_DELTA, method="forward")
    rounded = gradient_table(printed_example(), delta=REPORT_DELTA, method="forward")
    central = gradient_table(example, method="central")
    agree, count = _agreeing_errors(apparent)
    second = _second_derivative(example)
    curves = error_curves(example)
    best = {method: _best(curve) for method, curve in curves.items()}
    return Section(
        number="1.2.B",
        title="The derivative check",
        question="Approximate each derivative by a difference of the loss and tabulate the "
        r"absolute and the relative error: $\frac{\partial s}{\partial a} \approx "
        r"(s(a + \delta) - s(a)) / \delta$.",
        original=r"A table of errors, said to be taken with $\delta = 10^{-4}$; relative errors "
        "of about $10^{-5}$ to $10^{-3}$.",
        found=r"The printed errors are those of a forward difference with $\delta = 10^{-3}$. Its "
        r"error is $\frac{\delta}{2}\,s''$, and for $b_\mathrm{out}$, where $s'' = "
        rf"\sigma(\hat{{y}})\,\sigma(-\hat{{y}}) = {second:.4f}$, that is "
        rf"$0.0005 \cdot {second:.4f} = {_latex(REPORT_DELTA / 2 * second)}$. With the step as "
        "stated, each error would be a tenth of the printed one.\n\n"
        f"With the weights as printed, {_agreeing_errors(rounded)[0]} of {count} errors come out. "
        "With all the digits of these weights, which are what MATLAB's `rand` draws third to "
        f"seventeenth once it is started, {agree} do.\n\n"
        r"Central differences with $\delta = 10^{-5}$ are right to a relative error of "
        f"${_latex(worst_relative_error(central))}$ or less in every entry.",
        verdict=rf"With $\delta = 10^{{-3}}$, {agree} of {count} printed errors come out to every "
        "digit. The table is right; the step stated beside it is not the one it was made with.",
        comparison=(
            *(
                Row(
                    f"absolute error of {_FORMULAS[name]}, $\\times 10^{{{_exponent(name)}}}$",
                    _numbers(ABSOLUTE_ERROR[name], 4),
                    _numbers(_scaled(apparent)[name], 4),
                )
                for name in PARAMETERS
            ),
            Row(
                f"relative error of {_FORMULAS['b_out']}",
                RELATIVE_ERROR_B_OUT,
                _relative_error_b_out(apparent),
            ),
        ),
        tables=(
            Table(
                ("derivative by", "entries", "forward, $10^{-3}$", "forward, $10^{-4}$", "central"),
                tuple(
                    (
                        f"`{name}`",
                        str(apparent[name].true.size),
                        *(_range(table[name]) for table in (apparent, stated, central)),
                    )
                    for name in PARAMETERS
                ),
                "Relative errors, smallest to largest entry, by method and step",
            ),
        ),
        figures=(
            Figure.drawn(
                error_against_delta(DELTAS, curves),
                r"The worst relative error of all entries against the step. On the right the "
                r"truncated terms of the series prevail, with slope 1 and 2; on the left rounding. "
                f"The best forward step, {best['forward'][0]:.1e}, leaves an error of "
                f"{best['forward'][1]:.1e}; the best central step, {best['central'][0]:.0e}, one "
                f"of {best['central'][1]:.1e}.",
                alt="Two curves shaped like a V, in logarithmic axes: the central difference's "
                "lies lower and further right.",
            ),
        ),
        results={
            "method": "forward",
            "delta": REPORT_DELTA,
            "arrays": {name: _document(apparent[name]) for name in PARAMETERS},
            "central_worst_relative_error": worst_relative_error(central),
            "best_delta": {
                method: {"delta": delta, "worst_relative_error": error}
                for method, (delta, error) in best.items()
            },
        },
        agrees="yes" if agree == count else "partly",
        headline=Row(
            "errors of the derivative check, to every digit",
            f"{count} printed",
            f"{agree} of {count} the same, at ten times the stated step",
        ),
    )


def _agreeing(printed: Mapping[str, Any], found: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """How many of the printed numbers are ours, rounded to four decimals; and of how many."""
    same = [np.round(found[name], 4) == np.asarray(printed[name]) for name in PARAMETERS]
    return sum(int(np.sum(s)) for s in same), sum(s.size for s in same)


def _agreeing_errors(table: Mapping[str, Comparison]) -> tuple[int, int]:
    """The same of all printed errors, the relative one included."""
    agree, count = _agreeing(ABSOLUTE_ERROR, _scaled(table))
    return agree + (_relative_error_b_out(table) == RELATIVE_ERROR_B_OUT), count + 1


def _scaled(table: Mapping[str, Comparison]) -> dict[str, np.ndarray]:
    """The absolute errors in the units in which the original prints them."""
    return {n: table[n].absolute_error / ABSOLUTE_ERROR_SCALE[n] for n in PARAMETERS}


def _relative_error_b_out(table: Mapping[str, Comparison]) -> str:
    return f"{float(table['b_out'].relative_error):.4e}"


def _best(errors: Float64[np.ndarray, " deltas"]) -> tuple[float, float]:
    """The step of the smallest error, and that error."""
    best = int(np.argmin(errors))
    return float(DELTAS[best]), float(errors[best])


def _second_derivative(example: Example) -> float:
    """d2s/db_out2 = sigmoid(y_hat) sigmoid(-y_hat)."""
    p = 1 / (1 + np.exp(-float(forward(example.x, example.parameters).y_hat)))
    return float(p * (1 - p))


def _latex(value: float) -> str:
    """A small number as LaTeX: 3.41 times ten to the -5."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def _exponent(name: str) -> int:
    return round(math.log10(ABSOLUTE_ERROR_SCALE[name]))


def _numbers(values: Any, decimals: int) -> str:
    """An array as text: rows apart by semicolons."""
    array = np.asarray(values)
    rows = np.atleast_2d(array) if array.ndim else array.reshape(1, 1)
    return "; ".join(", ".join(f"{v:.{decimals}f}" for v in row) for row in rows).replace("-", "−")


def _range(comparison: Comparison) -> str:
    low, high = comparison.relative_error.min(), comparison.relative_error.max()
    text = f"{low:.1e}" if low == high else f"{low:.1e} to {high:.1e}"
    return text.replace("-", "−")


def _document(comparison: Comparison) -> dict[str, Any]:
    """As `chainrule points check --json` prints it."""
    return {
        "true": comparison.true.tolist(),
        "approximate": comparison.approximate.tolist(),
        "absolute_error": comparison.absolute_error.tolist(),
        "relative_error": comparison.relative_error.tolist(),
    }
