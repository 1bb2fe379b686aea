"""1.3.A+, beyond the original: the points behind its tables, inferred from its 35 runs."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.io.progress import Progress
from chainrule.points.inference import (
    Inference,
    InferenceSettings,
    Prediction,
    StoredInference,
    infer,
    original_runs,
    stored_inference,
)
from chainrule.points.inference.figures import posterior_figure, rows_figure
from chainrule.points.inference.prediction import Predicted
from chainrule.report.experiments.table_runs import POINTS
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.formatting import decimals, iteration
from chainrule.report.settings import ReportSettings

# the shortened form of the inference that a whole report runs
SKETCH = InferenceSettings(particles=8, generations=2, repeats=1, trials=10)


@dataclass(frozen=True)
class InferredPoints(Finding):
    """stored: the inference that comes with the package, whose points the report trains on.

    sketch: its shortened form, None on a quick page.
    """

    stored: StoredInference
    sketch: Inference | None

    @property
    def sketch_command(self) -> str:
        """The command of the shortened form."""
        names = ("particles", "generations", "repeats", "trials")
        return "chainrule points infer " + " ".join(f"--{n} {getattr(SKETCH, n)}" for n in names)

    @property
    def held_out(self) -> tuple[int, int]:
        """How many rows that were kept out of the fit lie within, and how many there are."""
        return _within([row for row in self.stored.predictions if row.held_out])

    @property
    def fitted(self) -> tuple[int, int]:
        """The same of those that were fitted."""
        return _within([row for row in self.stored.predictions if not row.held_out])

    @property
    def by_best(self) -> tuple[int, int]:
        """How many of all rows lie within by the best draw alone, and how many there are."""
        return _within(self.stored.by_best)

    @property
    def outside(self) -> list[str]:
        """What the candidates do not explain, each with its probability."""
        return _outside(self.stored.predictions)

    @property
    def outside_by_best(self) -> list[str]:
        """What the best draw alone does not explain."""
        return _outside(self.stored.by_best)

    @property
    def least_likely(self) -> list[str]:
        """The three least likely numbers of all."""
        numbers = _numbers(self.stored.predictions)
        return [text for _, text in sorted(numbers, key=lambda pair: pair[0].tail)[:3]]

    @property
    def sketch_within(self) -> int:
        """How many rows lie within by the shortened form."""
        assert self.sketch is not None
        return _within(self.sketch.predictions)[0]

    def figures(self) -> tuple[Figure, ...]:
        posterior = self.stored.document["posterior"]
        return (
            chart("posterior", posterior_figure(self.stored.candidates, posterior), wide=True),
            chart("rows", rows_figure(self.stored.predictions), wide=True),
        )

    def tables(self) -> tuple[Table, ...]:
        return (self._posterior(), self._rows())

    def _posterior(self) -> Table:
        """Each number's and each choice's posterior, with the report's points' beside it."""
        posterior, own = self.stored.document["posterior"], asdict(self.stored.best.moons)
        numbers = [
            (
                name,
                decimals(number["median"], 3),
                _range(number["interval"], 3),
                _range(number["prior"], 2),
                decimals(own[name], 3),
            )
            for name, number in posterior["numbers"].items()
        ]
        choices = [
            (
                name.replace("_", " "),
                ", ".join(f"{choice} {100 * share:.0f} %" for choice, share in shares.items()),
                "",
                "either",
                str(own[name]).lower(),
            )
            for name, shares in posterior["choices"].items()
        ]
        header = ("setting", "median or shares", "95 %", "beforehand", "the report's points")
        return Table("posterior", header, (*numbers, *choices))

    def _rows(self) -> Table:
        header = (
            "row", "hidden units, rate", "training error %", "validation error %", "iteration",
            "ends alike", "by the best draw",
        )  # fmt: skip
        rows = tuple(
            (
                row.run.id + (" (held out)" if row.held_out else ""),
                f"{row.run.setting.hidden}, {row.run.setting.learning_rate:g}",
                *(_cell(number, k) for k, number in enumerate(row.numbers)),
                f"{100 * row.ending:.0f} %",
                "within" if alone.within else "outside: " + _smallest(alone),
            )
            for row, alone in zip(self.stored.predictions, self.stored.by_best, strict=True)
        )
        return Table("rows", header, rows)

    def document(self) -> dict[str, Any]:
        kept = ("settings", "posterior", "best", "generations", "within", "within_by_best", "rows")
        return {
            "points": POINTS,
            "command": self.stored.command,
            **{name: self.stored.document[name] for name in kept},
            "sketch": None
            if self.sketch is None
            else {"command": self.sketch_command, "within": self.sketch_within},
        }


def run(settings: ReportSettings, progress: Progress | None = None) -> InferredPoints:
    """Read the inference that comes with the package; run the shortened form, if not quick."""
    stored = stored_inference(POINTS)
    if settings.quick:
        return InferredPoints(stored, None)
    journal = settings.unfinished and settings.unfinished / "points-infer.jsonl"
    told: dict[str, None] = {}

    def stage(name: str, done: int, total: int) -> None:
        told[name] = None  # stages of about the same length follow each other
        if progress is not None:
            progress(min(len(told) - 1, _STAGES) * total + done, (_STAGES + 1) * total)

    sketch = infer(original_runs(), SKETCH, workers=1, journal=journal, progress=stage)
    return InferredPoints(stored, sketch)


_NAMES = ("training error", "validation error", "iteration")
_STAGES = SKETCH.generations + 2  # draws from the prior, generations, the best, predictions


def _within(rows: Sequence[Prediction]) -> tuple[int, int]:
    return sum(row.within for row in rows), len(rows)


def _numbers(rows: Sequence[Prediction]) -> list[tuple[Predicted, str]]:
    """Every published number, with a sentence part that says where it lies."""
    return [
        (
            number,
            f"{row.run.id}, {name} {_shown(number.published, k)} (95 % from "
            f"{_shown(number.low, k)} to {_shown(number.high, k)}; tail probability "
            f"{number.tail:.2f})",
        )
        for row in rows
        for k, (name, number) in enumerate(zip(_NAMES, row.numbers, strict=True))
        if number is not None
    ]


def _outside(rows: Sequence[Prediction]) -> list[str]:
    return [text for number, text in _numbers(rows) if not number.within]


def _smallest(row: Prediction) -> str:
    """The least likely number of a row: iteration 0.03."""
    name, number = min(
        ((name, n) for name, n in zip(_NAMES, row.numbers, strict=True) if n is not None),
        key=lambda pair: pair[1].tail,
    )
    return f"{name} {number.tail:.2f}"


def _cell(number: Predicted | None, column: int) -> str:
    """13,184 (5,639 to 96,661; 0.88), with a mark if it lies outside."""
    if number is None:
        return "not stated"
    low, high = (_shown(value, column) for value in (number.low, number.high))
    mark = "" if number.within else " *outside*"
    return f"{_shown(number.published, column)} ({low} to {high}; {number.tail:.2f}){mark}"


def _shown(value: float, column: int) -> str:
    if column < 2:
        return decimals(100 * value, 1)
    return iteration(None if math.isinf(value) else value)


def _range(pair: Sequence[float], digits: int) -> str:
    low, high = (decimals(value, digits) for value in pair)
    return f"{low} to {high}"
