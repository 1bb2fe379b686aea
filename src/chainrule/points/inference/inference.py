"""From a table of published runs to the points they were made on, as far as the table tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.executors import Executor
from chainrule.points.inference.jobs import Jobs
from chainrule.points.inference.prediction import Prediction, predict
from chainrule.points.inference.problem import Problem, problem
from chainrule.points.inference.published import PublishedRun, held_out
from chainrule.points.inference.sampler import Population, Progress, sample
from chainrule.points.inference.settings import InferenceSettings
from chainrule.points.moons import DrawnMoons

# the best of all is found in rounds: the share that goes on, with so many runs for a published one
_ROUNDS = ((1.0, 4), (0.2, 24), (0.25, 96))


@dataclass(frozen=True)
class Inference:
    """What the table tells.

    settings: what it was made with; population: the posterior; best: the one of its candidates that
    is nearest to the fitted rows when simulated anew; predictions: of all rows by the posterior;
    by_best: by the best alone.
    """

    settings: InferenceSettings
    population: Population
    best: DrawnMoons
    predictions: tuple[Prediction, ...]
    by_best: tuple[Prediction, ...]


def infer(
    runs: Sequence[PublishedRun],
    settings: InferenceSettings | None = None,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> Inference:
    """Infer what drew the points of published runs, and predict every row.

    The same settings give the same bits for any number of workers (threads; default: the cores this
    process may use), and for any `executor` in their place. With a `journal`, a killed inference
    goes on from there, and more generations or trials add to it. Raises InputError if no row is
    left to fit, FileError on a journal of another inference.
    """
    settings = settings or InferenceSettings()
    kept_out = held_out(runs, settings.hold_out)
    fitted = problem(runs, kept_out, settings.points)
    jobs = Jobs(_run(fitted, settings), workers, journal, executor)
    population = sample(fitted, jobs, settings, progress)
    best = _best(fitted, population, jobs, settings.seed, progress)
    predictions, by_best = (
        tuple(
            predict(
                candidates, runs, trials=settings.trials, kept_out=kept_out,
                points=settings.points, seed=settings.seed, jobs=jobs, progress=progress,
            )
        )
        for candidates in (population.candidates, (best,))
    )  # fmt: skip
    return Inference(settings, population, best, predictions, by_best)


def _run(fitted: Problem, settings: InferenceSettings) -> dict[str, Any]:
    """What the results of all jobs depend on; generations and trials only add more of them."""
    return {
        **fitted.document(),
        "particles": settings.particles,
        "repeats": settings.repeats,
        "seed": settings.seed,
        "fixed": dict(settings.fixed),
    }


def _best(
    fitted: Problem, population: Population, jobs: Jobs, seed: int, progress: Progress | None
) -> DrawnMoons:
    """The candidate with the least distance in new runs, so that luck does not choose it."""
    left = list(dict.fromkeys(population.candidates))
    generation = len(population.generations)
    for number, (share, repeats) in enumerate(_ROUNDS):
        left = left[: max(1, round(share * len(left)))]
        if len(left) == 1:
            break
        again = partial(_again, fitted, left, repeats, (seed, generation, number))
        names = [f"after {generation}, round {number} candidate {k}" for k in range(len(left))]
        report = None if progress is None else lambda done, total: progress("best", done, total)
        found = jobs.run(names, again, report)
        left = [left[k] for k in np.argsort(found, kind="stable")]
    return left[0]


def _again(
    fitted: Problem, left: list[DrawnMoons], repeats: int, key: tuple[int, int, int], k: int
) -> float:
    seed, generation, number = key
    sequence = np.random.SeedSequence(seed, spawn_key=(2, generation, number, k))
    return fitted.distance(left[k], repeats, sequence)
