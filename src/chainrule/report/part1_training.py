"""Questions 1.3.A to 1.3.D: training on two half-moons, its seeds, its rates, its hidden units."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from sklearn.linear_model import LogisticRegression

from chainrule.errors import DivergedError
from chainrule.points import figures
from chainrule.points.data import Dataset, Points, load_dataset
from chainrule.points.study import Setting, Summary, grid, run_study, wilson_interval
from chainrule.points.training import Run, train
from chainrule.report.section import Agreement, Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

NOT_STATED = "not stated here"

BASE = Setting(hidden=7, learning_rate=0.02, iterations=100_000)
SEEDS, TRIALS = 5, 3
RATES = tuple(
    replace(BASE, learning_rate=rate, iterations=300_000 if rate == 0.002 else 100_000)
    for rate in (2.0, 0.2, 0.02, 0.002)
)
HIDDEN = tuple(replace(BASE, hidden=hidden) for hidden in (1, 2, 5, 7, 10, 100))
MAP_HIDDEN = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 100)
MAP_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SNAPSHOTS = (0, 1_000, 10_000, 30_000, 60_000, 100_000)


@dataclass(frozen=True)
class _Bench:
    """What the questions share: the points, the seed, and every trial that was run."""

    data: Dataset
    seed: int
    summaries: dict[Setting, Summary]
    cells: list[Summary]  # of the map

    def rerun(self, setting: Setting, trial: int, snapshots: Sequence[int] = ()) -> Run | None:
        """Train a trial of the study again, for its curves; None if its weights overflow."""
        try:
            return train(
                self.data.training,
                self.data.validation,
                hidden=setting.hidden,
                learning_rate=setting.learning_rate,
                iterations=setting.iterations,
                seed=np.random.SeedSequence(self.seed, spawn_key=(trial,)),
                snapshots=snapshots,
            )
        except DivergedError:
            return None

    def training_errors(self, setting: Setting, trials: int) -> list[Float64[np.ndarray, " T"]]:
        """The training error after each iteration, of the first trials that did not overflow."""
        runs = (self.rerun(setting, k) for k in range(trials))
        return [run.train_wrong / run.n_train for run in runs if run is not None]


def training_sections(
    settings: ReportSettings, progress: Callable[[int, int], None] | None
) -> Iterator[Section]:
    """The four questions in order, then the map of where the network can be trained."""
    bench = _run(settings, progress)
    yield _one_training(bench)
    yield _seeds(bench)
    yield _rates(bench)
    yield _hidden(bench)
    yield _map(bench)


def _run(settings: ReportSettings, progress: Callable[[int, int], None] | None) -> _Bench:
    """Run all trials of all questions at once, so that no core waits between two questions."""
    data = load_dataset("double-moon", seed=settings.seed)
    questions = dict.fromkeys((*HIDDEN, *RATES))  # rate 0.02 with 7 units is in both
    trials = max(settings.trials, SEEDS)
    jobs = [replace(setting, trials=trials) for setting in questions]
    # one tenth of the trials: the map has sixteen times as many settings
    cells = grid(MAP_HIDDEN, MAP_RATES, [BASE.iterations], max(1, settings.trials // 10))
    journal = settings.unfinished and settings.unfinished / f"points-{settings.seed}.jsonl"
    found = run_study(
        [*jobs, *cells],
        data.training,
        data.validation,
        seed=settings.seed,
        workers=settings.workers,
        journal=journal,
        progress=progress,
    )
    return _Bench(
        data, settings.seed, dict(zip(questions, found, strict=False)), found[len(jobs) :]
    )


def _one_training(bench: _Bench) -> Section:
    summary = bench.summaries[BASE]
    shown = {}
    for state in ("converged", "stuck"):
        trial = next((r for r in summary.runs if (r.train_error == 0) == (state == "converged")), None)
        run = trial and bench.rerun(BASE, trial.seed, SNAPSHOTS)
        if trial and run:
            shown[state] = trial, run
    ...
