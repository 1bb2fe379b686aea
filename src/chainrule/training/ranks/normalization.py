"""Batch normalisation over the rows of several processes."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization, Residual
from chainrule.blocks.block import Block, Derivatives, Parameters
from chainrule.chain import Chain
from chainrule.errors import InputError
from chainrule.training.ranks.ranks import Ranks


@dataclass(frozen=True)
class SharedNormalization(BatchNormalization):
    """Batch normalisation in training, whose mean and variance are of all processes' rows.

    The derivation is that of `BatchNormalization`. The sums over the M entries of a channel are
    over all processes: of x for mu, of (x - mu)^2 for v, and of dy and dy x_hat for dx:

        dx = w r (dy - x_hat (sum dy x_hat) / M - (sum dy) / M)

    dw and db stay those of this process' rows; they are added up with all others.
    """

    ranks: Ranks = field(default_factory=lambda: Ranks(0, 1))

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Any]:
        self.shape(tuple(x.shape))
        kind, x = x.dtype, _wide(x)
        count = torch.full((self.channels,), x.numel() / self.channels).to(x)
        total, entries = self.ranks.summed(x.sum(_others(x)), count)
        mean = total / entries
        away = x - _along(mean, x)
        (squares,) = self.ranks.summed((away * away).sum(_others(x)))
        variance = squares / entries
        r = (variance + self.epsilon).rsqrt()
        x_hat = away * _along(r, x)
        y = x_hat * _along(params["weight"], x) + _along(params["bias"], x)
        return y.to(kind), (x_hat, r, mean, variance, entries)

    def backward(self, dy: Tensor, params: Parameters, saved: Any) -> tuple[Tensor, Derivatives]:
        x_hat, r, _, _, entries = saved
        kind, dy = dy.dtype, _wide(dy)
        db, dw = dy.sum(_others(dy)), (dy * x_hat).sum(_others(dy))
        all_db, all_dw = self.ranks.summed(db, dw)
        inner = dy - x_hat * _along(all_dw / entries, dy) - _along(all_db / entries, dy)
        dx = inner * _along(params["weight"] * r, dy)
        return dx.to(kind), {"weight": dw.to(kind), "bias": db.to(kind)}

    def moments(self, params: Parameters, saved: Any) -> dict[str, Tensor]:
        """The running moments after the step, as `BatchNormalization` has them."""
        _, _, mean, variance, entries = saved
        new = {"mean": mean, "variance": variance * entries / (entries - 1)}
        return {
            name: torch.lerp(params[name], value.to(params[name].dtype), self.momentum)
            for name, value in new.items()
        }


def shared_normalization(chain: Chain, ranks: Ranks) -> Chain:
    """The chain, each batch normalisation in it shared. Raises InputError where that cannot be."""
    layers = [(name, _shared(block, ranks), *taken) for name, block, *taken in chain.layers]
    return replace(chain, layers=layers)


def _shared(block: Block, ranks: Ranks) -> Block:
    if type(block) is Chain:
        return shared_normalization(block, ranks)
    if type(block) is Residual:
        return replace(block, body=_shared(block.body, ranks))
    if type(block) is BatchNormalization:
        own = {f.name: getattr(block, f.name) for f in fields(block)}
        return SharedNormalization(**own, ranks=ranks)
    if any(isinstance(inner, BatchNormalization) for _, inner in block.inside()):
        raise InputError(
            f"{type(block).__name__} holds a batch normalisation, which several processes cannot "
            "share; expected it in a chain or a residual sum"
        )
    return block


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype.itemsize < 4 else x


def _others(x: Tensor) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _along(values: Tensor, x: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (x.ndim - 2))
