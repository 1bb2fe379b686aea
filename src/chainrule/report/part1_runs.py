"""All trainings of part 1, run once for all its questions, and how they are put into words."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import DivergedError
from chainrule.points.data import Dataset, load_dataset
from chainrule.points.figures import study_shares
from chainrule.points.grids import BASE, MAP_HIDDEN, MAP_RATES, REPORT_HIDDEN, REPORT_RATES
from chainrule.points.study import Setting, Summary, grid, run_study, wilson_interval
from chainrule.points.training import Run, train
from chainrule.points.trial_figures import trial_curves
from chainrule.report.section import Agreement, Figure, Table
from chainrule.report.settings import ReportSettings

SEEDS, TRIALS = 5, 3  # the original's: five runs in 1.3.B, three of each setting elsewhere

# this run is said to agree where an iteration lies within a quarter, an error within two points
ITERATION_TOLERANCE, ERROR_TOLERANCE = 0.25, 0.02

STATES = {
    "converged": "converged",
    "plateau": "on a plateau",
    "oscillating": "oscillating",
    "dead": "dead",
    "diverged": "diverged",
}


@dataclass(frozen=True)
class Runs:
    """The points, the original's settings with all their trials, the cells of the map."""

    data: Dataset
    seed: int
    summaries: tuple[Summary, ...]
    cells: tuple[Summary, ...]

    def of(self, setting: Setting) -> Summary:
        """All trials of a setting."""
        return next(
            s for s in self.summaries if replace(s.setting, trials=setting.trials) == setting
        )

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


def run_all(settings: ReportSettings, progress: Callable[[int, int], None] | None) -> Runs:
    """Run the trials of all questions at once, so that no core waits between two of them.

    The map has sixteen times as many settings as the questions: it gets a tenth of the trials.
    """
    data = load_dataset("double-moon", seed=settings.seed)
    questions = dict.fromkeys((*REPORT_HIDDEN, *REPORT_RATES))  # one setting is in both
    trials = max(settings.trials, SEEDS)
    cells = grid(MAP_HIDDEN, MAP_RATES, [BASE.iterations], max(1, settings.trials // 10))
    found = run_study(
        [*(replace(setting, trials=trials) for setting in questions), *cells],
        data.training,
        data.validation,
        seed=settings.seed,
        workers=settings.workers,
        journal=settings.unfinished and settings.unfinished / f"points-{settings.seed}.jsonl",
        progress=progress,
    )
    n = len(questions)
    return Runs(data, settings.seed, tuple(found[:n]), tuple(found[n:]))


def first(summary: Summary, trials: int) -> Summary:
    """The same setting with its first trials only."""
    return Summary(replace(summary.setting, trials=trials), summary.runs[:trials])


def curves_figure(
    runs: Runs, named: Sequence[tuple[str, Setting]], trials: int, caption: str
) -> Figure:
    """A panel a setting with the training error of its first trials."""
    panels = {}
    for name, setting in named:
        found = {f"trial {k + 1}": runs.rerun(setting, k) for k in range(trials)}
        panels[name] = {trial: run.train_wrong / run.n_train for trial, run in found.items() if run}
    return Figure.drawn(
        trial_curves(panels),
        f"{caption} A curve is the mean of each of 500 stretches of the run; the axis is cut above "
        "what comes after the first fiftieth.",
        wide=len(panels) > 1,
        alt=f"Error curves in {len(panels)} panel{'' if len(panels) == 1 else 's'}.",
    )


def shares_figure(summaries: Sequence[Summary]) -> Figure:
    """The share of runs that reach zero, with its interval, a row a setting."""
    return Figure.drawn(
        study_shares(summaries),
        "The share of the runs that reach zero training error, with Wilson's 95 % interval.",
        alt="; ".join(f"{units(s.setting.hidden)} at rate {s.setting.learning_rate:g}: {share(s)}"
                      for s in summaries),
    )  # fmt: skip


def few_table(named: Sequence[tuple[str, Summary]], what: str) -> Table:
    """The original's three trials of each setting."""
    return Table(
        (what, "reach zero", "from iteration", "training error", "validation error", "states"),
        tuple(
            (
                name,
                f"{zeros(s)} of {len(s.runs)}",
                ", ".join(iteration(run.converged_at) for run in s.runs),
                ", ".join(percent(run.train_error) for run in s.runs),
                ", ".join(percent(run.validation_error) for run in s.runs),
                states(s),
            )
            for name, s in ((name, first(s, TRIALS)) for name, s in named)
        ),
        "As the original: three trials of each, final errors",
    )


def all_table(named: Sequence[tuple[str, Summary]], what: str) -> Table:
    """All trials of each setting."""
    return Table(
        (
            what,
            "reach zero",
            "95 % interval",
            "median iteration",
            "training error",
            "validation error",
            "the others",
        ),
        tuple(
            (
                name,
                f"{zeros(s)} of {len(s.runs)}",
                interval_text(s),
                iteration(s.converged_at_median),
                spread([run.train_error for run in s.runs]),
                spread([run.validation_error for run in s.runs]),
                states(s, without="converged"),
            )
            for name, s in named
        ),
        f"The same with {len(named[0][1].runs)} trials of each: final errors, median (range)",
    )


def results(summaries: Sequence[Summary]) -> dict[str, Any]:
    """As `chainrule points study --json` prints them."""
    return {"settings": [summary.document() for summary in summaries]}


def near(found: float | None, stated: float) -> bool:
    """Does an iteration agree with the stated one?"""
    return found is not None and abs(found - stated) <= ITERATION_TOLERANCE * stated


def agreement(facts: Sequence[bool]) -> Agreement:
    """yes if all facts agree, partly if some do."""
    return "yes" if all(facts) else "partly" if any(facts) else "no"


def agrees(fact: bool) -> str:
    """The verb of a verdict."""
    return "agrees" if fact else "differs"


def zeros(summary: Summary) -> int:
    """How many runs reached zero training error."""
    return sum(run.train_error == 0 for run in summary.runs)


def interval(summary: Summary) -> tuple[float, float]:
    """Wilson's 95 % interval of the share that did."""
    return wilson_interval(zeros(summary), len(summary.runs))


def share(summary: Summary) -> str:
    """48 of 100 (95 % interval 38 to 58 %)."""
    return f"{zeros(summary)} of {len(summary.runs)} (95 % interval {interval_text(summary)})"


def interval_text(summary: Summary) -> str:
    """38 to 58 %."""
    low, high = interval(summary)
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def states(summary: Summary, without: str = "") -> str:
    """How many runs ended how, the commonest first."""
    counts = Counter(run.state for run in summary.runs if run.state != without)
    return ", ".join(f"{count} {STATES[state]}" for state, count in counts.most_common()) or "none"


def spread(errors: Sequence[float]) -> str:
    """Median and range: 6.0 % (5.5 to 6.9)."""
    if not errors:
        return "none"
    if min(errors) == max(errors):
        return percent(errors[0])
    low, high = 100 * min(errors), 100 * max(errors)
    return f"{percent(float(np.median(errors)))} ({low:.1f} to {high:.1f})"


def percent(error: float) -> str:
    """A fraction as a percentage."""
    return f"{100 * error:.1f} %"


def iteration(number: float | None) -> str:
    """An iteration, or none."""
    return "none" if number is None else f"{number:,.0f}"


def units(hidden: int) -> str:
    """1 unit, 7 units."""
    return f"{hidden} unit{'' if hidden == 1 else 's'}"
