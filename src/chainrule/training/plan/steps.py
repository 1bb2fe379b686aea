"""The steps of a plan: what a block does forwards and backwards, on maps with the channels last.

Each thread that shares a batch has steps of its own, for its own images. A step keeps what its
`backward` needs, and never changes what it is given.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import MaxPooling
from chainrule.blocks.block import Block, Derivatives, run_backward, run_forward
from chainrule.blocks.kernels.gates import bound_of, pass_between
from chainrule.blocks.kernels.pooling import maxima_in, to_maxima_alone
from chainrule.blocks.kernels.sums import add
from chainrule.blocks.kernels.taps import taps_of
from chainrule.training.plan.maps import Map, Memory, Scratch


class Step(Protocol):
    """One thread's part of a block, or of several that run together."""

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        """Give y. drawn: the random inputs of blocks, by flat name."""

    def backward(self, dy: Map, first: bool) -> Map | None:
        """Give dx, and put the parameters' derivatives in their places.

        first: nothing needs dx, and None may be given.
        """


class Pooling:
    """Max pooling of windows that do not overlap; keeps the place of each maximum in a byte."""

    def __init__(self, block: MaxPooling, scratch: Scratch) -> None:
        self._block, self._taps = block, taps_of(block.window)
        kh, kw = block.window.kernel
        self._scratch, self._y = scratch, Memory(scratch.dtype)
        self._place = Memory(torch.uint8 if kh * kw <= 256 else torch.int32)
        self._shape: tuple[int, int, int, int]

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        n, height, width, c = x.tensor.shape
        _, _, rows, columns = self._block.shape((n, c, height, width))
        y, place = (memory.map(n, rows, columns, c) for memory in (self._y, self._place))
        maxima_in(x.array, y.array, place.array, self._taps, 0, n)
        self._shape, self._places = (n, height, width, c), place
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        if first:
            return None
        dx = self._scratch.map(self._shape, dy)
        to_maxima_alone(dy.array, self._places.array, dx.array, self._taps)
        return dx


class Gate:
    """A ReLU by itself."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch, self._y = scratch, Memory(scratch.dtype)

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        y = self._y.map(*x.tensor.shape)
        torch.clamp_min(x.rows, 0, out=y.rows)
        self._out = y
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        return gated(dy, self._out, self._scratch)


class Flat:
    """(N, H, W, C) as (N, 1, 1, C H W), in the blocks' order: the channels first."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch, self._y = scratch, Memory(scratch.dtype)

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        n, h, w, c = self._shape = tuple(x.tensor.shape)
        if h == w == 1:
            return x
        y = self._y.map(n, 1, 1, c * h * w)
        y.tensor.view(n, c, h, w).copy_(x.image)
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        n, h, w, c = self._shape
        if h == w == 1:
            return dy
        dx = self._scratch.map((n, h, w, c), dy)
        dx.image.copy_(dy.tensor.view(n, c, h, w))
        return dx


class Sum:
    """A residual sum, with the ReLU behind it.

    y = max(low, x + f(x)), g = dy where y > low, dx = g + f'(x)' g; low is 0, or without a ReLU
    minus infinity.
    """

    def __init__(self, steps: Sequence[Step], relu: bool, scratch: Scratch) -> None:
        """steps: with the scratch inside this one."""
        self._steps, self._relu = steps, relu
        self._scratch, self._y = scratch, Memory(scratch.dtype)

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        found = x
        for step in self._steps:
            found = step.forward(found, drawn)
        y = self._out = self._y.map(*x.tensor.shape)
        add(x.flat, found.flat, y.flat, np.float32(0 if self._relu else -math.inf))
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        g = gated(dy, self._out, self._scratch) if self._relu else dy
        inner: Map | None = g
        for step in reversed(self._steps):
            if inner is None:
                raise AssertionError("a step within a sum gave no derivative")
            inner = step.backward(inner, False)
        if inner is None:
            raise AssertionError("a step within a sum gave no derivative")
        dx = self._scratch.map(dy.tensor.shape, g)
        add(g.flat, inner.flat, dx.flat, np.float32(-math.inf))
        return dx


class AsItIs:
    """A block by its own `forward` and `backward`."""

    def __init__(
        self, name: str, block: Block, parameters: dict[str, Tensor], scratch: Scratch, ndim: int
    ) -> None:
        """name: with a dot behind it. parameters: the run's, by flat names; ndim: of the input."""
        self._name, self._block, self._all = name, block, parameters
        self._scratch, self._ndim = scratch, ndim
        self._y = Memory(scratch.dtype)
        self.derivatives: Derivatives = {}

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        own = {
            k: v.to(self._scratch.dtype) for k, v in self._all.items() if k.startswith(self._name)
        }
        own |= {k: v for k, v in drawn.items() if k.startswith(self._name)}
        self._own = {k.removeprefix(self._name): v for k, v in own.items()}
        y, self._saved = run_forward(self._block, self._as_block(x, self._ndim), self._own)
        self._y_ndim = y.ndim
        return self._y.copy(_channels_last(y))

    def backward(self, dy: Map, first: bool) -> Map | None:
        given = self._as_block(dy, self._y_ndim)
        dx, found = run_backward(self._block, given, self._own, self._saved)
        self.derivatives = {f"{self._name}{key}": value for key, value in found.items()}
        if first:
            return None
        last = _channels_last(dx)
        result = self._scratch.map(last.shape, dy)
        result.tensor.copy_(last)
        return result

    def new_moments(self) -> dict[str, Tensor]:
        """What the block does not learn, after a forward pass."""
        own = {k: v for k, v in self._all.items() if k.startswith(self._name)}
        wide = {name.removeprefix(self._name): value for name, value in own.items()}
        moved = self._block.moments(wide, self._saved)
        return {f"{self._name}{key}": value for key, value in moved.items()}

    def _as_block(self, x: Map, ndim: int) -> Tensor:
        return x.tensor.flatten(1) if ndim == 2 else x.image


def _channels_last(y: Tensor) -> Tensor:
    return y[:, None, None] if y.ndim == 2 else y.permute(0, 2, 3, 1)


def gated(dy: Map, y: Map, scratch: Scratch) -> Map:
    """dy where y > 0, else 0."""
    dz = scratch.map(dy.tensor.shape, dy)
    signed = np.int16 if y.flat.dtype == np.uint16 else np.int32
    arrays = [m.flat.view(signed) for m in (dy, y, dz)]
    pass_between(*arrays, bound_of(math.inf, y.tensor.dtype), 0, y.flat.size)
    return dz
