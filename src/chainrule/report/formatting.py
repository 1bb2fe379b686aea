"""Numbers as the report writes them, in templates and in tables."""

import math
from collections.abc import Sequence

import numpy as np

from chainrule.report.facts.values import iteration

__all__ = ["decimals", "iteration", "latex", "numbers", "percent", "scientific", "spread", "units"]


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def scientific(value: float, digits: int = 1) -> str:
    """A small number with its power of ten, as 3.4e−05; 0 and whole numbers as they are."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{digits}e}".replace("-", "−")


def decimals(value: float, digits: int = 2) -> str:
    """A number with so many decimals, thousands apart and a real minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def latex(value: float) -> str:
    """A small number as LaTeX: 3.41 times ten to the -5."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def numbers(values: object, digits: int) -> str:
    """An array as text: rows apart by semicolons."""
    array = np.asarray(values)
    rows = np.atleast_2d(array) if array.ndim else array.reshape(1, 1)
    return "; ".join(", ".join(decimals(v, digits) for v in row) for row in rows)


def spread(errors: Sequence[float]) -> str:
    """Median and range of shares: 6.0 % (5.5 to 6.9)."""
    if not errors:
        return "none"
    if min(errors) == max(errors):
        return percent(errors[0])
    low, high = 100 * min(errors), 100 * max(errors)
    return f"{percent(float(np.median(errors)))} ({low:.1f} to {high:.1f})"


def units(hidden: int) -> str:
    """1 unit, 7 units."""
    return f"{hidden} unit{'' if hidden == 1 else 's'}"
