"""Batch normalisation folded into the convolution before it: the same function, half the work."""

from dataclasses import replace

import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization, Convolution, Residual
from chainrule.blocks.block import Block, Parameters
from chainrule.chain.chain import Chain, layer_parameters
from chainrule.errors import InputError


def fold_batch_normalization(chain: Chain, params: Parameters) -> tuple[Chain, dict[str, Tensor]]:
    """Give a chain without the normalisations that follow a convolution, and its parameters.

    In inference batch normalisation is y = s (conv(x) + b - mean) + beta, per output channel, with
    s = weight / sqrt(variance + epsilon). A convolution is linear in its filters, so this is one
    convolution with the filters s w and the biases s (b - mean) + beta.

    Computed in float64. Raises InputError if a normalisation is in training, where its moments
    are those of the batch and nothing can be folded.
    """
    layers: list[tuple[str, Block]] = []
    folded: dict[str, Tensor] = {}
    before: Block | None = None
    for name, block in chain.layers:
        own = layer_parameters(params, name)
        if isinstance(block, BatchNormalization) and isinstance(before, Convolution):
            if block.training:
                raise InputError(f"layer {name!r} is in training; expected it in inference")
            conv = layers[-1][0]
            weight, bias = _fold(block, own, folded[f"{conv}.weight"], folded.get(f"{conv}.bias"))
            layers[-1] = (conv, replace(before, bias=True))
            before = None
            folded[f"{conv}.weight"], folded[f"{conv}.bias"] = weight, bias
            continue
        before = block
        inner, own = _fold_inside(block, own)
        layers.append((name, inner))
        folded.update({f"{name}.{key}": value for key, value in own.items()})
    return Chain(layers, chain.input_shape), folded


def _fold_inside(block: Block, params: dict[str, Tensor]) -> tuple[Block, dict[str, Tensor]]:
    """A chain, or the chain of a residual sum, folded; any other block as it is."""
    if isinstance(block, Chain):
        return fold_batch_normalization(block, params)
    if isinstance(block, Residual) and isinstance(block.body, Chain):
        body, params = fold_batch_normalization(block.body, params)
        return Residual(body), params
    return block, params


def _fold(
    block: BatchNormalization, params: Parameters, w: Tensor, b: Tensor | None
) -> tuple[Tensor, Tensor]:
    weight, beta, mean, variance = (
        params[key].double() for key in ("weight", "bias", "mean", "variance")
    )
    s = weight * torch.rsqrt(variance + block.epsilon)
    bias = b.double() if b is not None else torch.zeros_like(mean)
    return (
        (w.double() * s[:, None, None, None]).to(w.dtype),
        (s * (bias - mean) + beta).to(w.dtype),
    )
