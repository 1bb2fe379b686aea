"""Many runs over a grid of settings, on all cores, with the same bits for any number of workers."""

import hashlib
import itertools
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DivergedError
from chainrule.executors import Executor, Threads
from chainrule.io.checks import seed_number, whole_number
from chainrule.io.journal import Journal
from chainrule.io.progress import Progress
from chainrule.points.data import Points
from chainrule.points.training import check_settings, train

MOST_TRIALS = 10**6


@dataclass(frozen=True)
class Setting:
    """One cell of the grid."""

    hidden: int = 7
    learning_rate: float = 0.02
    iterations: int = 100_000
    trials: int = 3


# the original report's three studies: seeds, rates, hidden units (35 runs)
REPORT_SEEDS = (Setting(7, 0.02, 100_000, 5),)
REPORT_RATES = tuple(
    Setting(7, rate, 300_000 if rate == 0.002 else 100_000, 3) for rate in (2.0, 0.2, 0.02, 0.002)
)
REPORT_HIDDEN = tuple(Setting(h, 0.02, 100_000, 3) for h in (1, 2, 5, 7, 10, 100))
REPORT = (*REPORT_SEEDS, *REPORT_RATES, *REPORT_HIDDEN)
# where this network can be trained at all: 12 sizes by 12 rates
MAP_HIDDEN = (1, 2, 3, 4, 5, 6, 7, 10, 14, 20, 32, 50)
MAP_RATES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 2.0)
MAP = tuple(Setting(h, rate, 100_000, 5) for h in MAP_HIDDEN for rate in MAP_RATES)


@dataclass(frozen=True)
class Trial:
    """What is kept of one run; errors are fractions. state may also be `diverged`."""

    seed: int
    train_error: float
    validation_error: float
    converged_at: int | None
    state: str


@dataclass(frozen=True)
class Summary:
    """A setting with its runs and what they say together."""

    setting: Setting
    runs: tuple[Trial, ...]

    @property
    def zero_share(self) -> float:
        """The share of runs that ended without a training error."""
        return sum(run.train_error == 0 for run in self.runs) / len(self.runs)

    @property
    def converged_at_median(self) -> float | None:
        """The median convergence iteration of the runs that converged."""
        found = [run.converged_at for run in self.runs if run.converged_at is not None]
        return float(np.median(found)) if found else None

    def document(self) -> dict[str, Any]:
        """The entry of `settings` in the document that `chainrule points study --json` prints."""
        return {
            **asdict(self.setting),
            "train_error": _spread([run.train_error for run in self.runs]),
            "validation_error": _spread([run.validation_error for run in self.runs]),
            "zero_share": self.zero_share,
            "zero_share_interval": list(
                wilson_interval(sum(r.train_error == 0 for r in self.runs), len(self.runs))
            ),
            "converged_at_median": self.converged_at_median,
            "runs": [asdict(run) for run in self.runs],
        }


def run_study(
    settings: Sequence[Setting],
    training: Points,
    validation: Points,
    *,
    seed: int = 0,
    initialization: str = "uniform",
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> list[Summary]:
    """Run all trials of all settings.

    Trial k of every setting starts from `SeedSequence(seed, spawn_key=(k,))`: the results don't
    depend on the grid around it, on the `executor` (default: a thread for each core that this
    process may use), or on the order in which the trials end. With a `journal`,
    finished trials are appended to that file and a later call with the same data, seed and
    initialization does not run them again.

    Raises InputError on a setting out of range, FileError on a journal of another study.
    """
    for setting in settings:
        check_settings(setting.hidden, setting.learning_rate, setting.iterations)
        whole_number("trials", setting.trials, 1, MOST_TRIALS)
    seed = seed_number(seed)
    wanted = {(_cell(s), k): (s, k) for s in settings for k in range(s.trials)}
    kept = None
    if journal is not None:
        run = {"data": _fingerprint(training, validation), "seed": seed}
        kept = Journal(
            journal, "`chainrule points study`", {**run, "initialization": initialization}
        )
    done = {key: trial for key, trial in _finished(kept).items() if key in wanted}
    # long runs first, so that no core waits for one at the end
    todo = sorted(
        (job for key, job in wanted.items() if key not in done),
        key=lambda job: -job[0].iterations * (10 + job[0].hidden),
    )

    if progress is not None:
        progress(len(done), len(wanted))
    shared = training, validation, seed, initialization
    with nullcontext(executor) if executor is not None else Threads() as jobs:
        for i, trial in jobs.results(_trial, todo, shared, prepare=_writable, name=_named):
            setting, k = todo[i]
            done[_cell(setting), k] = trial
            if kept is not None:
                kept.append({"cell": _cell(setting), "trial": k, **asdict(trial)})
            if progress is not None:
                progress(len(done), len(wanted))
    return [
        Summary(setting, tuple(done[_cell(setting), k] for k in range(setting.trials)))
        for setting in settings
    ]


def grid(
    hidden: Sequence[int],
    learning_rates: Sequence[float],
    iterations: Sequence[int],
    trials: int,
) -> list[Setting]:
    """Every combination, in the order of the arguments."""
    return [
        Setting(h, rate, steps, trials)
        for h, rate, steps in itertools.product(hidden, learning_rates, iterations)
    ]


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _trial(shared: tuple[Points, Points, int, str], job: tuple[Setting, int]) -> Trial:
    training, validation, seed, initialization = shared
    setting, k = job
    try:
        run = train(
            training,
            validation,
            hidden=setting.hidden,
            learning_rate=setting.learning_rate,
            iterations=setting.iterations,
            seed=np.random.SeedSequence(seed, spawn_key=(k,)),
            initialization=initialization,
        )
    except DivergedError:
        return Trial(k, 1.0, 1.0, None, "diverged")
    return Trial(k, run.final_train_error, run.final_validation_error, run.converged_at, run.state)


def _writable(shared: tuple[Points, Points, int, str]) -> tuple[Points, Points, int, str]:
    """A cluster's shared arrays cannot be written; the kernel would be compiled anew for such."""
    training, validation, seed, initialization = shared
    copies = [
        points
        if points.features.flags.writeable
        else replace(points, features=points.features.copy(), labels=points.labels.copy())
        for points in (training, validation)
    ]
    return copies[0], copies[1], seed, initialization


def _named(job: tuple[Setting, int]) -> str:
    setting, k = job
    return f"trial {k} of {setting}"


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "min": min(values), "max": max(values)}


def _cell(setting: Setting) -> str:
    """What names a setting in the journal; the number of trials is no part of it."""
    return f"{setting.hidden}/{float(setting.learning_rate)!r}/{setting.iterations}"


def _fingerprint(training: Points, validation: Points) -> str:
    digest = hashlib.sha256()
    for points in (training, validation):
        digest.update(np.ascontiguousarray(points.features).tobytes())
        digest.update(np.ascontiguousarray(points.labels).tobytes())
    return digest.hexdigest()[:16]


def _finished(journal: Journal | None) -> dict[tuple[str, int], Trial]:
    """The trials that an earlier run has finished."""
    done = {}
    for record in journal.records if journal is not None else ():
        key = (record["cell"], record["trial"])
        done[key] = Trial(**{name: record[name] for name in Trial.__dataclass_fields__})
    return done
