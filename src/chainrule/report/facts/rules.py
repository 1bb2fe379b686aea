"""When ours and the original's agree. A rule takes both and gives the verdict and why, in words.

Each rule says in `words` what it asks. None knows which fact it is used for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np

from chainrule.report.facts.values import Found, Numbers, PublishedRun, Trials, iteration, number

Verdict = Literal["agrees", "disagrees", "the original errs", "cannot be compared"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
LEVEL = 0.95  # of the predictive intervals

Original = Numbers | PublishedRun | str


class Judgement(NamedTuple):
    """A verdict with its reason, a sentence without a full stop."""

    verdict: Verdict
    why: str


class Rule(Protocol):
    """See the module."""

    @property
    def words(self) -> str:
        """What the rule asks, to follow "agrees if"."""

    def judge(self, original: Original, found: Found) -> Judgement:
        """Compare what is stated with what was found."""


@dataclass(frozen=True)
class SameDigits:
    """Numbers that are the same, rounded to the digits that are printed."""

    @property
    def words(self) -> str:
        return "every printed digit is the same"

    def judge(self, original: Original, found: Found) -> Judgement:
        assert isinstance(original, Numbers)
        ours = original.like(_array(found)).entries
        pairs = list(zip(original.entries, ours, strict=True))
        other = [f"{b} in place of {a}" for a, b in pairs if number(a) != number(b)]
        if not other:
            return Judgement("agrees", self.words)
        count = f"{len(pairs) - len(other)} of {len(pairs)} are the same; " * (len(pairs) > 1)
        return Judgement("disagrees", f"{count}{', '.join(other)}".replace("-", "−"))


@dataclass(frozen=True)
class Within:
    """Each number no further than `tolerance` from what is printed; as a share of it if `relative`.

    unit: what the tolerance is counted in, for the words.
    """

    tolerance: float
    unit: str = ""
    relative: bool = False

    @property
    def words(self) -> str:
        if self.relative:
            return f"they differ by at most {100 * self.tolerance:g} %"
        return f"they differ by at most {self.tolerance:g}{self.unit and ' '}{self.unit}"

    def judge(self, original: Original, found: Found) -> Judgement:
        assert isinstance(original, Numbers)
        stated = original.values
        apart = np.abs(_array(found).ravel() - stated)
        worst = float((apart / np.abs(stated) if self.relative else apart).max())
        shown = f"{100 * worst:.3g} %" if self.relative else f"{worst:.3g} {self.unit}".strip()
        inside = worst <= self.tolerance * (1 + 1e-9)  # a bound that rounding must not break
        return Judgement(
            "agrees" if inside else "disagrees", f"they differ by {shown}; bound: {self._bound}"
        )

    @property
    def _bound(self) -> str:
        share = f"{100 * self.tolerance:g} %"
        return share if self.relative else f"{self.tolerance:g} {self.unit}".strip()


@dataclass(frozen=True)
class Same:
    """The same text."""

    @property
    def words(self) -> str:
        return "it is the same"

    def judge(self, original: Original, found: Found) -> Judgement:
        stated = original.text if isinstance(original, Numbers) else original
        same = stated == found.value
        return Judgement(*(("agrees", "the same") if same else ("disagrees", "it is not the same")))


@dataclass(frozen=True)
class AtLeast:
    """A statement in words that holds if `measure` is at least `bound`."""

    bound: float
    measure: str

    @property
    def words(self) -> str:
        return f"{self.measure} is at least {_number(self.bound)}"

    def judge(self, original: Original, found: Found) -> Judgement:
        return _held(_scalar(found) >= self.bound, self.measure, found, f"at least {self.bound:g}")


@dataclass(frozen=True)
class AtMost:
    """A statement in words that holds if `measure` is at most `bound`."""

    bound: float
    measure: str

    @property
    def words(self) -> str:
        return f"{self.measure} is at most {_number(self.bound)}"

    def judge(self, original: Original, found: Found) -> Judgement:
        return _held(_scalar(found) <= self.bound, self.measure, found, f"at most {self.bound:g}")


@dataclass(frozen=True)
class Among:
    """A number of the original's that lies where 95 % of ours do."""

    what: str

    @property
    def words(self) -> str:
        return f"it lies where 95 % of {self.what} do"

    def judge(self, original: Original, found: Found) -> Judgement:
        assert isinstance(original, Numbers)
        ours = _array(found).ravel()
        if not len(ours):
            return Judgement("cannot be compared", f"there are no {self.what}")
        (stated,) = original.values
        low, high = _interval(ours)
        inside = low <= stated <= high
        return Judgement(
            "agrees" if inside else "disagrees",
            f"95 % of {self.what} lie from {low:,.0f} to {high:,.0f}",
        )


