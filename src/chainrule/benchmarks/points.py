"""SGD on the half-moons with both errors after every step: PyTorch, NumPy, plain Numba, ours."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numba import njit

from chainrule.io.progress import Progress
from chainrule.points.data import Points, double_moon
from chainrule.points.kernel import sgd_steps, sgd_with_errors, tally
from chainrule.points.kernel.run import axes_of, sgd_in_blocks
from chainrule.points.study import Setting, run_study
from chainrule.points.training import children, initial_parameters

_PYTORCH = ("pytorch_eager, 1 thread", "pytorch_eager, 2 threads")
_SEEDS = 5  # runs differ in how much there is to look at: their mean is reported
_REPEATS = 20  # of each run
_PIECE = 10_000  # steps; of each piece the shortest time counts, as it was disturbed least
_BLOCKS = (256, 512, 2048, 4096)  # beside the kernel's own


@dataclass(frozen=True)
class _Job:
    """What is timed: it takes the arguments of `sgd_with_errors`."""

    name: str
    function: Callable[..., Any]
    steps: int = 100_000
    hidden: int = 7
    n: int = 1000


def measure(progress: Progress | None = None) -> dict[str, Any]:
    """Microseconds an iteration at h = 7, rate 0.02, 1000 + 1000 points, and how ours scales.

    The mean of 5 seeds. A run is timed in pieces of 10,000 iterations, as `train` takes them, 20
    times, and the shortest of each piece are added up; in each round every function runs once, in
    turn, and all are compiled before the first. PyTorch and NumPy run 200 and 2000 iterations a
    seed, the others 100,000. PyTorch runs on one and on two threads; its ratio is that of the
    faster.
    """
    jobs = [
        *(_Job(name, partial(_pytorch, k + 1), 200) for k, name in enumerate(_PYTORCH)),
        _Job("numpy", _numpy, 2000),
        _Job("numba_plain_loop", _plain_loop),
        _Job("sgd_steps_alone", _steps_alone),
        _Job("chainrule", sgd_with_errors),
        *(_Job(f"chainrule, blocks of {b} steps", partial(_blocks, b)) for b in _BLOCKS),
        *(_Job(f"chainrule, hidden {h}", sgd_with_errors, hidden=h) for h in (1, 20, 100)),
        *(_Job(f"chainrule, points {n}+{n}", sgd_with_errors, 50_000, n=n) for n in (100, 10_000)),
    ]
    trials = (1, 2, 8)
    times = {job.name: 0.0 for job in jobs}
    for job in jobs:
        _seconds(job, 0, steps=10)  # compiles
    for seed in range(_SEEDS):
        shortest = {job.name: np.full(-(-job.steps // _PIECE), np.inf) for job in jobs}
        for repeat in range(_REPEATS):
            for job in jobs:
                pieces = _seconds(job, seed, job.steps)
                shortest[job.name] = np.minimum(shortest[job.name], pieces)
            if progress is not None:
                progress(seed * _REPEATS + repeat + 1, _SEEDS * _REPEATS + len(trials))
        for job in jobs:
            times[job.name] += shortest[job.name].sum() / _SEEDS / job.steps * 1e6
    training, validation = _moons(1000)
    for done, count in enumerate(trials, start=1):
        started = time.perf_counter()
        run_study([Setting(trials=count)], training, validation)
        seconds = time.perf_counter() - started
        times[f"chainrule, {count} trials on all cores"] = seconds / count / 100_000 * 1e6
        if progress is not None:
            progress(_SEEDS * _REPEATS + done, _SEEDS * _REPEATS + len(trials))
    peers = {
        "pytorch_eager": min(times[name] for name in _PYTORCH),
        "numpy": times["numpy"],
        "sgd_steps_alone": times["sgd_steps_alone"],
    }
    return {
        "rows": [{"name": name, "microseconds_per_iteration": t} for name, t in times.items()],
        "ratios": {name: t / times["chainrule"] for name, t in peers.items()},
    }


def _seconds(job: _Job, seed: int, steps: int) -> np.ndarray:
    """One run: the seconds of each piece."""
    training, validation = _moons(job.n)
    points = np.ascontiguousarray(np.concatenate([training.features, validation.features]).T)
    labels = np.concatenate([training.labels, validation.labels])
    for_weights, for_order = children(seed)
    start = initial_parameters(2, job.hidden, "uniform", for_weights)
    order = np.random.default_rng(for_order).integers(0, job.n, steps)
    wrong = np.empty((2, steps), np.int32)
    parameters = [start["W_in"], start["b_in"], start["w_out"], start["b_out"].reshape(1)]
    X, y = training.features, training.labels
    seconds = []
    for first in range(0, steps, _PIECE):
        piece = slice(first, first + _PIECE)
        started = time.perf_counter()
        job.function(*parameters, X, y, order[piece], 0.02, points, labels, *wrong[:, piece])
        seconds.append(time.perf_counter() - started)
    return np.array(seconds)


@cache
def _moons(n: int) -> tuple[Points, Points]:
    """n + n points; 1000 + 1000 are the default data set's."""
    training, validation = (double_moon(n, seed=s) for s in np.random.SeedSequence(0).spawn(2))
    return training, validation


