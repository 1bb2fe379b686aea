"""All trainings of the original's Tables 2 to 4, run once for all questions that ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.errors import DivergedError
from chainrule.io.progress import Progress
from chainrule.points.data import Dataset, load_dataset
from chainrule.points.grids import REPORT_HIDDEN, REPORT_RATES
from chainrule.points.study import Setting, Summary, run_study
from chainrule.points.training import Run, train
from chainrule.report.settings import ReportSettings

POINTS = "double-moon"  # the named setting of the points, in place of the original's lost ones
RUNS_OF_TABLE_2, TRIALS = 5, 3  # the original's: five runs in Table 2, three elsewhere


@dataclass(frozen=True)
class TableRuns:
    """The points, and each setting of the tables with all its trials.

    Trial k starts from the same seed in every setting.
    """

    data: Dataset
    seed: int
    summaries: tuple[Summary, ...]

    def of(self, setting: Setting) -> Summary:
        """All trials of a setting."""
        return next(
            s for s in self.summaries if replace(s.setting, trials=setting.trials) == setting
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
    data = load_dataset(POINTS, seed=settings.seed)
    distinct = dict.fromkeys((*REPORT_HIDDEN, *REPORT_RATES))  # one setting is in both
    trials = max(settings.runs, RUNS_OF_TABLE_2)
    summaries = run_study(
        [replace(setting, trials=trials) for setting in distinct],
        data.training,
        data.validation,
        seed=settings.seed,
        workers=1,
        journal=settings.unfinished and settings.unfinished / f"tables-{settings.seed}.jsonl",
        progress=progress,
    )
    return TableRuns(data, settings.seed, tuple(summaries))


def _seed(seed: int, trial: int) -> np.random.SeedSequence:
    """Where trial k of a study begins."""
    return np.random.SeedSequence(seed, spawn_key=(trial,))
