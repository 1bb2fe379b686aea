"""Padding by the image's own mirror image, and its derivative."""

import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Shape
from chainrule.errors import ShapeError

Sides = tuple[int, int, int, int]


def reflected(x: Tensor, padding: Sides) -> Tensor:
    """x (N, C, H, W) with its rows and columns mirrored at the first and the last."""
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), mode="reflect")


def reflected_dx(dy: Tensor, padding: Sides) -> Tensor:
    """The derivative of `reflected`: each pixel's own, and what its images got."""
    top, bottom, left, right = padding
    return _folded(_folded(dy, 2, top, bottom), 3, left, right)


def check_reflected(block: str, x_shape: Shape, padding: Sides) -> None:
    """Check that the mirror images lie in the image. Raises ShapeError."""
    top, bottom, left, right = padding
    if max(top, bottom) >= x_shape[2] or max(left, right) >= x_shape[3]:
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}, the padding to mirror is {padding}; "
            "expected more rows and columns than padding on each side"
        )


def _folded(dy: Tensor, axis: int, before: int, after: int) -> Tensor:
    length = dy.shape[axis] - before - after
    dx = dy.narrow(axis, before, length).clone()
    if before:  # the row at -j shows the row j
        dx.narrow(axis, 1, before).add_(dy.narrow(axis, 0, before).flip(axis))
    if after:
        images = dy.narrow(axis, before + length, after).flip(axis)
        dx.narrow(axis, length - 1 - after, after).add_(images)
    return dx
