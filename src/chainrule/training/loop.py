"""Minibatch SGD over a chain and a loss: batches in, history and checkpoints out."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.blocks.block import check_loss
from chainrule.chain import Chain
from chainrule.errors import DivergedError, InputError, OtherRunError
from chainrule.io.progress import Progress
from chainrule.training.checkpoints import (
    Checkpoint,
    differences,
    read_checkpoint,
    write_checkpoint,
)
from chainrule.training.schedules import schedule
from chainrule.training.sgd import SGD, check_learning_rate

Parameters = Mapping[str, Tensor]


@runtime_checkable
class Source(Protocol):
    """Where batches come from."""

    def __len__(self) -> int:
        """How many examples one epoch holds."""

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[tuple[Any, Any]]:
        """One epoch of (inputs (N, C, H, W), targets), N <= size.

        With a generator: in a random order, with random jitter if the source has any. Without:
        in order and without jitter, the same each time.
        """


@dataclass(frozen=True)
class Settings:
    """How to train. `precision` is that of the passes; parameters and steps stay float32."""

    epochs: int = 15
    batch_size: int = 100
    learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False
    schedule: str = "constant"
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: found {getattr(self, name)}; expected at least 1")
        check_learning_rate(self.learning_rate)
        if self.precision not in ("float32", "bfloat16", "float64"):
            raise InputError(
                f"precision: found {self.precision!r}; expected float32, bfloat16 or float64"
            )
        schedule(self.schedule)
        SGD(self.momentum, self.weight_decay, self.nesterov)


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    parameters: after the last epoch. history: one dict an epoch with "epoch", "seconds" (of the
    training pass), "images_per_second", "learning_rate" (the last one), "energy_train" and
    "energy_validation" (mean losses), and "NAME_train" and "NAME_validation" for each metric
    (means over the examples). The training figures are taken while the weights move; the
    validation figures with the weights at the epoch's end.
    """

    parameters: dict[str, Tensor]
    history: list[dict[str, Any]]


Metric = Callable[[Tensor, Any], float]
OnEpoch = Callable[[dict[str, Any], Mapping[str, Tensor]], None]


