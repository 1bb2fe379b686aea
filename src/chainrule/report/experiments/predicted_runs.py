"""What the original's runs are held against: runs on all the points that were inferred.

One draw of points is not the original's, and a figure that it cannot give another draw may: each
trial therefore trains on the points of another candidate of the posterior.
"""

import math
from collections.abc import Sequence

import numpy as np

from chainrule.io.progress import Progress
from chainrule.points.inference import RunSetting, stored_inference
from chainrule.points.inference.settings import POINTS as NUMBER_OF_POINTS
from chainrule.points.inference.simulation import simulate
from chainrule.points.study import Setting, Trial


def predicted_runs(
    name: str,
    settings: Sequence[Setting],
    trials: int,
    seed: int,
    progress: Progress | None = None,
) -> dict[Setting, tuple[Trial, ...]]:
    """`trials` runs of each setting, in turn on the points of the candidates of `name`."""
    candidates = stored_inference(name).candidates
    found: dict[Setting, list[Trial]] = {setting: [] for setting in settings}
    for trial in range(trials):
        points = candidates[trial % len(candidates)].draw(NUMBER_OF_POINTS)
        for number, setting in enumerate(settings):
            own = np.random.SeedSequence(seed, spawn_key=(trial, number))
            wanted = RunSetting(setting.hidden, setting.learning_rate, setting.iterations)
            found[setting].append(as_trial(trial, *simulate(*points, wanted, [own])[0]))
        if progress is not None:
            progress(trial + 1, trials)
    return {setting: tuple(runs) for setting, runs in found.items()}


def as_trial(seed: int, train_error: float, validation_error: float, settled: float) -> Trial:
    """A simulated run; it has converged where its error has settled at zero."""
    converged = train_error == 0 and math.isfinite(settled)
    return Trial(
        seed,
        float(train_error),
        float(validation_error),
        int(settled) if converged else None,
        "converged" if converged else "",
    )
