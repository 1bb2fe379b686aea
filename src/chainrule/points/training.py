"""Per-sample SGD of the two-layer network, with both errors known after every step.

Every iteration draws one training example at random with replacement, takes one gradient step on
its logistic loss, then counts the wrong training and validation points. A point is wrong when
the sign of y_hat is not its label; y_hat = 0 counts as the negative class.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
from jaxtyping import Bool, Float64, Int32

from chainrule.errors import DivergedError, InputError
from chainrule.io.checks import (
    check_option_names,
    one_of,
    positive_number,
    seed_number,
    whole_number,
)
from chainrule.io.progress import Progress
from chainrule.points.data import Points, as_points
from chainrule.points.network import forward
from chainrule.points.stepping import Parameters, Stepping

State = Literal["converged", "dead", "plateau", "oscillating"]

INITIALIZATIONS = ("uniform", "he", "normal")
MOST_HIDDEN, MOST_ITERATIONS = 10**4, 10**9
_CHUNK = 10_000  # iterations between two looks at the snapshots, the progress and Ctrl-C
MOST_OUTPUTS = 5 * 10**8  # of hidden units at all points: about six gigabytes
_UNITS = 300  # hidden units, of which more make a look rarer in iterations, not in time


@dataclass(frozen=True)
class Run:
    """One finished training.

    train_wrong, validation_wrong (T,): wrong points after each iteration; initial, parameters:
    W_in (h, d), b_in (h,), w_out (h,), b_out (); snapshots: the parameters after these iterations
    (0 is the start); converged_at: see `converged_at`; state: see `state`.
    """

    train_wrong: Int32[np.ndarray, " T"]
    validation_wrong: Int32[np.ndarray, " T"]
    n_train: int
    n_validation: int
    initial: Parameters
    parameters: Parameters
    snapshots: Mapping[int, Parameters]
    converged_at: int | None
    state: State
    seconds: float

    @property
    def final_train_error(self) -> float:
        """The fraction of training points that are wrong at the end."""
        return int(self.train_wrong[-1]) / self.n_train

    @property
    def final_validation_error(self) -> float:
        """The fraction of validation points that are wrong at the end."""
        return int(self.validation_wrong[-1]) / self.n_validation


class TrainOptions(TypedDict, total=False):
    """What a training may differ in, and how it is watched.

    order_seed: the examples come in the order that this seed gives, not in that of `seed`.
    initialization: see `initial_parameters`; "uniform" unless given. snapshots: the iterations
    after which the parameters are kept. progress: gets (iterations done, all of them).
    """

    order_seed: int | np.random.SeedSequence | None
    initialization: str
    snapshots: Sequence[int]
    progress: Progress | None


def train(
    training: Points | tuple[Any, Any],
    validation: Points | tuple[Any, Any] | None = None,
    *,
    hidden: int = 7,
    learning_rate: float = 0.02,
    iterations: int = 100_000,
    seed: int | np.random.SeedSequence = 0,
    **options: Unpack[TrainOptions],
) -> Run:
    """Train for `iterations` steps from the weights that `seed` gives.

    training, validation: Points, or pairs (features, labels) of arrays or lists of any kind;
    without validation points the training's are counted twice. options: see `TrainOptions`.

    The seed has two children, one for the initial weights and one for the order of the examples,
    so the same seed rewinds to the same start whatever the length of the run. The same seed gives
    the same bits.

    Raises InputError on a setting out of range, DivergedError if a number overflows.
    """
    check_option_names("train", options, TrainOptions.__annotations__)
    training = as_points("training", training)
    validation = training if validation is None else as_points("validation", validation)
    hidden, learning_rate, iterations = check_settings(hidden, learning_rate, iterations)
    if (len(training) + len(validation)) * hidden > MOST_OUTPUTS:
        raise InputError(
            f"hidden units: found {hidden:,} for {len(training) + len(validation):,} points; "
            f"expected at most {MOST_OUTPUTS:,} as their product"
        )
    for_weights, for_order = children(seed)
    order_seed = options.get("order_seed")
    if order_seed is not None:
        for_order = children(order_seed)[1]
    d, initialization = training.features.shape[1], options.get("initialization", "uniform")
    initial = initial_parameters(d, hidden, initialization, for_weights)
    stepping = Stepping(training, validation, initial, learning_rate, for_order)
    return _run(stepping, training, validation, initial, iterations, options)


def prepare(features: int) -> None:
    """Compile what a training of so many features runs; the first time ever it takes seconds."""
    train(Points(np.zeros((2, features)), np.array([-1.0, 1.0])), hidden=1, iterations=1)


def _run(
    stepping: Stepping,
    training: Points,
    validation: Points,
    initial: Parameters,
    iterations: int,
    options: TrainOptions,
) -> Run:
    snapshots, progress = options.get("snapshots", ()), options.get("progress")
    train_wrong, validation_wrong = (np.empty(iterations, np.int32) for _ in range(2))
    kept = {0: initial} if 0 in snapshots else {}
    started = time.perf_counter()
    for first, last in _chunks(iterations, snapshots, len(initial["W_in"])):
        stepping.advance(train_wrong[first:last], validation_wrong[first:last])
        if last in snapshots:
            kept[last] = stepping.parameters
        if progress is not None:
            progress(last, iterations)
    parameters = stepping.parameters
    try:
        ending = state(train_wrong, parameters, training)
    except InputError as error:
        raise DivergedError(
            f"the outputs overflowed at iteration {iterations} with learning rate "
            f"{stepping.learning_rate:g}; expected finite outputs: choose a smaller rate"
        ) from error
    return Run(
        train_wrong,
        validation_wrong,
        len(training),
        len(validation),
        initial,
        parameters,
        kept,
        converged_at(train_wrong),
        ending,
        time.perf_counter() - started,
    )


def converged_at(train_wrong: Int32[np.ndarray, " T"]) -> int | None:
    """The iteration (from 1) after the last one whose training error was not zero, or None.

    A run that is right from the first iteration on converged at 1.
    """
    if train_wrong[-1] != 0:
        return None
    wrong = np.flatnonzero(train_wrong)
    return int(wrong[-1]) + 2 if len(wrong) else 1


@np.errstate(over="ignore", invalid="ignore")  # weights may be just below an overflow
def state(
    train_wrong: Int32[np.ndarray, " T"], parameters: Mapping[str, np.ndarray], training: Points
) -> State:
    """How the run ended.

    converged: the training error is zero; dead: no hidden unit is active on any training point;
    plateau: the boundary among the training points is still a line, or the error has not moved
    for the last tenth of the run; oscillating: everything else.

    Raises InputError if an output overflows.
    """
    if train_wrong[-1] == 0:
        return "converged"
    z, _, y_hat = forward(training.features, parameters)
    if not (z > 0).any():
        return "dead"
    last_tenth = train_wrong[-max(1, len(train_wrong) // 10) :]
    if len(train_wrong) >= 10 and (last_tenth == last_tenth[0]).all():
        return "plateau"
    return "plateau" if _is_line(z, y_hat, parameters) else "oscillating"


def check_settings(hidden: Any, learning_rate: Any, iterations: Any) -> tuple[int, float, int]:
    """Give the three as plain numbers: 1e4 iterations are 10,000.

    hidden is 1 to 10^4, iterations 1 to 10^9: more fits no memory; learning_rate is finite and
    above 0. Raises InputError.
    """
    return (
        whole_number("hidden units", hidden, 1, MOST_HIDDEN),
        positive_number("learning rate", learning_rate),
        whole_number("iterations", iterations, 1, MOST_ITERATIONS),
    )


def initial_parameters(
    d: int, hidden: int, initialization: str, seed: np.random.SeedSequence
) -> dict[str, Float64[np.ndarray, "..."]]:
    """Draw W_in (h, d), b_in (h,), w_out (h,), b_out ().

    uniform: all in [0, 1), as the report; normal: all from N(0, 1); he: weights from
    N(0, 2 / fan-in), biases zero (He et al. 2015, eq. 10). Raises InputError on another name.
    """
    one_of("initialization", initialization, INITIALIZATIONS)
    generator = np.random.default_rng(seed)
    if initialization == "he":
        return {
            "W_in": generator.normal(size=(hidden, d)) * np.sqrt(2 / d),
            "b_in": np.zeros(hidden),
            "w_out": generator.normal(size=hidden) * np.sqrt(2 / hidden),
            "b_out": np.zeros(()),
        }
    draw = generator.random if initialization == "uniform" else generator.standard_normal
    return {
        "W_in": draw((hidden, d)),
        "b_in": draw(hidden),
        "w_out": draw(hidden),
        "b_out": np.asarray(draw()),
    }


def children(
    seed: int | np.random.SeedSequence,
) -> tuple[np.random.SeedSequence, np.random.SeedSequence]:
    """The seeds of the initial weights and of the examples' order; Raises InputError if < 0."""
    if isinstance(seed, np.random.SeedSequence):
        key = seed.spawn_key
        entropy = seed.entropy
    else:
        key, entropy = (), seed_number(seed)
    # not spawn(): it counts its calls, and the same seed must rewind to the same weights
    weights = np.random.SeedSequence(entropy, spawn_key=(*key, 0))
    return weights, np.random.SeedSequence(entropy, spawn_key=(*key, 1))


