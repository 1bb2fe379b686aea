"""Points of more than two classes: one network a class, which tells it from all the others.

For k classes, network c is trained as the only one is for two: class c is +1, the others are -1. It
learns the loss log(1 + exp(-y y_hat_c)), whose minimum over all functions is the log of the odds of
class c against the others, log(P(c | x) / (1 - P(c | x))). That grows with P(c | x), so the class
with the largest y_hat_c is the most probable one. The k trainings share nothing: every derivative
is that of `chainrule.points.network`.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int

from chainrule.errors import DivergedError, FileError
from chainrule.io.checks import seed_number
from chainrule.io.progress import Progress
from chainrule.points.data import (
    SOURCES,
    Dataset,
    Points,
    class_codes,
    columns_of,
    dataset_of,
    feature_array,
    held_out,
    load_dataset,
    points_of,
    split,
    standardization,
    wrong_classes,
)
from chainrule.points.network import PARAMETERS, forward
from chainrule.points.stepping import Parameters
from chainrule.points.training import Run, State, train

MOST_CLASSES = 100


@dataclass(frozen=True)
class ClassPoints:
    """Points of k classes.

    features (n, d); classes (n,): places in class_names, k of them; the rest as in `Points`.
    """

    features: Float64[np.ndarray, "n d"]
    classes: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    label_name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.classes)

    def against_others(self, number: int) -> Points:
        """The same points with class `number` as +1 and all others as -1."""
        labels = np.where(self.classes == number, 1.0, -1.0)
        names = "others", self.class_names[number]
        return Points(self.features, labels, names, self.feature_names, self.label_name)


@dataclass(frozen=True)
class ClassDataset:
    """Training and validation points of k classes; mean and scale (d,) as in `Dataset`."""

    training: ClassPoints
    validation: ClassPoints
    mean: Float64[np.ndarray, " d"] = field(repr=False)
    scale: Float64[np.ndarray, " d"] = field(repr=False)


@dataclass(frozen=True)
class ClassRun:
    """k finished trainings, one a class, and what they say together.

    parameters: W_in (k, h, d), b_in (k, h), w_out (k, h), b_out (k,). train_error,
    validation_error: the fraction of points whose class has not the largest output, after each
    iteration of `looks`. converged_at: when all networks have no training error any more; state:
    the worst of theirs.
    """

    runs: tuple[Run, ...]
    parameters: Parameters
    looks: tuple[int, ...]
    train_error: Float64[np.ndarray, " looks"]
    validation_error: Float64[np.ndarray, " looks"]
    converged_at: int | None
    state: State
    seconds: float

    def at(self, iteration: int) -> Parameters:
        """The parameters of all networks after one of the iterations that were kept."""
        return stacked([run.snapshots[iteration] for run in self.runs])


def load_classes(
    source: str | os.PathLike[str],
    *,
    label: str | None = None,
    validation_share: float = 0.5,
    standardize: bool | None = None,
    seed: int = 0,
) -> Dataset | ClassDataset:
    """As `load_dataset`, for any number of classes: a ClassDataset where there are more than two.

    Raises InputError, and FileError if a file does not hold 2 to 100 classes.
    """
    if str(source).replace("_", "-") in SOURCES:
        return load_dataset(
            source,
            label=label,
            validation_share=validation_share,
            standardize=standardize,
            seed=seed,
        )
    table, features, column = columns_of(source, label)
    codes, names = class_codes(table.path, column)
    standardize = standardize is None or standardize
    if len(names) == 2:
        points = points_of(table, features, column)
        return dataset_of(*split(points, validation_share, seed=seed), standardize)
    if not 2 < len(names) <= MOST_CLASSES:
        raise FileError(wrong_classes(table.path, column, names, f"2 to {MOST_CLASSES}"))
    matrix = feature_array(table.path, features, column.name)
    drawn = held_out(codes, names, column.name, validation_share, seed)
    mean, scale = standardization(matrix[~drawn], standardize)
    feature_names = tuple(feature.name for feature in features)
    of_all = ClassPoints(
        (matrix - mean) / scale, codes, names, feature_names, column.name, table.notes
    )
    training, validation = (
        replace(of_all, features=of_all.features[rows], classes=codes[rows])
        for rows in (~drawn, drawn)
    )
    return ClassDataset(training, validation, mean, scale)


def train_classes(
    dataset: ClassDataset,
    *,
    hidden: int = 7,
    learning_rate: float = 0.02,
    iterations: int = 100_000,
    seed: int = 0,
    initialization: str = "uniform",
    looks: Sequence[int] = (),
    progress: Progress | None = None,
) -> ClassRun:
    """Train one network a class, each for `iterations` steps and from a seed of its own.

    looks: iterations after which the parameters are kept and both errors are taken, beside the
    last. Raises InputError on a setting out of range, DivergedError if a number overflows.
    """
    names, entropy = dataset.training.class_names, seed_number(seed)
    kept = tuple(sorted({*looks, iterations}))
    runs = []
    for number, name in enumerate(names):
        try:
            run = train(
                dataset.training.against_others(number),
                dataset.validation.against_others(number),
                hidden=hidden,
                learning_rate=learning_rate,
                iterations=iterations,
                seed=np.random.SeedSequence(entropy, spawn_key=(number,)),
                initialization=initialization,
                snapshots=kept,
                progress=progress and functools.partial(_share, progress, number, len(names)),
            )
        except DivergedError as error:
            raise DivergedError(f"class {name!r}: {error}") from error
        runs.append(run)
    ended = [run.converged_at for run in runs]
    converged = [iteration for iteration in ended if iteration is not None]
    states = {run.state for run in runs}
    order: tuple[State, ...] = ("dead", "oscillating", "plateau", "converged")
    at = [stacked([run.snapshots[iteration] for run in runs]) for iteration in kept]
    return ClassRun(
        tuple(runs),
        at[-1],
        kept,
        np.array([error_of(parameters, dataset.training) for parameters in at]),
        np.array([error_of(parameters, dataset.validation) for parameters in at]),
        max(converged) if len(converged) == len(runs) else None,
        next(state for state in order if state in states),
        sum(run.seconds for run in runs),
    )


def outputs_of(
    features: np.ndarray, parameters: Mapping[str, np.ndarray]
) -> Float64[np.ndarray, "n k"]:
    """y_hat (n, k) of all networks at features (n, d). Raises InputError if one overflows."""
    each = (
        {name: parameters[name][number] for name in PARAMETERS}
        for number in range(len(parameters["b_out"]))
    )
    return np.stack([forward(features, one).y_hat for one in each], axis=1)


def error_of(parameters: Mapping[str, np.ndarray], points: ClassPoints) -> float:
    """The fraction of points that get another class; of equal outputs the first counts."""
    found = outputs_of(points.features, parameters).argmax(axis=1)
    return float((found != points.classes).mean())


def stacked(networks: Sequence[Mapping[str, np.ndarray]]) -> Parameters:
    """The parameters of k networks with k in front of their shapes."""
    return {name: np.stack([one[name] for one in networks]) for name in PARAMETERS}


def _share(progress: Progress, number: int, count: int, done: int, total: int) -> None:
    progress(number * total + done, count * total)
