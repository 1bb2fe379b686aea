"""A learner that goes through batches by a plan."""

import math
import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import Loss, Residual
from chainrule.blocks.block import Block, Shape
from chainrule.chain import Chain
from chainrule.training.gradients import clipped, rate_factors
from chainrule.training.plan.compiled import add_up
from chainrule.training.plan.plan import Plan, shares
from chainrule.training.plan.team import Team
from chainrule.training.plan.weights import Weights, is_product, is_straight
from chainrule.training.settings import Settings
from chainrule.training.state import State

_IMAGES, _THREADS = 8, 8  # at least so many images for a thread, and at most so many threads
_WORTH = 1 << 22  # multiply-adds of a batch, below which compiled kernels do not pay


class PlannedLearner:
    """Moves a state by a plan: the same steps as `PlainLearner`, up to rounding.

    The state's parameters and moments become views of the plan's memory.
    """

    def __init__(
        self, chain: Chain, loss: Loss, state: State, settings: Settings, x_shape: Shape
    ) -> None:
        self._chain, self._loss, self._state = chain.in_training(), loss, state
        self._clip_norm, self._optimizer = settings.clip_norm, settings.make_optimizer()
        self._factors = rate_factors(settings.layer_rates, state.parameters)
        dtype = getattr(torch, settings.precision)
        self._torchs = torch.get_num_threads()
        size = min(self._torchs, x_shape[0] // _IMAGES, _THREADS) if shares(self._chain) else 1
        self._team = Team(max(1, size))
        weakref.finalize(self, self._team.close)
        weights = Weights(self._chain, state.parameters, dtype, self._team.size)
        self._weights, self._plan = weights, Plan(self._chain, weights, x_shape, dtype, self._team)
        self._pieces = {
            "matrices": weights.matrices.numbers, "vectors": weights.vectors.numbers
        }  # fmt: skip
        self._totals = {name: torch.zeros_like(piece) for name, piece in self._pieces.items()}
        self._moments = self._optimizer.start(self._pieces | weights.others)
        state.parameters = weights.views(**self._pieces) | weights.others
        before, state.moments = state.moments, self._named(self._moments)
        for name, value in state.moments.items():
            value.copy_(before[name])

    def __enter__(self) -> None:
        """The plan's own threads do the work: PyTorch's would wait for more on the same cores."""
        self._torchs = torch.get_num_threads()
        if self._team.size > 1:
            torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        torch.set_num_threads(self._torchs)

    def gradients(self, x: Tensor, target: Any) -> tuple[Tensor, float]:
        """Go forwards and backwards: the output, in memory that is used again, and its loss."""
        chain, state = self._chain, self._state
        drawn = chain.draw(tuple(x.shape), state.generator)
        y = self._plan.forward(x, drawn)
        energy, saved = self._loss.forward(y, target)
        self._plan.backward(self._loss.backward(torch.ones_like(energy), target, saved))
        for lane in self._plan.lanes[:1]:
            for block in lane.as_they_are:
                for name, value in block.new_moments().items():
                    self._weights.others[name].copy_(value)
        return y, float(energy)

    def step(self, rate: float) -> None:
        """Take the step by the gradients of the last batch."""
        weights, state = self._weights, self._state
        gradients = clipped(self._added_up(), self._clip_norm)
        if self._factors:
            named = self._named(gradients)
            self._optimizer.step(state.parameters, state.moments, named, rate, self._factors)
        else:
            parameters = self._pieces | weights.others
            self._optimizer.step(parameters, self._moments, gradients, rate)
        weights.matrices.refresh()

    def named_gradients(self) -> dict[str, Tensor]:
        """The last batch's gradient of each parameter, by its name."""
        return self._named(self._added_up())

    def _added_up(self) -> dict[str, Tensor]:
        """All threads' gradients together: of the pieces, and of what runs as it is."""
        weights = self._weights
        for name, store in (("matrices", weights.matrices), ("vectors", weights.vectors)):
            add_up(store.gradients, self._totals[name])
        return self._totals | self._others()

    def _others(self) -> dict[str, Tensor]:
        """The derivatives of blocks that run as they are, all threads' together."""
        found: dict[str, Tensor] = {}
        for lane in self._plan.lanes:
            for block in lane.as_they_are:
                for name, value in block.derivatives.items():
                    found[name] = found[name] + value.float() if name in found else value.float()
        return found

    def _named(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """What belongs to the pieces, by parameters: "mean.matrices" to "mean.conv1.weight", ..."""
        found: dict[str, Tensor] = {}
        for name, value in tensors.items():
            kind, _, piece = name.rpartition(".")
            if piece not in self._pieces:
                found[name] = value
                continue
            store = getattr(self._weights, piece)
            for key, parameter in self._weights.known.items():
                if parameter.place.store is store:
                    found[f"{kind}.{key}" if kind else key] = parameter.of(value)
        return found


def can_plan(chain: Chain, state: State, settings: Settings, x: Tensor) -> bool:
    """Whether a plan suits: on a processor, in float32 or bfloat16, and enough to do."""
    here = x.device.type == "cpu" and x.ndim in (2, 4)
    wide = all(
        value.dtype == torch.float32 and value.device.type == "cpu"
        for value in state.parameters.values()
    )
    if not here or not wide or settings.precision == "float64" or not is_straight(chain):
        return False
    work = 0
    for block, shape in _with_outputs(chain, tuple(x.shape)):
        if len(shape) not in (2, 4):
            return False
        if is_product(block):
            work += math.prod(shape) * math.prod(block.parameter_shapes()["weight"][1:])
    return work >= _WORTH


def _with_outputs(block: Block, shape: Shape) -> Iterator[tuple[Block, Shape]]:
    """Each block that a plan gives a step, with the shape of its output."""
    if type(block) is Chain:
        for _, inner in block.inside():
            yield from _with_outputs(inner, shape)
            shape = inner.shape(shape)
        return
    if type(block) is Residual:
        yield from _with_outputs(block.body, shape)
    yield block, block.shape(shape)
