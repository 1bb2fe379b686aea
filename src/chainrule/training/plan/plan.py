"""A chain made ready to be trained: its steps, for each of the threads that share a batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from chainrule import blocks
from chainrule.blocks import BatchNormalization, Flatten, MaxPooling, ReLU, Residual
from chainrule.blocks.block import Block, Shape
from chainrule.chain import Chain
from chainrule.training.plan.maps import Map, Memory, Scratch
from chainrule.training.plan.normalization import Normalization
from chainrule.training.plan.products import Filters, Product, ways_of
from chainrule.training.plan.steps import AsItIs, Flat, Gate, Pooling, Step, Sum
from chainrule.training.plan.team import Team
from chainrule.training.plan.weights import Weights, is_product, leaves, packs

# beside those that have steps of their own: what they give for an image depends on it alone
_EACH_IMAGE_ALONE = (
    blocks.AveragePooling,
    blocks.BilinearSampler,
    blocks.Concatenation,
    blocks.Convolution,
    blocks.Dropout,
    blocks.Flatten,
    blocks.FullyConnected,
    blocks.GELU,
    blocks.GlobalAveragePooling,
    blocks.GroupNormalization,
    blocks.InstanceNormalization,
    blocks.Interleave,
    blocks.LayerNormalization,
    blocks.LeakyReLU,
    blocks.LocalResponseNormalization,
    blocks.MaxPooling,
    blocks.ReLU,
    blocks.ReLU6,
    blocks.SiLU,
    blocks.Sigmoid,
    blocks.Softmax,
    blocks.Softplus,
    blocks.Sum,
    blocks.Tanh,
    blocks.TransposedConvolution,
    blocks.Upsampling,
)


class Plan:
    """Forwards and backwards over a batch, in several threads."""

    def __init__(
        self, chain: Chain, weights: Weights, x_shape: Shape, dtype: torch.dtype, team: Team
    ) -> None:
        """x_shape: of a first batch; others may have another number of images, or size."""
        self._chain, self._weights, self._team = chain, weights, team
        self._boxes: list[list[Any]] = []
        self.lanes = [_Lane(self, i, x_shape, dtype) for i in range(team.size)]
        self._scores = torch.zeros(0)

    def forward(self, x: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """The chain's output in float32, in memory that the next batch uses again."""
        shape = self._chain.shape(tuple(x.shape))
        if tuple(self._scores.shape) != shape:
            self._scores = torch.zeros(shape)
        bounds = [len(x) * i // self._team.size for i in range(self._team.size + 1)]

        def job(i: int) -> None:
            own = slice(bounds[i], bounds[i + 1])
            part = {name: value[own] for name, value in drawn.items()}
            self.lanes[i].forward(x[own], part, self._scores[own])

        self._bounds = bounds
        self._team.run(job)
        return self._scores

    def backward(self, dy: Tensor) -> None:
        """Put the derivative of every parameter in its place, each thread's own part of it."""
        bounds = self._bounds
        self._team.run(lambda i: self.lanes[i].backward(dy[bounds[i] : bounds[i + 1]]))

    def box(self, number: int) -> list[Any]:
        """Where threads put what they exchange, at the exchange of this number."""
        while len(self._boxes) <= number:
            self._boxes.append([None] * self._team.size)
        return self._boxes[number]


class _Lane:
    """One thread's steps and memory."""

    def __init__(self, plan: Plan, index: int, x_shape: Shape, dtype: torch.dtype) -> None:
        self.index = index
        builder = _Builder(plan._chain, plan._weights, plan, index, dtype)
        self._steps = builder.steps(plan._chain, "", x_shape)
        self.as_they_are = builder.as_they_are
        learns = [i for i, step in enumerate(self._steps) if _learns(step)]
        self._first = learns[0] if learns else len(self._steps)
        self._x, self._dy = Memory(dtype), Memory(dtype)

    def forward(self, x: Tensor, drawn: dict[str, Tensor], scores: Tensor) -> None:
        found = _map_of(x, self._x)
        for step in self._steps:
            found = step.forward(found, drawn)
        scores.copy_(found.tensor.flatten(1) if scores.ndim == 2 else found.image)

    def backward(self, dy: Tensor) -> None:
        given: Map | None = _map_of(dy, self._dy)
        for i in range(len(self._steps) - 1, self._first - 1, -1):
            if given is None:
                break
            given = self._steps[i].backward(given, i == self._first)


def _map_of(x: Tensor, memory: Memory) -> Map:
    """(N, C, H, W) or (N, F) in any kind of number as a map."""
    return memory.copy(x[:, None, None] if x.ndim == 2 else x.permute(0, 2, 3, 1))


def _learns(step: Step) -> bool:
    return isinstance(step, Product | Filters | Normalization | Sum | AsItIs)


class _Builder:
    """Makes one thread's steps."""

    def __init__(
        self, chain: Chain, weights: Weights, plan: Plan, index: int, dtype: torch.dtype
    ) -> None:
        self._weights, self._plan, self._index = weights, plan, index
        self._exchanges = 0
        self._scratch = Scratch(dtype)
        self.as_they_are: list[AsItIs] = []

    def steps(self, block: Block, name: str, x_shape: Shape) -> list[Step]:
        """The steps of a block whose parameters' names begin with `name`."""
        layers = _in_a_row(block, name)
        steps: list[Step] = []
        shape = tuple(x_shape)
        while layers:
            own, inner = layers.pop(0)
            relu = _takes_relu(inner) and bool(layers) and type(layers[0][1]) is ReLU
            if relu:
                layers.pop(0)
            steps.append(self._step(own, inner, shape, relu))
            shape = inner.shape(shape)
        return steps

    def _step(self, name: str, block: Block, shape: Shape, relu: bool) -> Step:
        if is_product(block):
            return self._product(name, block, shape, relu)
        if type(block) is BatchNormalization:
            return self._normalization(name, block, relu)
        if type(block) is MaxPooling and not overlaps(block):
            return Pooling(block, self._scratch)
        if type(block) is ReLU:
            return Gate(self._scratch)
        if type(block) is Flatten:
            return Flat(self._scratch)
        if type(block) is Residual:
            return self._sum(name, block, shape, relu)
        step = AsItIs(name, block, self._weights.others, self._scratch, len(shape))
        self.as_they_are.append(step)
        return step

    def _sum(self, name: str, block: Residual, shape: Shape, relu: bool) -> Step:
        outside = self._scratch
        self._scratch = outside.inside
        inside = self.steps(block.body, name, shape)
        self._scratch = outside
        return Sum(inside, relu, outside)

    def _product(self, name: str, block: Any, shape: Shape, relu: bool) -> Step:
        weight = self._weights.known[f"{name}weight"].place
        store = self._weights.matrices
        scratch = self._scratch
        pair = weight.of(store.copy), weight.of(store.gradients[self._index])
        if packs(block):
            return Filters(block, *pair, relu, ways_of(block, shape, scratch.dtype), scratch)
        bias = None
        if block.bias:
            own = self._weights.known[f"{name}bias"].place
            bias = own.of(store.copy), own.of(store.gradients[self._index])
        return Product(*pair, bias, relu, scratch)

    def _normalization(self, name: str, block: BatchNormalization, relu: bool) -> Step:
        places = [self._weights.known[f"{name}{key}"] for key in ("weight", "bias")]
        store, others = self._weights.vectors, self._weights.others
        pair = [place.of(store.numbers) for place in places]
        gradients = [place.of(store.gradients[self._index]) for place in places]
        running = (others[f"{name}mean"], others[f"{name}variance"])
        keeps = running if self._index == 0 else None
        exchanges = self._exchange(), self._exchange()
        return Normalization(
            block, (pair[0], pair[1]), (gradients[0], gradients[1]), keeps, relu, self._scratch,
            exchanges,
        )  # fmt: skip

    def _exchange(self) -> Any:
        number, team, index = self._exchanges, self._plan._team, self._index
        self._exchanges += 1
        box = self._plan.box(number)

        def exchange(own: Any) -> Sequence[Any]:
            if team.size == 1:
                return [own]
            box[index] = own
            team.meet(index)
            return box

        return exchange


def overlaps(block: MaxPooling) -> bool:
    """Whether a pixel may lie in two windows: its derivative is then a sum, taken in float32."""
    window = block.window
    return any(e > s for e, s in zip(window.extent, window.stride, strict=True))


def _in_a_row(block: Block, name: str) -> list[tuple[str, Block]]:
    """The blocks of a chain, those of chains in it in their places."""
    if type(block) is not Chain:
        return [(name, block)]
    return [pair for own, inner in block.inside() for pair in _in_a_row(inner, f"{name}{own}.")]


def _takes_relu(block: Block) -> bool:
    """Whether the ReLU behind it runs together with it."""
    return is_product(block) or type(block) in (BatchNormalization, Residual)


def shares(chain: Chain) -> bool:
    """Whether threads may share a batch: images mix only where a plan knows how."""
    return all(
        type(block) is BatchNormalization or type(block) in _EACH_IMAGE_ALONE
        for _, block in leaves(chain)
    )
