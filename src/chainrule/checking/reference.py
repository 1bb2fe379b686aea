"""The same functions once more, by other operations, so that torch.autograd differentiates them.

Nothing here calls a block: settings in, the library's own operations out. Where a block uses one of
the library's functions, here stands another formula, so that no kernel is held against itself.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule import blocks
from chainrule.blocks import Window
from chainrule.chain import Chain

Parameters = Mapping[str, Tensor]


@singledispatch
def reference(block: Any, x: Any, params: Parameters, target: Any) -> Tensor:
    """The block's output, or the loss's, from differentiable library calls."""
    raise NotImplementedError(type(block).__name__)


@reference.register
def _(block: blocks.Convolution, x: Tensor, params: Parameters, target: None) -> Tensor:
    """Patches times weights, group by group."""
    window = block.window
    x = _padded(x, window.padding, 0.0)
    size = [
        (length - (k - 1) * d - 1) // s + 1
        for length, k, d, s in zip(
            x.shape[2:], window.kernel, window.dilation, window.stride, strict=True
        )
    ]
    outputs = []
    for part, weight in zip(
        x.chunk(block.groups, 1), params["weight"].chunk(block.groups), strict=True
    ):
        patches = F.unfold(part, window.kernel, window.dilation, 0, window.stride)
        outputs.append(weight.flatten(1) @ patches)
    y = torch.cat(outputs, 1).view(len(x), block.out_channels, *size)
    return y + params["bias"].view(1, -1, 1, 1) if block.bias else y


@reference.register
def _(block: blocks.MaxPooling, x: Tensor, params: Parameters, target: None) -> Tensor:
    return _windows(block.window, x, -math.inf).amax(-1)


@reference.register
def _(block: blocks.AveragePooling, x: Tensor, params: Parameters, target: None) -> Tensor:
    """What is not counted is NaN, which nanmean leaves out."""
    _, _, rows, columns = block.shape(tuple(x.shape))
    window = block.window
    if block.count_padding:
        x = _padded(x, window.padding, 0.0)
        window = replace(window, padding=(0, 0, 0, 0))
    # a last window that begins in the padding at the end is none
    return _windows(window, x, math.nan)[:, :, :rows, :columns].nanmean(-1)


@reference.register
def _(block: blocks.GlobalAveragePooling, x: Tensor, params: Parameters, target: None) -> Tensor:
    return F.adaptive_avg_pool2d(x, 1)


@reference.register
def _(block: blocks.ReLU, x: Tensor, params: Parameters, target: None) -> Tensor:
    return (x + x.abs()) / 2


@reference.register
def _(block: blocks.ReLU6, x: Tensor, params: Parameters, target: None) -> Tensor:
    return 3 + (x.abs() - (x - 6).abs()) / 2


@reference.register
def _(block: blocks.LeakyReLU, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.where(x > 0, x, block.slope * x)


@reference.register
def _(block: blocks.Sigmoid, x: Tensor, params: Parameters, target: None) -> Tensor:
    return 1 / (1 + torch.exp(-x))


@reference.register
def _(block: blocks.Tanh, x: Tensor, params: Parameters, target: None) -> Tensor:
    return 1 - 2 / (1 + torch.exp(2 * x))


@reference.register
def _(
    block: blocks.LocalResponseNormalization, x: Tensor, params: Parameters, target: None
) -> Tensor:
    """The library divides alpha by the group's size, and puts an even group's odd one in front."""
    y = F.local_response_norm(
        x.flip(1), block.rho, block.alpha * block.rho, block.beta, block.kappa
    )
    return y.flip(1)


@reference.register
def _(block: blocks.BatchNormalization, x: Tensor, params: Parameters, target: None) -> Tensor:
    return F.batch_norm(
        x,
        None if block.training else params["mean"],
        None if block.training else params["variance"],
        params["weight"],
        params["bias"],
        block.training,
        eps=block.epsilon,
    )


@reference.register
def _(block: blocks.Dropout, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.where(params["mask"], x / (1 - block.rate), 0.0) if block.training else x


@reference.register
def _(block: blocks.FullyConnected, x: Tensor, params: Parameters, target: None) -> Tensor:
    y = torch.einsum("nf,of->no", x, params["weight"])
    return y + params["bias"] if block.bias else y


@reference.register
def _(block: blocks.Flatten, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.flatten(x, 1)


@reference.register
def _(block: blocks.Interleave, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.stack(x.chunk(block.parts, 1), 4).flatten(3)


@reference.register
def _(block: blocks.Softmax, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.exp(x - x.logsumexp(1, keepdim=True))


@reference.register
def _(block: blocks.Residual, x: Tensor, params: Parameters, target: None) -> Tensor:
    return x + reference(block.body, x, params, None)


@reference.register
def _(block: Chain, x: Any, params: Parameters, target: None) -> Tensor:
    inputs = x if block.several_inputs else (x,)
    values: dict[str, Any] = dict(zip(block.inputs, inputs, strict=True))
    for step in block.steps:
        own = {key.partition(".")[2]: value for key, value in params.items()
               if key.partition(".")[0] == step.name}  # fmt: skip
        values[step.name] = reference(step.block, step.take(values), own, None)
    return cast(Tensor, values[step.name])


@reference.register
def _(block: blocks.SoftmaxLogLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    own = x.gather(1, target.unsqueeze(1)).squeeze(1)
    return (x.logsumexp(1) - own).mean()


@reference.register
def _(block: blocks.LogLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    return F.nll_loss(x.log(), target)


@reference.register
def _(block: blocks.LogisticLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    return F.soft_margin_loss(x, target)


@reference.register
def _(block: blocks.HingeLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    return F.relu(block.margin - target * x).mean()


@reference.register
def _(block: blocks.CTCLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    log_p = F.log_softmax(x[:, :, 0], 1).permute(2, 0, 1)
    frames = torch.full((len(x),), x.shape[3])
    lengths = (target >= 0).sum(1)
    return F.ctc_loss(log_p, target.clamp(min=0), frames, lengths, reduction="none").mean()


def _padded(x: Tensor, padding: tuple[int, int, int, int], value: float) -> Tensor:
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def _windows(window: Window, x: Tensor, value: float) -> Tensor:
    """What each window sees, with `value` beyond the image: (N, C, H', W', kh kw)."""
    x = window.pad(x, value)
    for axis, (extent, stride) in enumerate(zip(window.extent, window.stride, strict=True)):
        x = x.unfold(2 + axis, extent, stride)
    (dh, dw) = window.dilation
    return x[..., ::dh, ::dw].flatten(4)
