"""Many runs over a grid of settings, on all cores, with the same bits for any number of workers."""

import hashlib
import itertools
import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DivergedError, FileError, InputError
from chainrule.io.progress import Progress
from chainrule.points.data import Points
from chainrule.points.training import check_settings, train

MOST_TRIALS = 10**6
_Z_95 = 1.959963984540054  # the normal's 97.5 % point


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
    workers: int | None = None,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> list[Summary]:
    """Run all trials of all settings.

    Trial k of every setting starts from `SeedSequence(seed, spawn_key=(k,))`: the results don't
    depend on the grid around it, on `workers` (default: the cores this process may use) or on the
    order in which the trials end. With a `journal`, finished trials are appended to that file and
    a later call with the same data, seed and initialization does not run them again.

    Raises InputError on a setting out of range, FileError on a journal of another study.
    """
    for setting in settings:
        check_settings(setting.hidden, setting.learning_rate, setting.iterations)
        if not 1 <= setting.trials <= MOST_TRIALS:
            raise InputError(f"trials: found {setting.trials}; expected 1 to {MOST_TRIALS}")
    if seed < 0:
        raise InputError(f"seed: found {seed}; expected a whole number of at least 0")
    if workers is not None and workers < 1:
        raise InputError(f"workers: found {workers}; expected at least 1")
    # long runs first, so that no core waits for one at the end
    wanted = {(_cell(s), k): (s, k) for s in settings for k in range(s.trials)}
    fingerprint = _fingerprint(training, validation, seed, initialization)
    done = _read_journal(journal, fingerprint) if journal is not None else {}
    done = {key: trial for key, trial in done.items() if key in wanted}
    todo = sorted(
        (job for key, job in wanted.items() if key not in done),
        key=lambda job: -job[0].iterations * (10 + job[0].hidden),
    )

    def run_one(setting: Setting, k: int) -> Trial:
        return _trial(setting, k, training, validation, seed, initialization)

    if progress is not None:
        progress(len(done), len(wanted))
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        # the kernel lets go of the interpreter's lock, so threads use all cores
        futures = {pool.submit(run_one, *job): job for job in todo}
        try:
            for future in as_completed(futures):
                setting, k = futures[future]
                done[_cell(setting), k] = future.result()
                if journal is not None:
                    _append(journal, fingerprint, _cell(setting), k, future.result())
                if progress is not None:
                    progress(len(done), len(wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
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
    """The 95 % score interval of a share (Wilson 1927).

    The shares p with (successes/trials - p)^2 <= z^2 p (1 - p) / trials, z = 1.96.
    """
    share, z2 = successes / trials, _Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = (
        _Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    )
    # at the ends the interval reaches 0 or 1 exactly; rounding must not leave it a hair outside
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return low, high


def _trial(
    setting: Setting, k: int, training: Points, validation: Points, seed: int, initialization: str
) -> Trial:
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


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "min": min(values), "max": max(values)}


def _cell(setting: Setting) -> str:
    """What names a setting in the journal; the number of trials is no part of it."""
    return f"{setting.hidden}/{float(setting.learning_rate)!r}/{setting.iterations}"


def _fingerprint(training: Points, validation: Points, seed: int, initialization: str) -> str:
    digest = hashlib.sha256(f"{seed}/{initialization}".encode())
    for points in (training, validation):
        digest.update(np.ascontiguousarray(points.features).tobytes())
        digest.update(np.ascontiguousarray(points.labels).tobytes())
    return digest.hexdigest()[:16]


def _append(journal: Path, fingerprint: str, cell: str, k: int, trial: Trial) -> None:
    line = json.dumps({"study": fingerprint, "cell": cell, "trial": k, **asdict(trial)})
    try:
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError as error:
        raise FileError(f"{journal} cannot be written: {error.strerror}") from error


def _read_journal(journal: Path, fingerprint: str) -> dict[tuple[str, int], Trial]:
    """The finished trials; a last line that a killed process cut off is dropped."""
    if not journal.exists():
        return {}
    done = {}
    for entry in _whole_lines(journal):
        if entry["study"] != fingerprint:
            raise FileError(
                f"{journal} holds another study (other data, seed or initialization); "
                "expected the same: choose another folder"
            )
        key = (entry["cell"], entry["trial"])
        done[key] = Trial(**{name: entry[name] for name in Trial.__dataclass_fields__})
    return done


def _whole_lines(journal: Path) -> Iterator[dict[str, Any]]:
    try:
        text = journal.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{journal} cannot be read ({error}); expected a journal of `chainrule points study`"
        ) from error
    whole, cut, _ = text.rpartition("\n")
    if cut != "" and not text.endswith("\n"):
        journal.write_text(whole + cut, encoding="utf-8")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            entry = json.loads(line)
            if not {"study", "cell", "trial", *Trial.__dataclass_fields__} <= entry.keys():
                raise ValueError("fields are missing")
        except (ValueError, AttributeError) as error:
            raise FileError(
                f"{journal}, line {number} is no record of a trial; expected a journal of "
                "`chainrule points study`"
            ) from error
        yield entry
