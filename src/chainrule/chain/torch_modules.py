"""Each block as an equal `torch.nn.Module`, for use elsewhere and for ONNX."""

import math
from collections import OrderedDict
from functools import singledispatch
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks import (
    AveragePooling,
    BatchNormalization,
    Block,
    Convolution,
    Dropout,
    Flatten,
    FullyConnected,
    GlobalAveragePooling,
    LeakyReLU,
    LocalResponseNormalization,
    MaxPooling,
    Parameters,
    ReLU,
    ReLU6,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
    Window,
)
from chainrule.errors import InputError


@singledispatch
def to_module(block: Any, params: Parameters) -> nn.Module:
    """Give the module that computes what the block does, with copies of its parameters.

    A block of another kind says it itself, by its `to_torch(params)`. Raises InputError if it
    doesn't.
    """
    own = getattr(block, "to_torch", None)
    if own is None:
        raise InputError(
            f"{type(block).__name__} has no equal torch module; expected a block of chainrule's, "
            "or one with a method `to_torch(params)`"
        )
    module: nn.Module = own(params)
    return module


def sequential(layers: list[tuple[str, Block, Parameters]]) -> nn.Sequential:
    """Give the modules of blocks with names and parameters, one after the other."""
    return nn.Sequential(OrderedDict((name, to_module(b, own)) for name, b, own in layers))


@to_module.register
def _(block: Convolution, params: Parameters) -> nn.Module:
    module = _PaddedConv2d(
        block.in_channels,
        block.out_channels,
        block.window.kernel,
        block.window.stride,
        block.window.even_padding or 0,
        block.window.dilation,
        block.groups,
        block.bias,
        device="meta",  # draws no initial weights: these are replaced
    )
    module.around = None if block.window.even_padding else _around(block.window)
    return _with_parameters(module, params, block)


@to_module.register
def _(block: FullyConnected, params: Parameters) -> nn.Module:
    module = nn.Linear(block.in_features, block.out_features, block.bias, device="meta")
    return _with_parameters(module, params, block)


@to_module.register
def _(block: BatchNormalization, params: Parameters) -> nn.Module:
    module = _BatchNorm(block.channels, block.epsilon, block.momentum)
    _with_parameters(module, params, block)
    module.running_mean = params["mean"].detach().clone()
    module.running_var = params["variance"].detach().clone()
    return module.train(block.training)


@to_module.register
def _(block: MaxPooling, params: Parameters) -> nn.Module:
    window, padding = block.window, _kernel_padding(block.window)
    if padding is not None:
        return nn.MaxPool2d(window.kernel, window.stride, padding)
    around = nn.ConstantPad2d(_around(window), -math.inf)
    return nn.Sequential(around, nn.MaxPool2d(window.kernel, window.stride))


@to_module.register
def _(block: AveragePooling, params: Parameters) -> nn.Module:
    window, padding = block.window, _kernel_padding(block.window)
    if padding is not None:
        return nn.AvgPool2d(
            window.kernel, window.stride, padding, count_include_pad=block.count_padding
        )
    if block.count_padding:
        return nn.Sequential(
            nn.ZeroPad2d(_around(window)), nn.AvgPool2d(window.kernel, window.stride)
        )
    return _MeanInside(window)


@to_module.register
def _(block: LocalResponseNormalization, params: Parameters) -> nn.Module:
    return _LocalResponseNorm(block)


@to_module.register
def _(block: Residual, params: Parameters) -> nn.Module:
    body = to_module(block.body, params)
    children = body.named_children() if isinstance(body, nn.Sequential) else [("body", body)]
    return _Residual(OrderedDict(children))


@to_module.register
def _(block: Dropout, params: Parameters) -> nn.Module:
    return nn.Dropout(block.rate).train(block.training)


@to_module.register
def _(block: GlobalAveragePooling, params: Parameters) -> nn.Module:
    return nn.AdaptiveAvgPool2d(1)


@to_module.register
def _(block: Flatten, params: Parameters) -> nn.Module:
    return nn.Flatten()


@to_module.register
def _(block: ReLU, params: Parameters) -> nn.Module:
    return nn.ReLU()


@to_module.register
def _(block: ReLU6, params: Parameters) -> nn.Module:
    return nn.ReLU6()


@to_module.register
def _(block: LeakyReLU, params: Parameters) -> nn.Module:
    return nn.LeakyReLU(block.slope)


@to_module.register
def _(block: Sigmoid, params: Parameters) -> nn.Module:
    return nn.Sigmoid()


@to_module.register
def _(block: Tanh, params: Parameters) -> nn.Module:
    return nn.Tanh()


@to_module.register
def _(block: Softmax, params: Parameters) -> nn.Module:
    return nn.Softmax(1)


def _with_parameters(module: nn.Module, params: Parameters, block: Any) -> nn.Module:
    for name in ("weight", "bias"):
        if name in block.parameter_shapes():
            setattr(module, name, nn.Parameter(params[name].detach().clone()))
    return module


def _around(window: Window) -> tuple[int, int, int, int]:
    """The padding in torch's order: left, right, top, bottom."""
    top, bottom, left, right = window.padding
    return left, right, top, bottom


def _kernel_padding(window: Window) -> tuple[int, int] | None:
    """The padding, if torch's pooling modules take it: alike, and half a window at most."""
    padding = window.even_padding
    if padding is None or any(2 * p > k for p, k in zip(padding, window.kernel, strict=True)):
        return None
    return padding


class _PaddedConv2d(nn.Conv2d):
    """Conv2d that also pads opposite sides differently."""

    around: tuple[int, int, int, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.around is None else F.pad(x, self.around))


class _BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of (N, C) as well as of (N, C, H, W)."""

    def _check_input_dim(self, x: Tensor) -> None:
        pass


class _MeanInside(nn.Module):
    """The mean over the part of each window that lies in the image."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.around = _around(window)
        self.pool = nn.AvgPool2d(window.kernel, window.stride)

    def forward(self, x: Tensor) -> Tensor:
        inside = F.pad(torch.ones_like(x[:, :1]), self.around)
        mean: Tensor = self.pool(F.pad(x, self.around)) / self.pool(inside)
        return mean


class _LocalResponseNorm(nn.Module):
    """As the block defines it; torch's divides alpha by rho and centres even groups elsewhere."""

    def __init__(self, block: LocalResponseNormalization) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        block = self.block
        before, after = (block.rho - 1) // 2, block.rho // 2
        squares = F.pad(x * x, (0, 0, 0, 0, before, after))
        energy = squares[:, : x.shape[1]]
        for k in range(1, block.rho):
            energy = energy + squares[:, k : k + x.shape[1]]
        s = block.kappa + block.alpha * energy
        if block.kappa == 0:  # where a whole group is 0, so are y and its derivative
            x, s = torch.where(s > 0, x, 0.0), torch.where(s > 0, s, 1.0)
        return x * s.pow(-block.beta)


class _Residual(nn.Sequential):
    """x plus what the modules make of it."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + super().forward(x)  # type: ignore[no-untyped-call]
        return y
