"""The residual sum."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Initialization,
    Parameters,
    Shape,
    check_block,
    run_backward,
    run_forward,
)
from chainrule.blocks.torch_modules import SumWithInput
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Residual(Block):
    """The sum of a chain (or any block) and its input: y = x + f(x).

    Derivation. x reaches y twice, once as it is and once through f, and derivatives add:

        dx = dy + (df/dx)' dy

    where the second term is what f's own `backward` gives. However small df/dx is, the first term
    passes. Kinks: those of f.

    Parameters: those of f, by f's names. Shapes: x to y of the same shape, which f must keep.
    Source: He et al., Deep residual learning, 2016.
    """

    body: Block

    def __post_init__(self) -> None:
        check_block("Residual: `body`", self.body)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Any]:
        self.shape(tuple(x.shape))
        y, saved = run_forward(self.body, x, params)
        return x + y, saved

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        return x + self.body.apply(x, params)

    def backward(self, dy: Tensor, params: Parameters, saved: Any) -> tuple[Tensor, Derivatives]:
        dx, dparams = run_backward(self.body, dy, params, saved)
        return dy + dx, dparams

    def shape(self, x_shape: Shape) -> Shape:
        y_shape = self.body.shape(x_shape)
        if tuple(y_shape) != tuple(x_shape):
            raise ShapeError(
                f"Residual: the input has shape {tuple(x_shape)}, the chain's output "
                f"{tuple(y_shape)}; expected a chain that keeps the shape"
            )
        return tuple(x_shape)

    def parameter_shapes(self) -> dict[str, Shape]:
        return self.body.parameter_shapes()

    def initial_parameters(
        self, generator: torch.Generator, *, initialization: Initialization = "he"
    ) -> dict[str, Tensor]:
        return self.body.initial_parameters(generator, initialization=initialization)

    def draw(self, x_shape: Shape, generator: torch.Generator) -> dict[str, Tensor]:
        return self.body.draw(x_shape, generator)

    def moments(self, params: Parameters, saved: Any) -> dict[str, Tensor]:
        return self.body.moments(params, saved)

    def inside(self) -> tuple[tuple[str, Block], ...]:
        return self.body.inside() or (("body", self.body),)

    def with_training(self, training: bool) -> "Residual":
        return replace(self, body=self.body.with_training(training))

    def to_torch(self, params: Parameters) -> nn.Module:
        body = self.body.to_torch(params)
        children = body.named_children() if isinstance(body, nn.Sequential) else [("body", body)]
        return SumWithInput(OrderedDict(children))
