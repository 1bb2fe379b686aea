"""The published runs that are fitted, and how far a candidate is from all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.points.inference.distance import distance
from chainrule.points.inference.published import PublishedRun, RunSetting
from chainrule.points.inference.settings import POINTS
from chainrule.points.inference.simulation import simulate
from chainrule.points.moons import DrawnMoons


@dataclass(frozen=True)
class Problem:
    """The runs to fit by setting; points: how many are drawn to train on, and to validate."""

    settings: tuple[tuple[RunSetting, tuple[PublishedRun, ...]], ...]
    points: int = POINTS

    def distance(
        self,
        candidate: DrawnMoons,
        repeats: int,
        seed: np.random.SeedSequence,
        limit: float = math.inf,
    ) -> float:
        """The sum of the settings' distances, from `repeats` runs for each published one.

        It is inf as soon as the sum of some settings is above `limit`: the rest only adds to it.
        """
        training, validation = candidate.draw(self.points)
        terms = []
        for k, (setting, runs) in enumerate(self.settings):
            seeds = [_child(seed, k, j) for j in range(repeats * len(runs))]
            simulated = simulate(training, validation, setting, seeds)
            published = [[math.nan if v is None else v for v in run.numbers] for run in runs]
            terms.append(distance(np.array(published, np.float64), simulated))
            if math.fsum(terms) > limit:
                return math.inf
        return math.fsum(terms)

    def document(self) -> dict[str, Any]:
        """What tells this problem from others, as JSON values."""
        return {
            "points": self.points,
            "runs": [
                [list(setting), [[str(v) for v in run.numbers] for run in runs]]
                for setting, runs in self.settings
            ],
        }


def problem(
    runs: Sequence[PublishedRun], kept_out: Sequence[bool], points: int = POINTS
) -> Problem:
    """The rows that are not kept out, each run once. Raises InputError if none is left."""
    groups: dict[RunSetting, list[PublishedRun]] = {}
    for run, out in zip(runs, kept_out, strict=True):
        if not out and run.same_as is None:
            groups.setdefault(run.setting, []).append(run)
    if not groups:
        raise InputError("published runs: found none to fit; expected to keep fewer of them out")
    # the quick ones first: many candidates need no more
    order = sorted(groups, key=lambda setting: setting.iterations * (10 + setting.hidden))
    return Problem(tuple((setting, tuple(groups[setting])) for setting in order), points)


def _child(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))
