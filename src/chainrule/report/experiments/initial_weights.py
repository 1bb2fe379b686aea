"""1.3.B: other initial weights, another order of the points, and whether a run is trapped."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from chainrule.io.progress import Progress
from chainrule.points.grids import BASE
from chainrule.points.study import Summary
from chainrule.report.drawings import endings_grid
from chainrule.report.experiments import trials
from chainrule.report.experiments.longer_runs import TIMES, Longer
from chainrule.report.experiments.table_runs import RUNS_OF_TABLE_2, TableRuns
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.formatting import iteration, percent
from chainrule.report.settings import ReportSettings

_WEIGHTS = 10  # initial weights, each with as many orders of the points


@dataclass(frozen=True)
class InitialWeights(Finding):
    """All trials of one setting; longer: those that are stuck, gone on with.

    reached_zero: by initial weights (rows) and order of the points (columns).
    """

    runs: TableRuns
    every: Summary
    longer: Longer
    reached_zero: Bool[np.ndarray, "weights orders"]

    def found(self) -> dict[str, Found]:
        mixed = self.mixed(0)
        orders = self.reached_zero.shape[1]
        return {
            "1.3.B.setting": Found(
                f"h = {BASE.hidden}, rate {BASE.learning_rate:g}, five random initialisations"
            ),
            **trials.found_runs("1.3.B.trial", self.runs, BASE, RUNS_OF_TABLE_2),
            "1.3.B.initial_weights": Found(
                mixed / orders, f"with {mixed} of {orders} orders of the points it does"
            ),
            "1.3.B.trapped": Found(
                self.longer.freed_share,
                f"{self.longer.freed} of {len(self.longer.errors)} reach zero in {TIMES} times "
                "as many iterations",
            ),
        }

    def mixed(self, axis: int) -> int:
        """In how many columns (axis 0) or rows (axis 1) do both endings occur?"""
        return int((self.reached_zero.any(axis) & ~self.reached_zero.all(axis)).sum())

    @property
    def stuck_errors(self) -> list[float]:
        """The training errors of the runs that do not reach zero."""
        return [run.train_error for run in self.every.runs if run.train_error > 0]

    def figures(self) -> tuple[Figure, ...]:
        named = {"7 units, rate 0.02": BASE}
        return (
            trials.curves(self.runs, named, RUNS_OF_TABLE_2),
            chart("grid", endings_grid(self.reached_zero)),
        )

    def tables(self) -> tuple[Table, ...]:
        header = ("trial", "training error", "validation error", "zero from iteration", "state")
        rows = tuple(
            (
                str(k),
                percent(run.train_error),
                percent(run.validation_error),
                iteration(run.converged_at),
                trials.STATES[run.state],
            )
            for k, run in enumerate(self.every.runs[:RUNS_OF_TABLE_2], start=1)
        )
        return (Table("five", header, rows),)

    def document(self) -> dict[str, Any]:
        return {
            **trials.documents([self.every]),
            "gone_on_with": len(self.longer.errors),
            "reach_zero_later": self.longer.freed,
            "reached_zero_by_weights_and_order": self.reached_zero.tolist(),
        }


def run(
    settings: ReportSettings,
    progress: Progress | None = None,
    *made: TableRuns | tuple[Longer, ...],
) -> InitialWeights:
    """Train from each of ten initial weights with each of ten orders of the points."""
    runs, longer = made
    assert isinstance(runs, TableRuns)
    assert isinstance(longer, tuple)
    count = _WEIGHTS if not settings.quick else _WEIGHTS // 2
    reached = np.zeros((count, count), bool)
    for done, (weights, order) in enumerate(np.ndindex(reached.shape), start=1):
        again = runs.rerun(BASE, weights, order=order)
        reached[weights, order] = again is not None and again.final_train_error == 0
        if progress is not None:
            progress(done, reached.size)
    at_base = next(one for one in longer if one.setting == BASE)
    return InitialWeights(runs, runs.of(BASE), at_base, reached)
