"""Batch normalisation as a step of a plan."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization
from chainrule.blocks.kernels import normalization as norm
from chainrule.blocks.kernels.numbers import bits
from chainrule.training.plan.maps import Map, Memory, Scratch

Exchange = Callable[[Any], Sequence[Any]]
"""Gives what every thread has put in, in their order."""


class Normalization:
    """Batch normalisation, with the ReLU behind it: see `chainrule.blocks.kernels.normalization`.

    Each thread has the mean and the squares of its own entries. Of all: with n_i entries of mean
    mu_i and squares S_i around it, mu = sum n_i mu_i / n, and the squares around mu are the sum of
    S_i + n_i (mu_i - mu)^2 (Chan, Golub and LeVeque, 1983).
    """

    def __init__(
        self,
        block: BatchNormalization,
        vectors: tuple[Tensor, Tensor],
        gradients: tuple[Tensor, Tensor],
        running: tuple[Tensor, Tensor] | None,
        relu: bool,
        scratch: Scratch,
        exchanges: tuple[Exchange, Exchange],
    ) -> None:
        """vectors: weight and bias; running: mean and variance, if this thread keeps them."""
        self._block, self._running, self._exchanges = block, running, exchanges
        self._weight, self._bias = (bits(vector) for vector in vectors)
        self._gradients = tuple(bits(gradient) for gradient in gradients)
        self._low = 0.0 if relu else -math.inf
        self._scratch, self._y = scratch, Memory(scratch.dtype)

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        block = self._block
        own = (len(x.rows), *norm.moments(x.flat, block.channels))
        counts, means, squares = zip(*self._exchanges[0](own), strict=True)
        self._count = sum(counts)
        mean = sum(n * mu for n, mu in zip(counts, means, strict=True)) / self._count
        around = sum(n * (mu - mean) ** 2 for n, mu in zip(counts, means, strict=True))
        variance = (sum(squares) + around) / self._count
        self._r = 1 / np.sqrt(variance + block.epsilon)
        self._a = self._weight * self._r
        self._b = self._bias - mean * self._a
        self._mean, self._x = mean, x
        y = self._y.map(*x.tensor.shape)
        ab = norm.repeated(self._a), norm.repeated(self._b)
        norm.scale(x.flat, y.flat, *ab, np.float32(self._low))
        if self._running is not None:
            unbiased = variance * (self._count / (self._count - 1))
            for kept, new in zip(self._running, (mean, unbiased), strict=True):
                kept.lerp_(torch.from_numpy(new).to(kept.dtype), block.momentum)
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        x, a, b, r, M = self._x, self._a, self._b, self._r, self._count
        own = norm.derivative_sums(dy.flat, x.flat, a, b, self._low, r, self._mean)
        sums = self._exchanges[1](own)
        self._gradients[1][:], self._gradients[0][:] = own
        db, dw = (sum(parts) for parts in zip(*sums, strict=True))
        if first:
            return None
        dx = self._scratch.map(x.tensor.shape, dy)
        c = -a * r * dw / M
        d = -a * db / M - c * self._mean
        numbers = [norm.repeated(v) for v in (a, b, c, d)]
        norm.scale_back(dy.flat, x.flat, dx.flat, *numbers[:2], np.float32(self._low), *numbers[2:])
        return dx
