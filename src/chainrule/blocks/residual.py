"""The residual sum."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    apply_block,
    check_block,
    with_training,
)
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Residual:
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
        y, saved = self.body.forward(x, params)
        return x + y, saved

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        return x + apply_block(self.body, x, params)

    def backward(self, dy: Tensor, params: Parameters, saved: Any) -> tuple[Tensor, Derivatives]:
        dx, dparams = self.body.backward(dy, params, saved)
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

    def draw(self, x_shape: Shape, generator: torch.Generator) -> dict[str, Tensor]:
        """What f draws at random."""
        draw = getattr(self.body, "draw", None)
        return draw(x_shape, generator) if draw is not None else {}

    def moments(self, params: Parameters, saved: Any) -> dict[str, Tensor]:
        """The new values of what f holds and does not learn."""
        moments = getattr(self.body, "moments", None)
        return moments(params, saved) if moments is not None else {}

    def with_training(self, training: bool) -> "Residual":
        """A copy for training or for inference."""
        return replace(self, body=with_training(self.body, training))
