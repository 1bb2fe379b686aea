"""What a fact can hold: numbers as printed, a run as a table prints it, or a statement in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.points.study import Trial

if TYPE_CHECKING:
    from chainrule.report.facts.rules import Rule


@dataclass(frozen=True)
class Numbers:
    """Numbers digit for digit as printed; semicolons part rows, `times` is printed before them."""

    printed: str
    times: str = ""  # as "1e-4"

    @property
    def entries(self) -> tuple[str, ...]:
        """The numbers in reading order, as they are printed."""
        return tuple(self.printed.replace(";", " ").split())

    @property
    def factor(self) -> float:
        """What the printed numbers are multiplied by."""
        return float(self.times or 1)

    @property
    def values(self) -> np.ndarray:
        """The numbers in reading order, their factor taken in."""
        return np.array([number(entry) for entry in self.entries]) * self.factor

    @property
    def text(self) -> str:
        """As the page shows them, with a real minus sign."""
        return _with_factor(self.printed, self.times)

    def like(self, values: np.ndarray | float) -> "Numbers":
        """Our numbers in reading order, printed as these are: the same rows, digits and factor."""
        flat = (np.asarray(values, np.float64) / self.factor).ravel()
        shown = iter(_as_printed(v, e) for v, e in zip(flat, self.entries, strict=True))
        rows = [" ".join(next(shown) for _ in row.split()) for row in self.printed.split(";")]
        return Numbers("; ".join(rows), self.times)


@dataclass(frozen=True)
class PublishedRun:
    """A training as a table prints it: errors in percent, and from where the first is zero.

    converged_at: the iteration, None where the table has none. errors_only: the table has no such
    column.
    """

    training: str
    validation: str
    converged_at: int | None = None
    errors_only: bool = False

    @property
    def text(self) -> str:
        """As the page shows it."""
        at = "" if self.errors_only else f", {iteration(self.converged_at)}"
        return f"{self.training}, {self.validation} %{at}"


@dataclass(frozen=True)
class LeftOut:
    """What the original says that it leaves out, or what only its readers could see."""

    text: str
    why: str


@dataclass(frozen=True)
class Trials:
    """Our trainings of the setting of a `PublishedRun`, and the one that stands beside it."""

    runs: Sequence[Trial]
    shown: Trial

    @property
    def text(self) -> str:
        """The shown run, as the original prints its own."""
        run = self.shown
        errors = f"{100 * run.train_error:.2f}, {100 * run.validation_error:.2f} %"
        return f"{errors}, {iteration(run.converged_at)}"


@dataclass(frozen=True)
class Fact:
    """One statement of the original.

    id: the question's number and a name, "1.3.C.rate2.trial1". what: what it is about, in a few
    words. original: what is stated, in our words where it is no figure. rule: when what we find
    agrees; None if there is nothing to compare with. certain: a difference is an error of the
    original's, and not of chance, of data or ours. proof: where the original errs, how we know: the
    block `proof_PROOF` of the question's template.
    """

    id: str
    what: str
    original: Numbers | PublishedRun | LeftOut | str
    rule: "Rule | None"
    certain: bool = False
    proof: str = ""

    @property
    def text(self) -> str:
        """What the original states, as the page shows it."""
        return self.original if isinstance(self.original, str) else self.original.text


@dataclass(frozen=True)
class Found:
    """What this run found for a fact.

    value: what the fact's rule takes: a number, an array, a text, or `Trials`. text: how the page
    shows it, for which an array needs none. data: what it was measured on, where a rule asks.
    """

    value: float | str | np.ndarray | Trials
    text: str = ""
    data: str = ""


def number(entry: str) -> float:
    """A printed number's value."""
    return float(entry.replace(",", ""))


def iteration(number: float | None) -> str:
    """An iteration with its thousands apart, or none."""
    return "none" if number is None else f"{number:,.0f}"


def _as_printed(value: float, pattern: str) -> str:
    """The value with as many decimals as the pattern, in its form."""
    mantissa, e, _ = pattern.partition("e")
    decimals = len(mantissa.partition(".")[2])
    thousands = "," if "," in pattern else ""
    return f"{value:{thousands}.{decimals}{'e' if e else 'f'}}"


def _with_factor(printed: str, times: str) -> str:
    text = printed.replace("-", "−")
    return f"{times.replace('-', '−')} × ({text})" if times else text
