"""1.3.A: one training at a time: its curves, its boundary, and how it rises again from zero."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Int32
from sklearn.linear_model import LogisticRegression

from chainrule.io.progress import Progress
from chainrule.points.data import Dataset
from chainrule.points.figures import decision_boundaries, error_curves
from chainrule.points.grids import BASE
from chainrule.points.moons import NAMED_MOONS
from chainrule.points.training import Run, converged_at
from chainrule.report.experiments.table_runs import POINTS, TableRuns
from chainrule.report.experiments.trials import STATES
from chainrule.report.facts.values import Found, Trials
from chainrule.report.finding import Figure, Finding, chart, picture
from chainrule.report.formatting import iteration, percent
from chainrule.report.settings import ReportSettings

LAST_WRONG = 68_985  # of the original's run
_SNAPSHOTS = (0, 10_000, 100_000)


@dataclass(frozen=True)
class Rises:
    """How runs that end at zero got there: the stretches with errors between stretches without.

    first, last: the iterations (from 1) of each rise, of all runs; with_rise of `converged` runs
    have one.
    """

    first: Int[np.ndarray, " rises"]
    last: Int[np.ndarray, " rises"]
    with_rise: int
    converged: int

    @property
    def share(self) -> float:
        """The share of the runs that reach zero in which it was left again before."""
        return self.with_rise / self.converged if self.converged else 0.0


@dataclass(frozen=True)
class OneTraining(Finding):
    """The first trial that reached zero and the first that did not, by these words.

    line_errors: of a straight line, on the training and on the validation points.
    """

    runs: TableRuns
    shown: dict[str, tuple[int, Run]]
    rises: Rises
    line_errors: tuple[float, float]

    def found(self) -> dict[str, Found]:
        few = f"{self.rises.with_rise} of the {self.rises.converged} runs that reach zero"
        convergence = converged_at(_wrong_until(LAST_WRONG, BASE.iterations))
        first_converged = self.shown.get("reached zero", (0, None))[0]
        return {
            "1.3.A.setting": Found(
                f"h = {BASE.hidden}, rate {BASE.learning_rate:g}, {BASE.iterations:,} iterations"
            ),
            "1.3.A.run": Found(
                Trials(self.runs.predicted_of(BASE), self.runs.of(BASE).runs[first_converged])
            ),
            "1.3.A.convergence": Found(float(convergence or 0), iteration(convergence)),
            "1.3.A.returns": Found(self.rises.share, few),
            "1.3.A.rise_first": Found(self.rises.first, _middle(self.rises.first)),
            "1.3.A.rise_last": Found(self.rises.last, _middle(self.rises.last)),
            "1.3.A.pictures": Found("below"),
        }

    @property
    def moons(self) -> dict[str, Any]:
        """How the points were drawn, and how many."""
        named = NAMED_MOONS[POINTS]
        seeds = {"training_seed": named.training_seed, "validation_seed": named.validation_seed}
        return {"points": POINTS, **asdict(named.moons), **seeds}

    def ending(self, name: str) -> str:
        """How the run called `name` ends."""
        _, run = self.shown[name]
        if run.converged_at is None:
            return f"{STATES[run.state]} at {percent(run.final_train_error)}"
        return f"at zero from iteration {iteration(run.converged_at)}"

    def figures(self) -> tuple[Figure, ...]:
        data = self.runs.data
        return tuple(
            figure
            for number, (_, run) in enumerate(self.shown.values(), start=1)
            for figure in (
                chart(
                    f"errors{number}",
                    error_curves(
                        run.train_wrong / run.n_train, run.validation_wrong / run.n_validation
                    ),
                ),
                picture(
                    f"boundary{number}",
                    decision_boundaries(run.snapshots, data.training, data.validation),
                    wide=True,
                ),
            )
        )

    def document(self) -> dict[str, Any]:
        return {
            "data": {**self.moons, "straight_line_errors": list(self.line_errors)},
            "runs": [
                {
                    "trial": trial,
                    "final_train_error": run.final_train_error,
                    "final_validation_error": run.final_validation_error,
                    "converged_at": run.converged_at,
                    "state": run.state,
                }
                for trial, run in self.shown.values()
            ],
            "runs_with_a_rise_from_zero": [self.rises.with_rise, self.rises.converged],
        }


def run(
    settings: ReportSettings, progress: Progress | None = None, *made: TableRuns
) -> OneTraining:
    """Train the two shown trials again, and all that reached zero, for their rises."""
    (runs,) = made
    trials = runs.of(BASE).runs
    chosen = {
        "reached zero": next((k for k, t in enumerate(trials) if t.train_error == 0), None),
        "did not reach zero": next((k for k, t in enumerate(trials) if t.train_error > 0), None),
    }
    shown = {
        name: (trial, again)
        for name, trial in chosen.items()
        if trial is not None and (again := runs.rerun(BASE, trial, snapshots=_SNAPSHOTS))
    }
    return OneTraining(runs, shown, _rises(runs, progress), _line_errors(runs.data))


def rises_from_zero(train_wrong: Int[np.ndarray, " T"]) -> list[tuple[int, int]]:
    """The stretches with errors that lie between iterations without, as (first, last), from 1."""
    wrong = np.concatenate([[False], train_wrong > 0, [False]])
    first = np.flatnonzero(wrong[1:] & ~wrong[:-1]) + 1
    last = np.flatnonzero(wrong[:-1] & ~wrong[1:])
    inner = (first > 1) & (last < len(train_wrong))
    return list(zip(first[inner].tolist(), last[inner].tolist(), strict=True))


def _rises(runs: TableRuns, progress: Progress | None) -> Rises:
    """The rises of all trials that reach zero."""
    at_zero = [k for k, trial in enumerate(runs.of(BASE).runs) if trial.train_error == 0]
    found: list[tuple[int, int]] = []
    with_rise = 0
    for done, trial in enumerate(at_zero, start=1):
        again = runs.rerun(BASE, trial)
        rises = rises_from_zero(again.train_wrong) if again else []
        found += rises
        with_rise += bool(rises)
        if progress is not None:
            progress(done, len(at_zero))
    ends = np.array(found, np.int64).reshape(-1, 2)
    return Rises(ends[:, 0], ends[:, 1], with_rise, len(at_zero))


def _wrong_until(last: int, iterations: int) -> Int32[np.ndarray, " T"]:
    """An error curve whose last iteration with an error is `last`."""
    return np.where(np.arange(1, iterations + 1) <= last, 1, 0).astype(np.int32)


def _line_errors(data: Dataset) -> tuple[float, float]:
    """What a straight line, fitted by logistic regression, gets wrong of both kinds of points."""
    line = LogisticRegression(C=1e6).fit(data.training.features, data.training.labels)
    training, validation = (
        float(1 - line.score(p.features, p.labels)) for p in (data.training, data.validation)
    )
    return training, validation


def _middle(iterations: Int[np.ndarray, " n"]) -> str:
    if not len(iterations):
        return "no rise"
    return f"median of {len(iterations):,} rises: {iteration(float(np.median(iterations)))}"
