"""Trapped, or only slow? The runs that have not reached zero, gone on with ten times as long."""

from dataclasses import dataclass, replace

from chainrule.io.progress import Progress
from chainrule.points.grids import REPORT_RATES
from chainrule.points.study import Setting
from chainrule.report.experiments.table_runs import TableRuns
from chainrule.report.settings import ReportSettings

TIMES = 10
_MOST = 40  # runs gone on with at each rate


@dataclass(frozen=True)
class Longer:
    """The runs of one setting that had not reached zero, after ten times as many iterations.

    stuck: how many of the `trials` had not; errors: the final training errors of those gone on
    with, the first of them; first_zero: from which iteration each is at zero, None if it is not.
    """

    setting: Setting
    trials: int
    stuck: int
    errors: tuple[float, ...]
    first_zero: tuple[int | None, ...]

    @property
    def freed(self) -> int:
        """How many of those gone on with reach zero."""
        return sum(iteration is not None for iteration in self.first_zero)

    @property
    def freed_share(self) -> float:
        """The share of them; 0 if none was stuck."""
        return self.freed / len(self.errors) if self.errors else 0.0

    @property
    def stuck_share(self) -> float:
        """The share of all runs that stays stuck: those stuck, less the share that is freed."""
        return self.stuck / self.trials * (1 - self.freed_share)


def run(
    settings: ReportSettings, progress: Progress | None = None, *made: TableRuns
) -> tuple[Longer, ...]:
    """Go on with the runs at each rate but 2, where they are dead."""
    (runs,) = made
    wanted = [setting for setting in REPORT_RATES if setting.learning_rate < 1]
    stuck = {s: [k for k, t in enumerate(runs.of(s).runs) if t.train_error > 0] for s in wanted}
    total = sum(min(len(trials), _MOST) * s.iterations for s, trials in stuck.items())
    done = 0
    found = []
    for setting in wanted:
        long = replace(setting, iterations=TIMES * setting.iterations)
        errors, first_zero = [], []
        for trial in stuck[setting][:_MOST]:
            # the same seed: the longer run begins with the shorter one, step for step
            run = runs.rerun(long, trial)
            errors.append(1.0 if run is None else run.final_train_error)
            first_zero.append(None if run is None else run.converged_at)
            done += setting.iterations
            if progress is not None:
                progress(done, total)
        trials = len(runs.of(setting).runs)
        found.append(Longer(setting, trials, len(stuck[setting]), tuple(errors), tuple(first_zero)))
    return tuple(found)
