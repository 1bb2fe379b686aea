"""Batch normalisation folded into the convolution before it: the same function, half the work."""

from collections import Counter
from dataclasses import replace

import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization, Convolution, Residual
from chainrule.blocks.block import Block, Parameters
from chainrule.chain.chain import Chain, layer_parameters
from chainrule.chain.wiring import as_pairs
from chainrule.errors import InputError


def fold_batch_normalization(chain: Chain, params: Parameters) -> tuple[Chain, dict[str, Tensor]]:
    """Give a chain without the normalisations that follow a convolution, and its parameters.

    In inference batch normalisation is y = s (conv(x) + b - mean) + beta, per output channel, with
    s = weight / sqrt(variance + epsilon). A convolution is linear in its filters, so this is one
    convolution with the filters s w and the biases s (b - mean) + beta.

    Computed in float64. Raises InputError if a normalisation is in training, where its moments
    are those of the batch and nothing can be folded.
    """
    layers: dict[str, tuple[str, Block, tuple[str, ...]]] = {}
    folded: dict[str, Tensor] = {}
    taken = Counter(source for step in chain.steps for source in step.inputs)
    names = {name: name for name in chain.inputs}  # of what a layer's output has become
    for step in chain.steps:
        name, block, own = step.name, step.block, layer_parameters(params, step.name)
        inputs = tuple(names[source] for source in step.inputs)
        _, before, _ = layers.get(inputs[0], ("", None, ()))
        alone = taken[step.inputs[0]] == 1  # nobody else takes what is not normalised
        if isinstance(block, BatchNormalization) and isinstance(before, Convolution) and alone:
            if block.training:
                raise InputError(f"layer {name!r} is in training; expected it in inference")
            conv = names[name] = inputs[0]
            weight, bias = _fold(block, own, folded[f"{conv}.weight"], folded.get(f"{conv}.bias"))
            layers[conv] = (conv, replace(before, bias=True), layers[conv][2])
            folded[f"{conv}.weight"], folded[f"{conv}.bias"] = weight, bias
            continue
        inner, own = _fold_inside(block, own)
        layers[name], names[name] = (name, inner, inputs), name
        folded.update({f"{name}.{key}": value for key, value in own.items()})
    return Chain(as_pairs(layers.values(), chain.inputs), chain.input_shape, chain.inputs), folded


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
