"""Flatten and the fully connected layer."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_flag,
    check_same_type,
    check_whole,
)
from chainrule.blocks.torch_modules import with_parameters
from chainrule.blocks.window import Window
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Flatten(Block):
    """All entries of an image in one row: x (N, C, H, W) to y (N, C H W), channel by channel.

    Derivation. Each entry of y is one entry of x, so dx is dy put back into x's shape.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, torch.Size]:
        self.shape(tuple(x.shape))
        return x.flatten(1), x.shape

    def backward(
        self, dy: Tensor, params: Parameters, saved: torch.Size
    ) -> tuple[Tensor, Derivatives]:
        return dy.reshape(saved), {}

    def shape(self, x_shape: Shape) -> Shape:
        if len(x_shape) < 2:
            raise ShapeError(
                f"Flatten: the input has shape {tuple(x_shape)}; expected (N, C, H, W)"
            )
        return (x_shape[0], math.prod(x_shape[1:]))

    def sees(self, x_shape: Shape) -> Window:
        return Window((x_shape[2], x_shape[3]) if len(x_shape) == 4 else (1, 1))

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Flatten()


@dataclass(frozen=True)
class FullyConnected(Block):
    """Every output is a weighted sum of every input.

        y[n, o] = b[o] + sum_f w[o, f] x[n, f],      y = x w' + b

    Derivation. The derivative of y[n, o] with respect to x[n, f] is w[o, f], with respect to
    w[o, f] it is x[n, f], and with respect to b[o] it is 1; outputs of other images or of other
    rows of w do not depend on them. So by the chain rule

        dx[n, f] = sum_o dy[n, o] w[o, f],           dx = dy w
        dw[o, f] = sum_n dy[n, o] x[n, f],           dw = dy' x
        db[o]    = sum_n dy[n, o]

    Linear in x and in w: no kinks.

    Parameters: weight (out_features, in_features), bias (out_features,).
    Shapes: x (N, in_features) to y (N, out_features).
    """

    in_features: int
    out_features: int
    bias: bool = True

    def __post_init__(self) -> None:
        check_whole("FullyConnected", "in_features", self.in_features, 1)
        check_whole("FullyConnected", "out_features", self.out_features, 1)
        check_flag("FullyConnected", "bias", self.bias)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        self.shape(tuple(x.shape))
        check_same_type("FullyConnected", x, params["weight"])
        y = x @ params["weight"].T
        return (y + params["bias"] if self.bias else y), x

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return dy @ params["weight"], self.parameter_derivatives(dy, params, saved)

    def parameter_derivatives(self, dy: Tensor, params: Parameters, saved: Tensor) -> Derivatives:
        dw = dy.T @ saved
        return {"weight": dw, "bias": dy.sum(0)} if self.bias else {"weight": dw}

    def shape(self, x_shape: Shape) -> Shape:
        if len(x_shape) != 2 or x_shape[1] != self.in_features:
            raise ShapeError(
                f"FullyConnected: the input has shape {tuple(x_shape)}; expected "
                f"(N, {self.in_features})"
            )
        return (x_shape[0], self.out_features)

    def parameter_shapes(self) -> dict[str, Shape]:
        weight = (self.out_features, self.in_features)
        return {"weight": weight, "bias": weight[:1]} if self.bias else {"weight": weight}

    def to_torch(self, params: Parameters) -> nn.Module:
        module = nn.Linear(self.in_features, self.out_features, self.bias, device="meta")
        return with_parameters(module, params)
