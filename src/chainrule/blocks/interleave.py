"""Channels laid out along the width."""

from dataclasses import dataclass

from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_image_shape,
    check_whole,
)
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Interleave(Block):
    """Each column becomes `parts` columns: a finer step along the width than the chain before had.

        y[n, c, h, parts w + i] = x[n, i C + c, h, w],      0 <= i < parts,  C channels of y

    Derivation. Every y is one x, and every x one y: the derivative goes back to where the entry
    came from, dx[n, i C + c, h, w] = dy[n, c, h, parts w + i]. Linear: no kinks.

    Shapes: x (N, parts C, H, W) to y (N, C, H, parts W). No parameters.
    Source: Shi et al., Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network, 2016, along one direction.
    """

    parts: int

    def __post_init__(self) -> None:
        check_whole("Interleave", "parts", self.parts, 1)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, None]:
        return self.apply(x, params), None

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        N, C, H, W = self.shape(tuple(x.shape))
        # with the channels last in memory this is no copy
        return x.permute(0, 2, 3, 1).reshape(N, H, W, C).permute(0, 3, 1, 2)

    def backward(self, dy: Tensor, params: Parameters, saved: None) -> tuple[Tensor, Derivatives]:
        N, C, H, W = dy.shape
        columns = dy.permute(0, 2, 3, 1).reshape(N, H, W // self.parts, self.parts * C)
        return columns.permute(0, 3, 1, 2), {}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("Interleave", x_shape)
        N, channels, H, W = x_shape
        if channels % self.parts:
            raise ShapeError(
                f"Interleave: the input has shape {tuple(x_shape)}; expected a number of channels "
                f"that {self.parts} divides"
            )
        return N, channels // self.parts, H, W * self.parts

    def to_torch(self, params: Parameters) -> nn.Module:
        return _Interleave(self)


class _Interleave(nn.Module):
    def __init__(self, block: Interleave) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block.apply(x, {})
