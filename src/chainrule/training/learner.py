"""What goes forwards and backwards over a batch, and takes the step."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from chainrule.blocks import Loss
from chainrule.chain import Chain
from chainrule.errors import ShapeError
from chainrule.training.gradients import clipped, rate_factors
from chainrule.training.inputs import Inputs, check_lengths, each, shapes_of, tensors_of
from chainrule.training.settings import Settings
from chainrule.training.state import State


class Learner(Protocol):
    """Moves a state, batch by batch, within a `with` block."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...

    def gradients(self, x: Any, target: Any) -> tuple[Tensor, float]:
        """Go forwards and backwards: the output, and its loss. The state's moments move."""

    def step(self, rate: float) -> None:
        """Take the step by the gradients of the last batch."""


class PlainLearner:
    """Every block as it is, on any device, in any precision: the definition of a step."""

    def __init__(self, chain: Chain, loss: Loss, state: State, settings: Settings) -> None:
        self._chain, self._loss, self._state = chain.in_training(), loss, state
        self._dtype = getattr(torch, settings.precision)
        self._clip_norm, self._optimizer = settings.clip_norm, settings.make_optimizer()
        self._factors = rate_factors(settings.layer_rates, state.parameters)
        self._gradients: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        """Nothing is to be made ready."""

    def __exit__(self, *error: object) -> None:
        """Nothing is to be put back."""

    def gradients(self, x: Inputs, target: Any) -> tuple[Tensor, float]:
        """Go forwards and backwards: the output, and its loss."""
        chain, state, dtype = self._chain, self._state, self._dtype
        parameters = {name: value.to(dtype) for name, value in state.parameters.items()}
        x = placed(x, parameters, dtype)
        chain.shape(shapes_of(x))
        drawn = chain.draw(shapes_of(x), state.generator)
        device = tensors_of(x)[0].device
        parameters |= {name: value.to(device) for name, value in drawn.items()}
        y, saved = chain.forward(x, parameters)
        y = y.to(torch.float32) if dtype == torch.bfloat16 else y
        target = target.to(y.device) if isinstance(target, Tensor) else target
        energy, saved_loss = self._loss.forward(y, target)
        dy = self._loss.backward(torch.ones_like(energy), target, saved_loss)
        self._gradients = chain.parameter_derivatives(dy.to(dtype), parameters, saved)
        state.parameters.update(chain.moments(state.parameters, saved))
        return y, float(energy)

    def step(self, rate: float) -> None:
        """Take the step by the gradients of the last batch."""
        gradients = clipped(self._gradients, self._clip_norm)
        state = self._state
        self._optimizer.step(state.parameters, state.moments, gradients, rate, self._factors)


def placed(x: Inputs, parameters: Mapping[str, Tensor], dtype: torch.dtype) -> Inputs:
    """x in that kind of number, where the parameters are."""
    devices = [value.device for value in parameters.values()]
    return each(x, lambda part: part.to(devices[0] if devices else part.device, dtype))


def check_last_batch(chain: Chain, state: State, settings: Settings, x: Inputs, left: int) -> None:
    """Raise ShapeError, before the first step, if the chain cannot train on the last batch.

    x is the first batch, and the last has `left` examples, if fewer. (Batch normalisation needs
    two entries a channel.)
    """
    chain = chain.in_training()
    chain.shape(shapes_of(x))
    if not 0 < left < check_lengths("x", x):
        return
    dtype = getattr(torch, settings.precision)
    parameters = {name: value.to(dtype) for name, value in state.parameters.items()}
    few = placed(each(x, lambda part: part[:left]), parameters, dtype)
    try:
        chain.forward(few, parameters, torch.Generator().manual_seed(0))
    except ShapeError as error:
        raise ShapeError(
            f"the last batch of an epoch has {left} of the examples ({settings.batch_size} a "
            f"batch), on which the chain cannot be trained: {error}; expected another batch_size, "
            "or drop_last=True"
        ) from error
