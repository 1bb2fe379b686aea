"""What candidates predict of published runs: intervals, tail probabilities, endings."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.io.checks import whole_number
from chainrule.points.inference.jobs import Jobs
from chainrule.points.inference.published import NEVER, PublishedRun, RunSetting
from chainrule.points.inference.sampler import Progress
from chainrule.points.inference.settings import POINTS
from chainrule.points.inference.simulation import simulate
from chainrule.points.moons import DrawnMoons

NUMBERS = ("train_error", "validation_error", "iteration")
TAIL = 0.025  # of the runs on either side of a 95 % interval
ROUNDING = (5e-5, 5e-5, 0.5)  # a published number stands for all that round to it
MOST_TRIALS = 10**6
_TOGETHER = 5  # trials in one job


@dataclass(frozen=True)
class Predicted:
    """One published number. low, high: the 95 % interval; a number outside has tail < 0.05.

    tail: twice the share of the simulated runs that are at least as far out on its side, at most 1.
    An iteration may be NEVER, which is later than any other.
    """

    published: float
    low: float
    high: float
    tail: float

    @property
    def within(self) -> bool:
        """Does the interval hold the published number?"""
        return self.tail >= 2 * TAIL


@dataclass(frozen=True)
class Prediction:
    """One published row. numbers: None where the row states nothing.

    ending: the share of simulated runs that end as the row does (at zero or not, with an iteration
    or none), all that the row states taken together.
    """

    run: PublishedRun
    held_out: bool
    numbers: tuple[Predicted | None, Predicted | None, Predicted | None]
    ending: float

    @property
    def within(self) -> bool:
        """Do the intervals hold all that the row states?"""
        return all(number.within for number in self.numbers if number is not None)

    def document(self) -> dict[str, Any]:
        """The entry of `rows` in the document that `chainrule points infer --json` prints."""
        return {
            "id": self.run.id,
            **self.run.setting._asdict(),
            "held_out": self.held_out,
            **{
                name: None
                if number is None
                else {
                    "published": plain(number.published),
                    "interval": [plain(number.low), plain(number.high)],
                    "tail": number.tail,
                }
                for name, number in zip(NUMBERS, self.numbers, strict=True)
            },
            "ending": self.ending,
            "within": self.within,
        }

    @classmethod
    def from_document(cls, run: PublishedRun, document: dict[str, Any]) -> "Prediction":
        """The prediction of `run` that `document` was made of."""
        numbers = [
            None if (entry := document[name]) is None else _read(value, entry)
            for name, value in zip(NUMBERS, run.numbers, strict=True)
        ]
        a, b, c = numbers
        return cls(run, document["held_out"], (a, b, c), document["ending"])


def _read(published: float | None, entry: dict[str, Any]) -> Predicted:
    low, high = (NEVER if value == "none" else float(value) for value in entry["interval"])
    assert published is not None
    return Predicted(published, low, high, entry["tail"])


def plain(value: float) -> float | int | str:
    """A number as JSON has it: whole iterations without a point, NEVER as "none"."""
    if value == NEVER:
        return "none"
    return int(value) if value == int(value) and value >= 1 else value


def predict(
    candidates: Sequence[DrawnMoons],
    runs: Sequence[PublishedRun],
    *,
    trials: int = 200,
    kept_out: Sequence[bool] | None = None,
    points: int = POINTS,
    seed: int = 0,
    jobs: Jobs | None = None,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Predict published rows from `trials` runs of each setting, each from one of the candidates.

    The candidates take turns, so all of them count alike; with one candidate it is what this one
    predicts. kept_out: which rows were not fitted. The same seed gives the same bits for any number
    of workers. Raises InputError on a number out of range.
    """
    whole_number("trials", trials, 1, MOST_TRIALS)
    out = [False] * len(runs) if kept_out is None else kept_out
    settings = list(dict.fromkeys(run.setting for run in runs))
    parts = [
        (s, range(first, min(first + _TOGETHER, trials)))
        for s in settings
        for first in range(0, trials, _TOGETHER)
    ]

    run_some = partial(_run_some, parts, tuple(candidates), points, seed)
    name = _digest(candidates)
    names = [f"{name}, {tuple(s)}, trials {part.start} to {part.stop - 1}" for s, part in parts]
    jobs = Jobs({}) if jobs is None else jobs
    report = None if progress is None else lambda done, total: progress("predictions", done, total)
    simulated: dict[RunSetting, list[list[float]]] = {s: [] for s in settings}
    for (setting, _), rows in zip(parts, jobs.run(names, run_some, report), strict=True):
        simulated[setting] += [[NEVER if v is None else v for v in row] for row in rows]
    return [
        _prediction(run, held, np.array(simulated[run.setting], np.float64))
        for run, held in zip(runs, out, strict=True)
    ]


def _run_some(
    parts: Sequence[tuple[RunSetting, range]],
    candidates: Sequence[DrawnMoons],
    points: int,
    seed: int,
    k: int,
) -> list[list[float | None]]:
    setting, numbers = parts[k]
    found = []
    for t in numbers:
        training, validation = candidates[t % len(candidates)].draw(points)
        seeds = [np.random.SeedSequence(seed, spawn_key=(1, *_key(setting), t))]
        found += simulate(training, validation, setting, seeds).tolist()
    return [[None if v == NEVER else v for v in run] for run in found]


def _key(setting: RunSetting) -> tuple[int, int, int]:
    """The setting as whole numbers: the bits of the rate tell any two rates apart."""
    return (
        setting.hidden,
        int(np.float64(setting.learning_rate).view(np.uint64)),
        setting.iterations,
    )


def _digest(candidates: Sequence[DrawnMoons]) -> str:
    documents = json.dumps([candidate.document() for candidate in candidates])
    return f"predictions {hashlib.sha256(documents.encode()).hexdigest()[:8]}"


def _prediction(run: PublishedRun, held: bool, simulated: Float64[np.ndarray, "k 3"]) -> Prediction:
    numbers = [
        None if value is None else _predicted(value, simulated[:, k], ROUNDING[k])
        for k, value in enumerate(run.numbers)
    ]
    alike = np.ones(len(simulated), bool)
    if run.train_error is not None:
        alike &= (simulated[:, 0] == 0) == (run.train_error == 0)
    if run.iteration is not None:
        alike &= (simulated[:, 2] == NEVER) == (run.iteration == NEVER)
    return Prediction(run, held, (numbers[0], numbers[1], numbers[2]), float(alike.mean()))


def _predicted(published: float, simulated: Float64[np.ndarray, " k"], slack: float) -> Predicted:
    ordered = np.sort(simulated)
    n = len(ordered)
    below = np.searchsorted(ordered, published + slack, side="right") / n
    above = 1 - np.searchsorted(ordered, published - slack, side="left") / n
    # the outermost runs that have at least TAIL on their side, themselves included
    cut = max(0, int(np.ceil(TAIL * n)) - 1)
    low, high = float(ordered[cut]), float(ordered[n - 1 - cut])
    return Predicted(published, low, high, float(min(1.0, 2 * min(below, above))))
