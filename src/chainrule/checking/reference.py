"""The same functions once more, by other operations, so that torch.autograd differentiates them.

Nothing here calls a block: settings in, the library's own operations out. Where a block uses one of
the library's functions, here stands another formula, so that no kernel is held against itself.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any, cast

import numpy as np
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
    top, bottom, left, right = block.window.padding
    if block.padding_mode == "reflect":
        rows = np.pad(np.arange(x.shape[2]), (top, bottom), mode="reflect")
        columns = np.pad(np.arange(x.shape[3]), (left, right), mode="reflect")
        x = x[:, :, rows][:, :, :, columns]
    else:
        x = _padded(x, block.window.padding, 0.0)
    y = _correlation(x, params["weight"], block.window, block.groups)
    return y + params["bias"].view(1, -1, 1, 1) if block.bias else y


@reference.register
def _(block: blocks.TransposedConvolution, x: Tensor, params: Parameters, target: None) -> Tensor:
    """Zeros between the pixels, zeros around, and a convolution by the flipped filters."""
    (sh, sw), (eh, ew) = block.window.stride, block.window.extent
    top, _, left, _ = block.window.padding
    _, _, rows, columns = block.shape(tuple(x.shape))
    n, c, height, width = x.shape
    apart = F.pad(x[:, :, :, None, :, None], (0, sw - 1, 0, 0, 0, sh - 1))
    apart = apart.reshape(n, c, height * sh, width * sw)
    around = (eh - 1, eh + rows, ew - 1, ew + columns)
    inputs, outputs, *kernel = params["weight"].shape
    w = params["weight"].view(block.groups, inputs // block.groups, outputs, *kernel)
    w = w.transpose(1, 2).flatten(0, 1).flip(2, 3)
    window = Window(block.window.kernel, dilation=block.window.dilation)
    y = _correlation(_padded(apart, around, 0.0), w, window, block.groups)
    y = y[:, :, top : top + rows, left : left + columns]
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
def _(block: blocks.GELU, x: Tensor, params: Parameters, target: None) -> Tensor:
    if block.tanh:
        return F.gelu(x, approximate="tanh")
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


@reference.register
def _(block: blocks.SiLU, x: Tensor, params: Parameters, target: None) -> Tensor:
    return x / (1 + torch.exp(-x))


@reference.register
def _(block: blocks.Softplus, x: Tensor, params: Parameters, target: None) -> Tensor:
    return torch.log(1 + torch.exp(block.beta * x)) / block.beta


@reference.register
def _(block: blocks.LayerNormalization, x: Tensor, params: Parameters, target: None) -> Tensor:
    last = x.movedim(1, -1)
    y = F.layer_norm(last, last.shape[-1:], params["weight"], params["bias"], block.epsilon)
    return y.movedim(-1, 1)


@reference.register
def _(block: blocks.GroupNormalization, x: Tensor, params: Parameters, target: None) -> Tensor:
    return F.group_norm(x, block.groups, params["weight"], params["bias"], block.epsilon)


@reference.register
def _(block: blocks.InstanceNormalization, x: Tensor, params: Parameters, target: None) -> Tensor:
    return F.instance_norm(x, weight=params["weight"], bias=params["bias"], eps=block.epsilon)


@reference.register
def _(block: blocks.Upsampling, x: Tensor, params: Parameters, target: None) -> Tensor:
    scale = [float(s) for s in block.scales]
    return F.interpolate(
        x, scale_factor=scale, mode=block.mode,
        align_corners=False if block.mode == "bilinear" else None,
    )  # fmt: skip


@reference.register
def _(block: blocks.Sum, x: tuple[Tensor, ...], params: Parameters, target: None) -> Tensor:
    return torch.stack(x).sum(0)


@reference.register
def _(
    block: blocks.Concatenation, x: tuple[Tensor, ...], params: Parameters, target: None
) -> Tensor:
    return torch.stack([channel for part in x for channel in part.unbind(1)], 1)


@reference.register
def _(
    block: blocks.BilinearSampler, x: tuple[Tensor, Tensor], params: Parameters, target: None
) -> Tensor:
    """Every pixel, weighted by how near each place is."""
    image, grid = x
    near = []
    for axis, length in enumerate(image.shape[2:]):
        place = ((grid[:, axis] + 1) / 2 * (length - 1)).flatten(1)[:, :, None]
        near.append((1 - (place - torch.arange(length, dtype=place.dtype)).abs()).clamp(min=0))
    y = torch.einsum("nchw,njh,njw->ncj", image, *near)
    return y.reshape(*image.shape[:2], *grid.shape[2:])


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
def _(block: blocks.SoftmaxLogLoss, x: Tensor, params: Parameters, target: Any) -> Tensor:
    wanted, total = _wanted(block, x, target, block.smoothing)
    return -(wanted * (x - x.logsumexp(1, keepdim=True))).sum() / total


@reference.register
def _(block: blocks.LogLoss, x: Tensor, params: Parameters, target: Any) -> Tensor:
    wanted, total = _wanted(block, x, target, 0.0)
    return -(wanted * x.log()).sum() / total


def _wanted(block: Any, x: Tensor, target: Any, smoothing: float) -> tuple[Tensor, Tensor]:
    """How much each position wants each class, and the weight of all."""
    target, u = target if isinstance(target, tuple) else (target, x.new_ones(()))
    v = torch.tensor(block.class_weights or [1.0] * x.shape[1], dtype=x.dtype)
    across = [1, -1, *[1] * (x.ndim - 2)]
    if target.is_floating_point():
        q, total = target, (u * torch.ones_like(x[:, 0])).sum()
    else:
        u = u * (target != block.ignored) if block.ignored is not None else u
        known = target.clamp(min=0)
        q = F.one_hot(known, x.shape[1]).movedim(-1, 1).to(x)
        total = (u * v[known]).sum()
    q = (1 - smoothing) * q + smoothing / x.shape[1]
    return (u.unsqueeze(1) if u.ndim else u) * v.view(across) * q, total


@reference.register
def _(block: blocks.LogisticLoss, x: Tensor, params: Parameters, target: Any) -> Tensor:
    return _mean_of(lambda t: torch.log(1 + torch.exp(-t * x)), target)


@reference.register
def _(block: blocks.HingeLoss, x: Tensor, params: Parameters, target: Any) -> Tensor:
    return _mean_of(lambda t: F.relu(block.margin - t * x), target)


def _mean_of(losses: Callable[[Tensor], Tensor], target: Any) -> Tensor:
    if isinstance(target, Tensor):
        return losses(target).mean()
    target, u = target
    mean: Tensor = (u * losses(target)).sum() / u.sum()
    return mean


@reference.register
def _(block: blocks.CTCLoss, x: Tensor, params: Parameters, target: Tensor) -> Tensor:
    log_p = F.log_softmax(x[:, :, 0], 1).permute(2, 0, 1)
    frames = torch.full((len(x),), x.shape[3])
    lengths = (target >= 0).sum(1)
    return F.ctc_loss(log_p, target.clamp(min=0), frames, lengths, reduction="none").mean()


def _correlation(x: Tensor, weight: Tensor, window: Window, groups: int) -> Tensor:
    """Patches times weights, group by group, of what is padded already."""
    size = [
        (length - extent) // stride + 1
        for length, extent, stride in zip(x.shape[2:], window.extent, window.stride, strict=True)
    ]
    outputs = []
    for part, filters in zip(x.chunk(groups, 1), weight.chunk(groups), strict=True):
        patches = F.unfold(part, window.kernel, window.dilation, 0, window.stride)
        outputs.append(filters.flatten(1) @ patches)
    return torch.cat(outputs, 1).view(len(x), -1, *size)


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