def _steps_alone(*arguments: Any) -> None:
    sgd_steps(*arguments[:8])


def _blocks(steps: int, *arguments: Any) -> None:
    counts = np.zeros(tally.LENGTH, np.int64)
    sgd_in_blocks(*arguments, axes_of(2), steps, counts)


def _pytorch(threads: int, *arguments: Any) -> None:
    """Autograd and the two errors as anybody would write them in eager PyTorch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        _pytorch_steps(torch, *arguments)
    finally:
        torch.set_num_threads(before)


def _pytorch_steps(
    torch: Any, W_in: Any, b_in: Any, w_out: Any, b_out: Any, X: Any, y: Any, order: Any,
    rate: float, points: Any, labels: Any, train_wrong: Any, other_wrong: Any,
) -> None:  # fmt: skip
    leaves = [torch.tensor(a, requires_grad=True) for a in (W_in, b_in, w_out, b_out)]
    W, b, w, o = leaves
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    everything, positive = torch.from_numpy(points.T.copy()), torch.from_numpy(labels > 0)
    n = len(y)
    for t, i in enumerate(order):
        y_hat = w @ torch.relu(W @ X[i] + b) + o[0]
        torch.nn.functional.softplus(-y[i] * y_hat).backward()
        with torch.no_grad():
            for leaf in leaves:
                leaf.sub_(rate * leaf.grad)
                leaf.grad = None
            output = torch.relu(everything @ W.T + b) @ w + o
            wrong = (output > 0) != positive
            train_wrong[t], other_wrong[t] = wrong[:n].sum().item(), wrong[n:].sum().item()


def _numpy(
    W: Any, b: Any, w: Any, o: Any, X: Any, y: Any, order: Sequence[int], rate: float,
    points: Any, labels: Any, train_wrong: Any, other_wrong: Any,
) -> None:  # fmt: skip
    n, positive, column = len(y), labels > 0, b[:, None]
    for t, i in enumerate(order):
        H = np.maximum(W @ X[i] + b, 0)
        step = -rate * y[i] / (1 + np.exp(y[i] * (w @ H + o[0])))
        through = step * w * (H > 0)
        w -= step * H
        o -= step
        b -= through
        W -= np.outer(through, X[i])
        wrong = (w @ np.maximum(W @ points + column, 0) + o > 0) != positive
        train_wrong[t], other_wrong[t] = wrong[:n].sum(), wrong[n:].sum()


# not cached: Numba's cache would not see a change of `sgd_steps`
@njit
def _plain_loop(  # type: ignore[no-untyped-def]
    W, b, w, o, X, y, order, rate, points, labels, train_wrong, other_wrong
):
    n = len(y)
    output = np.empty(len(labels))
    for t in range(len(order)):
        sgd_steps(W, b, w, o, X, y, order[t : t + 1], rate)
        output[:] = 0.0
        for j in range(len(w)):  # units outside, so that the inner loop runs on vectors
            u, v, bias, weight = W[j, 0], W[j, 1], b[j], w[j]
            for i in range(len(labels)):
                z = bias + u * points[0, i] + v * points[1, i]
                output[i] += weight * (z if z > 0.0 else 0.0)
        wrong = wrong_validation = 0
        for i in range(n):
            wrong += (output[i] + o[0] > 0) != (labels[i] > 0)
        for i in range(n, len(labels)):
            wrong_validation += (output[i] + o[0] > 0) != (labels[i] > 0)
        train_wrong[t], other_wrong[t] = wrong, wrong_validation
