"""1.3.C: four learning rates: how soon, how often, and how a network dies at the largest."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Int

from chainrule.io.progress import Progress
from chainrule.points.data import Points
from chainrule.points.grids import REPORT_RATES
from chainrule.points.network import forward
from chainrule.points.study import Setting, Summary
from chainrule.points.training import Run
from chainrule.report.drawings import dying_units, longer_runs
from chainrule.report.experiments import trials
from chainrule.report.experiments.longer_runs import TIMES, Longer
from chainrule.report.experiments.table_runs import TRIALS, TableRuns
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.formatting import decimals, iteration, percent
from chainrule.report.settings import ReportSettings

# where the hidden units are looked at: at every iteration first, then ever more rarely
LOOKS = tuple(np.unique(np.geomspace(1, 100_000, 400).astype(int)).tolist())
_WATCHED = 50  # runs at the largest rate, at most


@dataclass(frozen=True)
class Death:
    """A run at the largest rate: its hidden units that are active on any training point.

    active: at each of `LOOKS`; died_at: the first look from which none is, None if one is at the
    end; moving: the share of the last tenth of the iterations in which the training error changes.
    """

    active: Int[np.ndarray, " looks"]
    train_error: Int[np.ndarray, " looks"]
    died_at: int | None
    moving: float


@dataclass(frozen=True)
class LearningRates(Finding):
    """The summaries by rate, the largest first; what became of the stuck ones; the deaths."""

    runs: TableRuns
    by_rate: dict[float, Summary]
    longer: dict[float, Longer]
    deaths: tuple[Death, ...]

    def found(self) -> dict[str, Found]:
        rows: dict[str, Found] = {}
        for rate, summary in self.by_rate.items():
            rows |= trials.found_runs(f"1.3.C.rate{rate:g}.trial", self.runs, summary.setting)
        return rows | self._claims()

    def _claims(self) -> dict[str, Found]:
        alive = sum(d.died_at is None for d in self.deaths)
        last = [int(d.active[-1]) for d in self.deaths]
        moving = float(np.median([d.moving for d in self.deaths]))
        return {
            "1.3.C.setting": Found(
                "h = 7; rates 2, 0.2, 0.02 and 0.002, the last with 300,000 iterations"
                if _is_the_originals(self.by_rate)
                else "other settings"
            ),
            "1.3.C.rate2.oscillates": Found(
                moving, f"the error changes in {percent(moving)} of the last iterations"
            ),
            "1.3.C.walks_over": Found(
                alive / len(self.deaths),
                f"a hidden unit is active at the end of {alive} of {len(self.deaths)} runs",
            ),
            "1.3.C.fast_large_error": Found(
                float(np.median(last)), f"{np.median(last):g} hidden units active, in the median"
            ),
            "1.3.C.smaller_slower": Found(
                self.slowing, f"{decimals(self.slowing, 1)} times as many or more"
            ),
            "1.3.C.smaller_trapped": Found(
                min(b - a for a, b in pairwise(self.stuck_shares.values())),
                ", ".join(f"{r:g}: {percent(s, 0)}" for r, s in self.stuck_shares.items()),
            ),
        }

    @property
    def slowing(self) -> float:
        """The least growth of the median iteration from one rate to the next smaller one.

        Of the runs that reach zero within ten times as many iterations where none does within
        the original's.
        """
        medians = [self.median_iteration(rate) for rate in self.longer]
        return min(b / a for a, b in pairwise(medians))

    def median_iteration(self, rate: float) -> float:
        """The median iteration from which runs are at zero, those gone on with included."""
        early = [r.converged_at for r in self.by_rate[rate].runs if r.converged_at is not None]
        late = [i for i in self.longer[rate].first_zero if i is not None]
        return float(np.median([*early, *late])) if early or late else np.inf

    @property
    def stuck_shares(self) -> dict[float, float]:
        """The share of runs that stays stuck, ten times as many iterations given, by rate."""
        return {rate: longer.stuck_share for rate, longer in self.longer.items()}

    @property
    def died_at(self) -> list[int]:
        """When those runs died that did."""
        return [d.died_at for d in self.deaths if d.died_at is not None]

    @property
    def median_death(self) -> float | None:
        """The median of those iterations."""
        return float(np.median(self.died_at)) if self.died_at else None

    def figures(self) -> tuple[Figure, ...]:
        named = {f"rate {rate:g}": s.setting for rate, s in self.by_rate.items()}
        shown = {f"trial {k + 1}": d for k, d in enumerate(self.deaths[:TRIALS])}
        return (
            trials.curves(self.runs, named),
            chart(
                "dying",
                dying_units(
                    LOOKS,
                    {name: death.active for name, death in shown.items()},
                    {name: death.train_error for name, death in shown.items()},
                ),
                wide=True,
            ),
            chart(
                "longer",
                longer_runs(
                    {f"rate {rate:g}": one.first_zero for rate, one in self.longer.items()},
                    {f"rate {rate:g}": one.setting.iterations for rate, one in self.longer.items()},
                    TIMES,
                ),
            ),
            trials.shares(list(self.by_rate.values())),
        )

    def tables(self) -> tuple[Table, ...]:
        gone_on = tuple(
            (
                f"{rate:g}",
                iteration(one.setting.iterations),
                f"{one.stuck} of {one.trials}",
                iteration(TIMES * one.setting.iterations),
                f"{one.freed} of {len(one.errors)}",
                percent(one.stuck_share, 0),
            )
            for rate, one in self.longer.items()
        )
        header = ("rate", "iterations", "not at zero", "gone on to", "then at zero", "stay stuck")
        return (
            Table("longer", header, gone_on),
            trials.all_trials({f"{rate:g}": s for rate, s in self.by_rate.items()}, "rate"),
        )

    def document(self) -> dict[str, Any]:
        return {
            **trials.documents(list(self.by_rate.values())),
            "gone_on_with": {
                f"{rate:g}": {
                    "iterations": TIMES * one.setting.iterations,
                    "runs": len(one.errors),
                    "reach_zero": one.freed,
                }
                for rate, one in self.longer.items()
            },
            "died_at": self.died_at,
        }


def run(
    settings: ReportSettings,
    progress: Progress | None = None,
    *made: TableRuns | tuple[Longer, ...],
) -> LearningRates:
    """Watch the hidden units of the runs at the largest rate; all else is made already."""
    runs, longer = made
    assert isinstance(runs, TableRuns)
    assert isinstance(longer, tuple)
    by_rate = {setting.learning_rate: runs.of(setting) for setting in REPORT_RATES}
    largest = REPORT_RATES[0]
    watched = min(len(by_rate[largest.learning_rate].runs), _WATCHED)
    deaths = []
    for trial in range(watched):
        if (found := _watched(runs, largest, trial)) is not None:
            deaths.append(found)
        if progress is not None:
            progress(trial + 1, watched)
    by_rate_longer = {one.setting.learning_rate: one for one in longer}
    return LearningRates(runs, by_rate, by_rate_longer, tuple(deaths))


def _watched(runs: TableRuns, setting: Setting, trial: int) -> Death | None:
    again = runs.rerun(setting, trial, snapshots=LOOKS)
    if again is None:
        return None
    active = np.array([_active(again, look, runs.data.training) for look in LOOKS])
    # a unit that no point activates has no gradient: once none is active, none will be
    alive = np.flatnonzero(active)
    died_at = None if active[-1] else LOOKS[int(alive[-1]) + 1 if len(alive) else 0]
    last = again.train_wrong[-max(2, setting.iterations // 10) :]
    moving = float((np.diff(last) != 0).mean())
    return Death(active, again.train_wrong[np.array(LOOKS) - 1], died_at, moving)


def _active(run: Run, look: int, training: Points) -> int:
    """How many hidden units are above zero for at least one training point."""
    z = forward(training.features, run.snapshots[look]).z
    return int((z > 0).any(axis=0).sum())


def _is_the_originals(by_rate: dict[float, Summary]) -> bool:
    expected = {2.0: 100_000, 0.2: 100_000, 0.02: 100_000, 0.002: 300_000}
    found = {rate: s.setting.iterations for rate, s in by_rate.items()}
    return found == expected and all(s.setting.hidden == 7 for s in by_rate.values())
