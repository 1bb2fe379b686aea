"""Scores to probabilities."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Softmax(Block):
    """Scores to probabilities, over the channels: a block.

        y[k] = exp x[k] / sum_l exp x[l]

    Derivation. With z = sum_l exp x[l], the quotient rule gives

        dy[k]/dx[j] = [k = j] exp x[k] / z - exp x[k] exp x[j] / z^2 = y[k] ([k = j] - y[j])

        dx[j] = sum_k dy[k] y[k] ([k = j] - y[j]) = y[j] (dy[j] - sum_k dy[k] y[k])

    Smooth: no kinks.

    Shapes: x (N, K) or (N, K, H, W) to y of the same shape. No parameters.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        self.shape(tuple(x.shape))
        y = F.softmax(x, 1)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return saved * (dy - (dy * saved).sum(1, keepdim=True)), {}

    def shape(self, x_shape: Shape) -> Shape:
        if len(x_shape) < 2:
            raise ShapeError(
                f"Softmax: the input has shape {tuple(x_shape)}; expected (N, K) or (N, K, H, W)"
            )
        return tuple(x_shape)

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Softmax(1)