def _chunks(iterations: int, snapshots: Sequence[int], hidden: int) -> list[tuple[int, int]]:
    """Cut 0..iterations at every chunk, which more hidden units make shorter, and snapshot."""
    wanted = {s for s in snapshots if 0 < s < iterations}
    chunk = _CHUNK * _UNITS // max(hidden, _UNITS)
    cuts = sorted({*range(0, iterations, chunk), *wanted, iterations})
    return list(itertools.pairwise(cuts))


def _is_line(z: np.ndarray, y_hat: np.ndarray, parameters: Mapping[str, np.ndarray]) -> bool:
    """Is every point classified as by one linear function, that of the largest active set?

    Each set of active units makes the output linear on its part of the plane. If the linear
    function of the commonest set gives all points the class they have, the boundary is a line.
    """
    commonest = _commonest_row(z > 0)
    linear = z[:, commonest] @ parameters["w_out"][commonest] + parameters["b_out"]
    return bool(((linear > 0) == (y_hat > 0)).all())


def _commonest_row(rows: Bool[np.ndarray, "n h"]) -> Bool[np.ndarray, " h"]:
    """The row that comes most often; of equally many the one that sorts first."""
    if rows.shape[1] > 64:
        patterns, counts = np.unique(rows, axis=0, return_counts=True)
        found: np.ndarray = patterns[counts.argmax()]
        return found
    # as whole numbers they sort alike, in a tenth of the time
    packed = np.zeros((len(rows), 8), np.uint8)
    packed[:, : -(-rows.shape[1] // 8)] = np.packbits(rows, axis=1)
    numbers = packed.view(">u8").astype(np.uint64).ravel()
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    commonest: np.ndarray = rows[first[counts.argmax()]]
    return commonest
