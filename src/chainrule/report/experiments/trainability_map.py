"""1.3+, beyond the original: hidden units against learning rate, where runs reach zero."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.executors import Threads
from chainrule.io.progress import Progress
from chainrule.points.data import load_dataset
from chainrule.points.figures import study_map
from chainrule.points.grids import BASE, MAP_HIDDEN, MAP_RATES
from chainrule.points.study import Summary, grid, run_study
from chainrule.report.experiments.table_runs import POINTS
from chainrule.report.experiments.trials import STATES
from chainrule.report.finding import Figure, Finding, chart
from chainrule.report.settings import ReportSettings

_QUICK_STEP = 2  # a quick map has every other row and column


@dataclass(frozen=True)
class TrainabilityMap(Finding):
    """A summary for each cell of the map, rates within hidden units."""

    cells: tuple[Summary, ...]

    @property
    def trials(self) -> int:
        """Runs of each setting."""
        return len(self.cells[0].runs)

    @property
    def size(self) -> tuple[int, int]:
        """How many numbers of hidden units, and how many rates."""
        hidden, rates = (
            {getattr(s.setting, name) for s in self.cells} for name in ("hidden", "learning_rate")
        )
        return len(hidden), len(rates)

    @property
    def every(self) -> list[Summary]:
        """The settings in which every run reaches zero."""
        return [s for s in self.cells if s.zero_share == 1]

    @property
    def none(self) -> list[Summary]:
        """The settings in which no run does."""
        return [s for s in self.cells if s.zero_share == 0]

    @property
    def quickest(self) -> Summary | None:
        """Of those in which every run reaches zero, the one that does so soonest."""
        return min(self.every, key=lambda s: s.converged_at_median or np.inf, default=None)

    def rates_that_work(self, hidden: int) -> list[float]:
        """The rates at which every run reaches zero with so many units."""
        return sorted(s.setting.learning_rate for s in self.every if s.setting.hidden == hidden)

    def commonest(self, rate: float) -> str:
        """The ending of most runs at this rate."""
        counts = Counter(
            run.state for s in self.cells if s.setting.learning_rate == rate for run in s.runs
        )
        return STATES[counts.most_common(1)[0][0]]

    @property
    def units_and_rates(self) -> tuple[tuple[int, int], tuple[float, float]]:
        """The units that the text speaks of, and the ends of the rates."""
        hidden = sorted({s.setting.hidden for s in self.cells})
        rates = sorted({s.setting.learning_rate for s in self.cells})
        return (BASE.hidden, hidden[-1]), (rates[0], rates[-1])

    def figures(self) -> tuple[Figure, ...]:
        return (chart("map", study_map(self.cells), wide=True),)

    def document(self) -> dict[str, Any]:
        # a map has too many single runs to list
        documents = (summary.document() for summary in self.cells)
        return {"settings": [{k: v for k, v in d.items() if k != "runs"} for d in documents]}


def run(settings: ReportSettings, progress: Progress | None = None) -> TrainabilityMap:
    """Run a twentieth of the trials in each cell, for there are sixteen times as many settings."""
    data = load_dataset(POINTS)
    step = _QUICK_STEP if settings.quick else 1
    trials = max(1, settings.runs // 20)
    cells = grid(MAP_HIDDEN[::step], MAP_RATES[::step], [BASE.iterations], trials)
    found = run_study(
        cells,
        data.training,
        data.validation,
        seed=settings.seed,
        executor=Threads(1),
        journal=settings.unfinished and settings.unfinished / f"map-{settings.seed}.jsonl",
        progress=progress,
    )
    return TrainabilityMap(tuple(found))
