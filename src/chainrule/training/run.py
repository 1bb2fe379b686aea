"""A training under way: one epoch after the other, each when it is asked for."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain as together
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.chain import Chain
from chainrule.errors import DivergedError, InputError
from chainrule.io.progress import Progress
from chainrule.training.evaluation import Metric, Sums, evaluate
from chainrule.training.inputs import Inputs, as_inputs, check_lengths, tensors_of
from chainrule.training.learner import Learner, PlainLearner, check_last_batch
from chainrule.training.plan.learner import PlannedLearner, can_plan
from chainrule.training.ranks.learner import SharedLearner
from chainrule.training.ranks.ranks import Ranks
from chainrule.training.schedules import schedule
from chainrule.training.settings import Settings
from chainrule.training.sources import Source, epoch_of
from chainrule.training.state import State


@dataclass
class Run:
    """What a training needs for its next epoch; `state` is what moves in it."""

    chain: Chain
    loss: Loss
    data: Source
    validation: Source | None
    settings: Settings
    state: State
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    progress: Progress | None = None
    ranks: Ranks | None = None
    _learner: Learner | None = None

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or the patience is."""
        history, patience = self.state.history, self.settings.patience
        out = patience is not None and len(history) - 1 - best_epoch(history) >= patience
        return out or len(history) >= self.settings.epochs

    def epoch(self) -> dict[str, Any]:
        """Train one epoch more and judge it: a new line of the history.

        Raises DivergedError when the loss is no longer finite, InputError if the data are not.
        """
        epoch, settings = len(self.state.history), self.settings
        started = time.perf_counter()
        sums, rate, steps = self._passes(epoch)
        seconds = time.perf_counter() - started
        line = {
            "epoch": epoch + 1,
            "seconds": seconds,
            "images_per_second": sums.count / seconds,
            "learning_rate": rate,
            **sums.means("train"),
        }
        if self.validation is not None:
            judged = evaluate(
                self.chain, self.state.parameters, self.loss, self.validation, metrics=self.metrics
            )
            _check_finite(judged["energy"], None, steps - 1, epoch, rate)
            line |= {f"{name}_validation": value for name, value in judged.items()}
        self.state.history.append(line)
        if settings.patience is not None and best_epoch(self.state.history) == epoch:
            self.state.best = {k: v.clone() for k, v in self.state.parameters.items()}
        return line

    def _passes(self, epoch: int) -> tuple[Sums, float, int]:
        """All steps of an epoch: the sums over its examples, the last rate, the steps so far."""
        settings, sums = self.settings, Sums()
        steps, examples = epoch_of(self.data, settings.batch_size, settings.drop_last)
        rates, rate, step = schedule(settings.schedule), settings.learning_rate, epoch * steps
        batches = (
            (as_inputs("x", x, self.chain.inputs), target)
            for x, target in self.data.batches(settings.batch_size, self.state.generator)
        )
        first = next(batches)
        if self._learner is None:
            size = check_lengths("x", first[0])
            left = 0 if settings.drop_last else examples - (steps - 1) * size
            self._learner = self._started(first[0], left)
        with self._learner:
            for x, target in together((first,), batches):
                if step == (epoch + 1) * steps:
                    break  # drop_last: what is left over
                rate = settings.learning_rate * rates(step / (steps * settings.epochs))
                y, energy = self._learner.gradients(x, target)
                _check_finite(energy, x, step, epoch, rate)
                self._learner.step(rate)
                sums.add(check_lengths("x", x), energy, y, _at(target, y), self.metrics)
                step += 1
                if self.progress is not None:
                    self.progress(epoch * examples + sums.count, settings.epochs * examples)
        return sums, rate, step

    def _started(self, x: Inputs, left: int) -> Learner:
        """What goes through the batches, chosen by the first, x; the last has `left` examples."""
        check_last_batch(self.chain, self.state, self.settings, x, left)
        if self.ranks is not None:
            return SharedLearner(self.chain, self.loss, self.state, self.settings, self.ranks)
        if isinstance(x, Tensor) and can_plan(self.chain, self.state, self.settings, x):
            shape = tuple(x.shape)
            return PlannedLearner(self.chain, self.loss, self.state, self.settings, shape)
        return PlainLearner(self.chain, self.loss, self.state, self.settings)


def best_epoch(history: list[dict[str, Any]]) -> int:
    """The place of the first line with the lowest validation loss; -1 if there is none."""
    losses = [line["energy_validation"] for line in history]
    return losses.index(min(losses)) if losses else -1


def _at(target: Any, like: Tensor) -> Any:
    return target.to(like.device) if isinstance(target, Tensor) else target


def _check_finite(energy: float, x: Inputs | None, step: int, epoch: int, rate: float) -> None:
    if math.isfinite(energy):
        return
    if x is not None and not all(bool(torch.isfinite(part).all()) for part in tensors_of(x)):
        raise InputError(
            f"the batch of step {step + 1} (epoch {epoch + 1}) holds numbers that are not finite; "
            "expected finite ones"
        )
    raise DivergedError(
        f"the loss is {energy} at step {step + 1} (epoch {epoch + 1}) with learning rate "
        f"{rate:g}; expected a finite loss: choose a smaller rate"
    )
