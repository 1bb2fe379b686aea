"""Minibatch training of a chain with a loss: batches in, history and checkpoints out."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.blocks.block import check_loss
from chainrule.chain import Chain
from chainrule.errors import DivergedError, InputError, ShapeError
from chainrule.training.gradients import clipped, rate_factors
from chainrule.training.schedules import schedule
from chainrule.training.settings import Settings
from chainrule.training.sources import Source, as_source, epoch_of
from chainrule.training.state import (
    RunOptions,
    State,
    described_run,
    first_state,
    resumed_state,
    write_state,
)

Metric = Callable[[Tensor, Any], float]


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    parameters: after the last epoch; with a patience, those of the best one. history: one dict an
    epoch with "epoch", "seconds" (of the training pass), "images_per_second", "learning_rate" (the
    last one), "energy_train" and "energy_validation" (mean losses), and "NAME_train" and
    "NAME_validation" for each metric (means over the examples). The training figures are taken
    while the weights move; the validation figures, which are there if there is a validation set,
    with the weights at the epoch's end.
    """

    parameters: dict[str, Tensor]
    history: list[dict[str, Any]]


def train(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    data: Any,
    settings: Settings | None = None,
    *,
    validation: Any = None,
    metrics: Mapping[str, Metric] | None = None,
    **options: Unpack[RunOptions],
) -> Trained:
    """Train `chain` from `parameters` (which stay as they are).

    data, validation: a pair (x, y) of arrays or tensors of any kind of float or integer, a
    `torch.utils.data.DataLoader` of such pairs, or a `Source`. metrics: functions (output, target)
    -> mean over the batch. options: see `RunOptions`.

    Raises InputError if the data, the parameters or the settings do not fit the chain,
    DivergedError when the loss is no longer finite, FileError on a checkpoint that cannot be read
    or is not there, and OtherRunError, a FileError, on one that is of another run.
    """
    check_loss(loss)
    settings = settings or Settings()
    keeping = _checked_options(options)
    training = as_source("training data", data)
    judged = None if validation is None else as_source("validation data", validation)
    if settings.patience is not None and judged is None:
        raise InputError("patience is set without validation data; expected some to judge by")
    chain.check_parameters(parameters)
    run = _Run(chain, loss, training, judged, settings, metrics or {}, keeping)
    described = described_run(chain, training, judged, settings, keeping.get("described"))
    path = keeping.get("checkpoint")
    state = first_state(parameters, settings)
    if keeping.get("resume"):
        state = resumed_state(path, described, state.parameters)
    for epoch in range(len(state.history), settings.epochs):
        if _out_of_patience(state.history, settings):
            break
        line = run.epoch(state, epoch)
        state.history.append(line)
        if settings.patience is not None and _best(state.history) == epoch:
            state.best = {name: value.clone() for name, value in state.parameters.items()}
        if path is not None:
            write_state(path, state, described)
        on_epoch = keeping.get("on_epoch")
        if on_epoch is not None:
            on_epoch(line, state.parameters)
    return Trained(state.best or state.parameters, state.history)


