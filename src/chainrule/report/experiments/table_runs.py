"""All trainings of the original's Tables 2 to 4, run once for all questions that ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.errors import DivergedError
from chainrule.executors import Threads
from chainrule.io.progress import Progress
from chainrule.points.data import Dataset, load_dataset
from chainrule.points.grids import REPORT_HIDDEN, REPORT_RATES
from chainrule.points.study import Setting, Summary, Trial, run_study
from chainrule.points.training import Run, train
from chainrule.report.experiments.predicted_runs import predicted_runs
from chainrule.report.settings import ReportSettings

POINTS = "inferred-moons"  # what was inferred in place of the original's lost points
RUNS_OF_TABLE_2, TRIALS = 5, 3  # the original's: five runs in Table 2, three elsewhere
LEAST_PREDICTED = 40  # trials: fewer leave a 95 % interval nothing to cut off at its ends


@dataclass(frozen=True)
class TableRuns:
    """The points, and each setting of the tables with all its trials.

    Trial k starts from the same seed in every setting. predicted: runs of each setting on all the
    points that were inferred.
    """

    data: Dataset
    seed: int
    summaries: tuple[Summary, ...]
    predicted: dict[Setting, tuple[Trial, ...]]

    def of(self, setting: Setting) -> Summary:
        """All trials of a setting."""
        return next(
            s for s in self.summaries if replace(s.setting, trials=setting.trials) == setting
        )

    def predicted_of(self, setting: Setting) -> tuple[Trial, ...]:
        """The predicted runs of a setting."""
        return next(
            runs
            for own, runs in self.predicted.items()
            if replace(own, trials=setting.trials) == setting
        )

    def rerun(
        self,
        setting: Setting,
        trial: int,
        *,
        order: int | None = None,
        snapshots: Sequence[int] = (),
    ) -> Run | None:
        """Train a trial again, for its curves; None if its weights overflow.

        order: take the points in the order of that trial instead.
        """
        try:
            return train(
                self.data.training,
                self.data.validation,
                hidden=setting.hidden,
                learning_rate=setting.learning_rate,
                iterations=setting.iterations,
                seed=_seed(self.seed, trial),
                order_seed=None if order is None else _seed(self.seed, order),
                snapshots=snapshots,
            )
        except DivergedError:
            return None


def run(settings: ReportSettings, progress: Progress | None = None) -> TableRuns:
    """Run all trials of all settings; those that a stopped report has finished are read."""
    data = load_dataset(POINTS)  # the draw that was inferred, whatever the report's seed
    distinct = dict.fromkeys((*REPORT_HIDDEN, *REPORT_RATES))  # one setting is in both
    trials = max(settings.runs, RUNS_OF_TABLE_2)
    summaries = run_study(
        [replace(setting, trials=trials) for setting in distinct],
        data.training,
        data.validation,
        seed=settings.seed,
        executor=Threads(1),
        journal=settings.unfinished and settings.unfinished / f"tables-{settings.seed}.jsonl",
        progress=_share(progress, 0.0, 0.6),
    )
    predicted = predicted_runs(
        POINTS,
        list(distinct),
        max(settings.runs, LEAST_PREDICTED),
        settings.seed,
        _share(progress, 0.6, 1.0),
    )
    return TableRuns(data, settings.seed, tuple(summaries), predicted)


def _share(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """A progress that goes from one share of the whole to another."""
    if progress is None:
        return None
    return lambda done, total: progress(
        round(1000 * (begin + (end - begin) * done / max(total, 1))), 1000
    )


def _seed(seed: int, trial: int) -> np.random.SeedSequence:
    """Where trial k of a study begins."""
    return np.random.SeedSequence(seed, spawn_key=(trial,))
