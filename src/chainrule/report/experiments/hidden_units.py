"""1.3.D: six numbers of hidden units."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.points.grids import BASE, REPORT_HIDDEN
from chainrule.points.study import Summary
from chainrule.report.experiments import trials
from chainrule.report.experiments.table_runs import TableRuns
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table
from chainrule.report.formatting import iteration, percent, units
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class HiddenUnits(Finding):
    """The summaries by the number of hidden units."""

    runs: TableRuns
    by_units: dict[int, Summary]

    def found(self) -> dict[str, Found]:
        rows: dict[str, Found] = {}
        for hidden, summary in self.by_units.items():
            rows |= trials.found_runs(f"1.3.D.h{hidden}.trial", self.runs, summary.setting)
        return rows | self._claims()

    def _claims(self) -> dict[str, Found]:
        share = {hidden: s.zero_share for hidden, s in self.by_units.items()}
        many = {hidden: self.relative_median(hidden) for hidden in (10, 100)}
        own = ", ".join(str(hidden) for hidden in list(self.by_units)[:-1])
        return {
            "1.3.D.setting": Found(
                f"rate {BASE.learning_rate:g}; {own} and {list(self.by_units)[-1]} hidden units"
            ),
            "1.3.D.not_flexible": Found(max(share[1], share[2]), self._shares(1, 2)),
            "1.3.D.mixed": Found(
                min(self._rarer(h) for h in (5, 7)), self._shares(5, 7)
            ),
            "1.3.D.rarely_trapped": Found(
                1 - min(share[10], share[100]), self._shares(10, 100)
            ),
            "1.3.D.fewer_iterations": Found(
                max(many.values()),
                ", ".join(
                    f"h = {h}: {iteration(self.by_units[h].converged_at_median)}"
                    for h in (7, 10, 100)
                ),
            ),
            "1.3.D.more_parameters": Found(
                float(parameters(10) - parameters(7)),
                f"{parameters(10)} and {parameters(100)}, against {parameters(7)}",
            ),
        }  # fmt: skip

    def _rarer(self, hidden: int) -> float:
        """The share of the runs that end in the rarer way, at zero or not."""
        runs, zeros = len(self.by_units[hidden].runs), trials.zeros(self.by_units[hidden])
        return min(zeros, runs - zeros) / runs

    def relative_median(self, hidden: int) -> float:
        """The median iteration as a multiple of that with seven units; infinite without one."""
        own, base = (self.by_units[h].converged_at_median for h in (hidden, BASE.hidden))
        return own / base if own is not None and base is not None else np.inf

    @property
    def one_unit_errors(self) -> list[float]:
        """The training errors with one unit, whose boundary is a straight line."""
        return [run.train_error for run in self.by_units[1].runs]

    def _shares(self, *hidden: int) -> str:
        return ", ".join(f"h = {h}: {percent(self.by_units[h].zero_share, 0)} reach zero"
                         for h in hidden)  # fmt: skip

    def figures(self) -> tuple[Figure, ...]:
        named = {units(hidden): s.setting for hidden, s in self.by_units.items()}
        return (trials.curves(self.runs, named), trials.shares(list(self.by_units.values())))

    def tables(self) -> tuple[Table, ...]:
        named = trials.named_by_units(list(self.by_units.values()))
        return (trials.all_trials(named, "hidden"),)

    def document(self) -> dict[str, Any]:
        return trials.documents(list(self.by_units.values()))


def run(settings: ReportSettings, progress: object = None, *made: TableRuns) -> HiddenUnits:
    """Take the runs that are made already."""
    (runs,) = made
    return HiddenUnits(runs, {setting.hidden: runs.of(setting) for setting in REPORT_HIDDEN})


def parameters(hidden: int, features: int = 2) -> int:
    """How many numbers the network has: W_in, b_in, w_out and b_out."""
    return hidden * features + hidden + hidden + 1