def evaluate(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    loss: Loss,
    data: Any,
    *,
    batch_size: int = 500,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """The mean loss ("energy") and the mean of each metric over one unjittered pass.

    data: as `train` takes it. The pass runs in the parameters' own precision.
    """
    judge, sums = chain.in_inference(), _Sums()
    like = next((v for v in parameters.values() if v.is_floating_point()), torch.empty(0))
    for x, target in as_source("data", data).batches(batch_size, None):
        y, here = judge.apply(x.to(like), parameters), _at(target, like)
        sums.add(len(x), float(loss.forward(y, here)[0]), y, here, metrics or {})
    return sums.means()


@dataclass(frozen=True)
class _Run:
    """What stays the same over a run's epochs."""

    chain: Chain
    loss: Loss
    data: Source
    validation: Source | None
    settings: Settings
    metrics: Mapping[str, Metric]
    options: RunOptions

    def epoch(self, state: State, epoch: int) -> dict[str, Any]:
        """Train one epoch and judge it: the line of the history."""
        settings = self.settings
        started = time.perf_counter()
        sums, rate = self._passes(state, epoch)
        seconds = time.perf_counter() - started
        line = {
            "epoch": epoch + 1,
            "seconds": seconds,
            "images_per_second": sums.count / seconds,
            "learning_rate": rate,
            **sums.means("train"),
        }
        if self.validation is None:
            return line
        judged = evaluate(
            self.chain, state.parameters, self.loss, self.validation, metrics=self.metrics
        )
        steps, _ = epoch_of(self.data, settings.batch_size, settings.drop_last)
        _check_finite(judged["energy"], None, steps * (epoch + 1) - 1, epoch, rate)
        return line | {f"{name}_validation": value for name, value in judged.items()}

    def _passes(self, state: State, epoch: int) -> tuple["_Sums", float]:
        """All steps of an epoch: the sums over its examples, and the last rate."""
        settings, sums = self.settings, _Sums()
        steps, examples = epoch_of(self.data, settings.batch_size, settings.drop_last)
        learner, optimizer = self.chain.in_training(), settings.make_optimizer()
        rates, rate = schedule(settings.schedule), settings.learning_rate
        factors = rate_factors(settings.layer_rates, state.parameters)
        progress = self.options.get("progress")
        batches = self.data.batches(settings.batch_size, state.generator)
        for step, (x, target) in enumerate(batches, start=epoch * steps):
            if step == epoch * steps + steps:
                break  # drop_last: what is left over
            if step == 0 and not settings.drop_last:
                few = x[: max(0, examples - (steps - 1) * len(x))]
                _check_last_batch(learner, state, settings, x, few)
            rate = settings.learning_rate * rates(step / (steps * settings.epochs))
            y, energy, gradients = _pass(learner, state, self.loss, x, target, settings.precision)
            _check_finite(energy, x, step, epoch, rate)
            gradients = clipped(gradients, settings.clip_norm)
            optimizer.step(state.parameters, state.moments, gradients, rate, factors)
            sums.add(len(x), energy, y, _at(target, y), self.metrics)
            if progress is not None:
                progress(epoch * examples + sums.count, settings.epochs * examples)
        return sums, rate


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


def _pass(
    chain: Chain, state: State, loss: Loss, x: Tensor, target: Any, precision: str
) -> tuple[Tensor, float, dict[str, Tensor]]:
    """Forward and backward over one batch: the output, its mean loss, the gradients."""
    dtype = getattr(torch, precision)
    parameters = {name: value.to(dtype) for name, value in state.parameters.items()}
    x = _placed(x, parameters, dtype)
    chain.shape(tuple(x.shape))
    drawn = chain.draw(tuple(x.shape), state.generator)
    parameters |= {name: value.to(x.device) for name, value in drawn.items()}
    y, saved = chain.forward(x, parameters)
    y = y.to(torch.float32) if dtype == torch.bfloat16 else y
    target = _at(target, y)
    energy, saved_loss = loss.forward(y, target)
    dy = loss.backward(torch.ones_like(energy), target, saved_loss)
    gradients = chain.parameter_derivatives(dy.to(dtype), parameters, saved)
    state.parameters.update(chain.moments(state.parameters, saved))
    return y, float(energy), gradients


def _placed(x: Tensor, parameters: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    """x in that kind of number, where the parameters are."""
    devices = [value.device for value in parameters.values()]
    return x.to(devices[0] if devices else x.device, dtype)


def _at(target: Any, like: Tensor) -> Any:
    """The target where `like` is, if it is a tensor."""
    return target.to(like.device) if isinstance(target, Tensor) else target


def _check_last_batch(
    chain: Chain, state: State, settings: Settings, x: Tensor, few: Tensor
) -> None:
    """Raise ShapeError, before the first step, if the chain cannot train on the last batch.

    It holds as many examples as `few`. (Batch normalisation needs two entries a channel.)
    """
    chain.shape(tuple(x.shape))
    if not 0 < len(few) < len(x):
        return
    dtype = getattr(torch, settings.precision)
    parameters = {name: value.to(dtype) for name, value in state.parameters.items()}
    try:
        chain.forward(_placed(few, parameters, dtype), parameters, torch.Generator().manual_seed(0))
    except ShapeError as error:
        raise ShapeError(
            f"the last batch of an epoch has {len(few)} of the examples ({settings.batch_size} a "
            f"batch), on which the chain cannot be trained: {error}; expected another batch_size, "
            "or drop_last=True"
        ) from error


def _check_finite(energy: float, x: Tensor | None, step: int, epoch: int, rate: float) -> None:
    if math.isfinite(energy):
        return
    if x is not None and not bool(torch.isfinite(x).all()):
        raise InputError(
            f"the batch of step {step + 1} (epoch {epoch + 1}) holds numbers that are not finite; "
            "expected finite ones"
        )
    raise DivergedError(
        f"the loss is {energy} at step {step + 1} (epoch {epoch + 1}) with learning rate "
        f"{rate:g}; expected a finite loss: choose a smaller rate"
    )


def _out_of_patience(history: list[dict[str, Any]], settings: Settings) -> bool:
    patience = settings.patience
    return patience is not None and len(history) - 1 - _best(history) >= patience


def _best(history: list[dict[str, Any]]) -> int:
    """The place of the first line with the lowest validation loss; -1 if there is none."""
    losses = [line["energy_validation"] for line in history]
    return losses.index(min(losses)) if losses else -1


def _checked_options(options: Any) -> RunOptions:
    for name in options:
        if name not in RunOptions.__annotations__:
            raise TypeError(
                f"train() has no argument {name!r}; expected one of "
                f"{', '.join(RunOptions.__annotations__)}"
            )
    checked: RunOptions = options
    return checked