def train(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    training: Source,
    validation: Source,
    settings: Settings,
    *,
    metrics: Mapping[str, Metric] | None = None,
    described: Mapping[str, Any] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """Train `chain` from `parameters` (which stay as they are).

    metrics: functions (output, target) -> mean over the batch. With `checkpoint` a file is written
    after every epoch; with `resume` the run goes on from that file if it is there, to the same
    bits as a run that was never stopped (on the same machine with the same number of threads).
    described: what else must be the same for that (of the data, say), as JSON values by name.
    progress: gets (examples seen, examples in all). on_epoch: gets each line of the history and the
    parameters.

    Raises DivergedError when the loss is no longer finite, FileError on a checkpoint that cannot be
    read, and OtherRunError, a FileError, on one that is of another run.
    """
    check_loss(loss)
    state = _start(
        chain, parameters, training, validation, settings, described or {}, checkpoint, resume
    )
    rates = schedule(settings.schedule)
    sgd = SGD(settings.momentum, settings.weight_decay, settings.nesterov)
    steps = math.ceil(len(training) / settings.batch_size)
    learner = chain.in_training()
    metrics = metrics or {}
    for epoch in range(len(state.history), settings.epochs):
        started = time.perf_counter()
        sums = _Sums()
        rate = settings.learning_rate
        batches = training.batches(settings.batch_size, state.generator)
        for step, (x, target) in enumerate(batches, start=epoch * steps):
            rate = settings.learning_rate * rates(step / (steps * settings.epochs))
            y, energy, gradients = _pass(learner, state, loss, x, target, settings.precision)
            _check_finite(energy, step, epoch, rate)
            sgd.step(state.parameters, state.velocities, gradients, rate)
            sums.add(len(x), energy, y, target, metrics)
            if progress is not None:
                progress(epoch * len(training) + sums.count, settings.epochs * len(training))
        seconds = time.perf_counter() - started
        judged = evaluate(chain, state.parameters, loss, validation, metrics=metrics)
        _check_finite(judged["energy"], steps * (epoch + 1) - 1, epoch, rate)
        line = {
            "epoch": epoch + 1,
            "seconds": seconds,
            "images_per_second": sums.count / seconds,
            "learning_rate": rate,
            **sums.means("train"),
            **{f"{name}_validation": value for name, value in judged.items()},
        }
        state.history.append(line)
        if checkpoint is not None:
            _write(checkpoint, state)
        if on_epoch is not None:
            on_epoch(line, state.parameters)
    return Trained(state.parameters, state.history)


def evaluate(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    source: Source,
    *,
    batch_size: int = 500,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """The mean loss ("energy") and the mean of each metric over one unjittered pass."""
    judge, sums = chain.in_inference(), _Sums()
    for x, target in source.batches(batch_size, None):
        y = judge.apply(x, parameters)
        sums.add(len(x), float(loss.forward(y, target)[0]), y, target, metrics or {})
    return sums.means()


@dataclass
class _State:
    """The parts of a run that move: what a checkpoint holds."""

    parameters: dict[str, Tensor]
    velocities: dict[str, Tensor]
    generator: torch.Generator
    history: list[dict[str, Any]]
    run: dict[str, Any]


class _Sums:
    """Sums over examples, for the means of an epoch."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, float] = {}

    def add(
        self, n: int, energy: float, y: Tensor, target: Any, metrics: Mapping[str, Metric]
    ) -> None:
        values = {"energy": energy} | {k: float(m(y, target)) for k, m in metrics.items()}
        self.count += n
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + n * value

    def means(self, suffix: str = "") -> dict[str, float]:
        ending = f"_{suffix}" if suffix else ""
        return {f"{name}{ending}": value / self.count for name, value in self._sums.items()}


def _start(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    training: Source,
    validation: Source,
    settings: Settings,
    described: Mapping[str, Any],
    checkpoint: Path | None,
    resume: bool,
) -> _State:
    """The state before the first epoch to run: a new one, or the checkpoint's."""
    run = {
        "architecture": repr(chain.layers),
        "training examples": len(training),
        "validation examples": len(validation),
        **asdict(settings),
        **described,
    }
    generator = torch.Generator().manual_seed(settings.seed)
    if resume and checkpoint is not None and checkpoint.exists():
        found = read_checkpoint(checkpoint)
        if other := differences(found.run, run):
            raise OtherRunError(
                f"{checkpoint} is of another run ({'; '.join(other)}); expected the same "
                "settings: choose another file, or train without resuming"
            )
        generator.set_state(found.generator)
        return _State(dict(found.parameters), dict(found.velocities), generator, found.history, run)
    copies = {name: value.clone() for name, value in parameters.items()}
    zeros = {name: torch.zeros_like(value) for name, value in copies.items()}
    return _State(copies, zeros, generator, [], run)


def _pass(
    chain: Chain, state: _State, loss: Loss, x: Tensor, target: Any, precision: str
) -> tuple[Tensor, float, dict[str, Tensor]]:
    """Forward and backward over one batch: the output, its mean loss, the gradients."""
    dtype = getattr(torch, precision)
    parameters = {name: value.to(dtype) for name, value in state.parameters.items()}
    y, saved = chain.forward(x.to(dtype), parameters, state.generator)
    y = y.to(torch.float32) if dtype == torch.bfloat16 else y
    energy, saved_loss = loss.forward(y, target)
    dy = loss.backward(torch.ones_like(energy), target, saved_loss)
    gradients = chain.parameter_derivatives(dy.to(dtype), parameters, saved)
    state.parameters.update(chain.moments(state.parameters, saved))
    return y, float(energy), gradients


def _check_finite(energy: float, step: int, epoch: int, rate: float) -> None:
    if not math.isfinite(energy):
        raise DivergedError(
            f"the loss is {energy} at step {step + 1} (epoch {epoch + 1}) with learning rate "
            f"{rate:g}; expected a finite loss: choose a smaller rate"
        )


def _write(path: Path, state: _State) -> None:
    write_checkpoint(
        path,
        Checkpoint(
            state.parameters,
            state.velocities,
            state.generator.get_state(),
            state.history,
            state.run,
        ),
    )
