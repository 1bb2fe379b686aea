"""Blocks of several inputs: their sum, and one behind the other."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape
from chainrule.blocks.torch_modules import Joined, Summed
from chainrule.errors import ShapeError

Tensors = tuple[Tensor, ...]
Shapes = tuple[Shape, ...]


@dataclass(frozen=True)
class Sum(Block):
    """The sum of several inputs of one shape: y = x_1 + ... + x_K.

    Derivation. y changes with every x_k as it does itself, so each gets all of dy:

        dx_k = dy

    Linear: no kinks.

    Shapes: x_1, ..., x_K of the same shape, and so is y. No parameters.
    """

    @property
    def several_inputs(self) -> bool:
        return True

    def forward(self, x: Tensors, params: Parameters) -> tuple[Tensor, int]:
        return self.apply(x, params), len(x)

    def apply(self, x: Tensors, params: Parameters) -> Tensor:
        self.shape(tuple(tuple(part.shape) for part in x))
        y = x[0].clone() if len(x) == 1 else x[0] + x[1]
        for part in x[2:]:
            y += part
        return y

    def backward(self, dy: Tensor, params: Parameters, saved: int) -> tuple[Tensors, Derivatives]:
        return (dy,) * saved, {}

    def shape(self, x_shape: Shapes) -> Shape:
        shapes = _several("Sum", x_shape)
        if len(set(shapes)) > 1:
            raise ShapeError(
                f"Sum: the inputs have shapes {', '.join(map(str, shapes))}; expected one shape"
            )
        return shapes[0]

    def to_torch(self, params: Parameters) -> nn.Module:
        return Summed()


@dataclass(frozen=True)
class Concatenation(Block):
    """Several inputs, one behind the other along the channels.

        y[n, C_1 + ... + C_(k-1) + c, ...] = x_k[n, c, ...],      0 <= c < C_k

    Derivation. Every y is one x, and every x one y: each input's derivative is its part of dy.

        dx_k[n, c, ...] = dy[n, C_1 + ... + C_(k-1) + c, ...]

    Linear: no kinks.

    Shapes: x_k (N, C_k, ...), alike but for the C_k, to y (N, C_1 + ... + C_K, ...). No parameters.
    """

    @property
    def several_inputs(self) -> bool:
        return True

    def forward(self, x: Tensors, params: Parameters) -> tuple[Tensor, list[int]]:
        return self.apply(x, params), [part.shape[1] for part in x]

    def apply(self, x: Tensors, params: Parameters) -> Tensor:
        self.shape(tuple(tuple(part.shape) for part in x))
        return torch.cat(x, 1)

    def backward(
        self, dy: Tensor, params: Parameters, saved: list[int]
    ) -> tuple[Tensors, Derivatives]:
        return torch.split(dy, saved, 1), {}

    def shape(self, x_shape: Shapes) -> Shape:
        shapes = _several("Concatenation", x_shape)
        rest = {shape[:1] + shape[2:] for shape in shapes}
        if len(rest) > 1 or any(len(shape) < 2 for shape in shapes):
            raise ShapeError(
                f"Concatenation: the inputs have shapes {', '.join(map(str, shapes))}; expected "
                "shapes that differ in their channels alone"
            )
        return (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])

    def to_torch(self, params: Parameters) -> nn.Module:
        return Joined()


def _several(block: str, x_shape: Shapes) -> list[Shape]:
    """The shapes of the inputs. Raises ShapeError if these are not several."""
    shapes = [tuple(shape) for shape in x_shape if isinstance(shape, tuple | list)]
    if not shapes or len(shapes) != len(x_shape):
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}; expected a tuple of several inputs, "
            "as layers of a chain name them"
        )
    return shapes