@dataclass(frozen=True)
class PredictedRun:
    """A published training that could be one of ours.

    Its training error, its validation error and its iteration each lie in the interval from the
    2.5 % to the 97.5 % quantile of our trials; a run without an iteration comes after all others.
    A run that is said to converge at a training error above zero contradicts the definition of
    convergence in 1.3.A.
    """

    @property
    def words(self) -> str:
        return "errors and iteration lie where 95 % of our trials do"

    def judge(self, original: Original, found: Found) -> Judgement:
        assert isinstance(original, PublishedRun)
        assert isinstance(found.value, Trials)
        runs = found.value.runs
        training = [100 * run.train_error for run in runs]
        validation = [100 * run.validation_error for run in runs]
        columns = [
            _Column("training error", float(original.training), training),
            _Column("validation error", float(original.validation), validation),
        ]
        if original.converged_at is not None and float(original.training) > 0:
            outside = "; ".join(c.sentence for c in columns if not c.inside)
            return Judgement(
                "the original errs",
                f"no run has converged at a training error of {original.training} %"
                + (f"; {outside}" if outside else ", though the errors lie in our intervals"),
            )
        if not original.errors_only:
            at = np.inf if original.converged_at is None else original.converged_at
            ours = [np.inf if r.converged_at is None else r.converged_at for r in runs]
            columns.append(_Column("iteration", at, ours))
        outside = "; ".join(c.sentence for c in columns if not c.inside)
        if outside:
            return Judgement("disagrees", outside)
        return Judgement("agrees", f"within the 95 % intervals of {len(runs)} trials")


@dataclass(frozen=True)
class OnlyOn:
    """A rule for figures of certain data: on other data they cannot be compared."""

    data: str
    rule: Rule

    @property
    def words(self) -> str:
        return f"on {self.data}, {self.rule.words}"

    def judge(self, original: Original, found: Found) -> Judgement:
        if found.data != self.data:
            return Judgement("cannot be compared", f"here it is {found.data}, not {self.data}")
        return self.rule.judge(original, found)


class _Column(NamedTuple):
    """A published number among ours."""

    name: str
    stated: float
    ours: Sequence[float]

    @property
    def inside(self) -> bool:
        low, high = _interval(self.ours)
        return low <= self.stated <= high

    @property
    def sentence(self) -> str:
        low, high = (self._shown(v) for v in _interval(self.ours))
        return (
            f"the {self.name} {self._shown(self.stated)} lies outside {low} to {high} "
            f"(tail probability {tail_probability(self.stated, self.ours):.2g})"
        )

    def _shown(self, value: float) -> str:
        if self.name == "iteration":
            return iteration(None if np.isinf(value) else value)
        return f"{value:.2f} %"


def tail_probability(stated: float, ours: Sequence[float]) -> float:
    """Twice the share of ours that lies as far on the stated number's side, at most 1."""
    values = np.asarray(ours)
    return float(min(1, 2 * min((values <= stated).mean(), (values >= stated).mean())))


def _interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """The quantiles at both ends of `LEVEL`; infinities are ordered and never averaged."""
    ends = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = np.quantile(np.asarray(values, np.float64), ends, method="inverted_cdf")
    return float(low), float(high)


def _held(holds: bool, measure: str, found: Found, bound: str) -> Judgement:
    if np.isnan(_scalar(found)):
        return Judgement("cannot be compared", f"{measure}: there is nothing to measure it on")
    why = f"{measure}: {_number(_scalar(found))}; bound: {bound}".replace("-", "−")
    return Judgement("agrees" if holds else "disagrees", why)


def _array(found: Found) -> np.ndarray:
    assert isinstance(found.value, np.ndarray | float | int)
    return np.asarray(found.value, np.float64)


def _scalar(found: Found) -> float:
    assert isinstance(found.value, float | int)
    return float(found.value)


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
