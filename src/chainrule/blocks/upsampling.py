"""Upsampling: more pixels from the same ones."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape, check_image_shape
from chainrule.blocks.kernels import wide
from chainrule.blocks.window import Size, Spread, Window, make_pair
from chainrule.errors import InputError


@dataclass(frozen=True)
class Upsampling(Block):
    """Each pixel becomes `scale` pixels, in each direction: repeated, or interpolated between.

    With scale t, and one column only (the second direction is alike, after the first):

        "nearest":   y[n, c, j] = x[n, c, floor(j / t)]
        "bilinear":  y[n, c, j] = (1 - a) x[n, c, i] + a x[n, c, i + 1],   i + a = (j + 1/2)/t - 1/2

    where i is whole and 0 <= a < 1; pixels are squares whose centres lie at 1/2, 3/2, ..., and
    beyond the first and the last centre that pixel goes on.

    Derivation. y is linear in x, so each dy goes back to the pixels that it was made of, with the
    same weights:

        "nearest":   dx[n, c, i] = sum over the t pixels j of i of dy[n, c, j]
        "bilinear":  dx[n, c, i] = sum_j dy[n, c, j] ((1 - a_j) [i_j = i] + a_j [i_j + 1 = i])

    Linear: no kinks.

    Shapes: x (N, C, H, W) to y (N, C, t H, t W). No parameters.
    """

    scale: Size
    mode: str = "nearest"

    def __post_init__(self) -> None:
        if self.mode not in ("nearest", "bilinear"):
            raise InputError(
                f"Upsampling: `mode` is {self.mode!r}; expected 'nearest' or 'bilinear'"
            )
        _ = self.scales

    @cached_property
    def scales(self) -> tuple[int, int]:
        """(vertical, horizontal). Raises InputError for a scale out of range."""
        return make_pair("Upsampling", "scale", self.scale, 1)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, None]:
        return self.apply(x, params), None

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        return self._axis(self._axis(wide(x), 2), 3).to(x.dtype)

    def backward(self, dy: Tensor, params: Parameters, saved: None) -> tuple[Tensor, Derivatives]:
        return self._axis_dx(self._axis_dx(wide(dy), 3), 2).to(dy.dtype), {}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("Upsampling", x_shape)
        N, C, H, W = x_shape
        return N, C, H * self.scales[0], W * self.scales[1]

    def sees(self, x_shape: Shape) -> Window:
        if self.mode == "nearest":
            return Spread(self.scales, self.scales)
        vertical, horizontal = self.scales
        before, beside = (vertical + 1) // 2, (horizontal + 1) // 2
        return Spread((2 * vertical, 2 * horizontal), self.scales, (before, before, beside, beside))

    def to_torch(self, params: Parameters) -> nn.Module:
        if self.mode == "nearest":
            return nn.Upsample(scale_factor=tuple(map(float, self.scales)))
        return nn.Upsample(
            scale_factor=tuple(map(float, self.scales)), mode="bilinear", align_corners=False
        )

    def _axis(self, x: Tensor, axis: int) -> Tensor:
        """x with more pixels along one axis: all that lie alike between two of x at a time."""
        scale, length = self.scales[axis - 2], x.shape[axis]
        if scale == 1:
            return x
        y = _zeros(x, axis, length * scale)
        if self.mode == "nearest":
            for a in range(scale):
                _every(y, axis, a, scale).copy_(x)
            return y
        ends = x.narrow(axis, 0, 1), x.narrow(axis, length - 1, 1)
        padded = torch.cat([ends[0], x, ends[1]], axis)
        for a in range(scale):
            first, share = _between(a, scale)
            left, right = (padded.narrow(axis, first + i, length) for i in (0, 1))
            _every(y, axis, a, scale).copy_(left.lerp(right, share))
        return y

    def _axis_dx(self, dy: Tensor, axis: int) -> Tensor:
        """The derivative of `_axis`."""
        scale = self.scales[axis - 2]
        length = dy.shape[axis] // scale
        if scale == 1:
            return dy
        if self.mode == "nearest":
            dx = _every(dy, axis, 0, scale).clone()
            for a in range(1, scale):
                dx += _every(dy, axis, a, scale)
            return dx
        padded = _zeros(dy, axis, length + 2)
        for a in range(scale):
            first, share = _between(a, scale)
            part = _every(dy, axis, a, scale)
            padded.narrow(axis, first, length).add_(part, alpha=1 - share)
            padded.narrow(axis, first + 1, length).add_(part, alpha=share)
        # what goes on beyond the first and the last centre are these
        padded.narrow(axis, 1, 1).add_(padded.narrow(axis, 0, 1))
        padded.narrow(axis, length, 1).add_(padded.narrow(axis, length + 1, 1))
        return padded.narrow(axis, 1, length)


def _between(a: int, scale: int) -> tuple[int, float]:
    """For the pixels t i + a: where the left one of them lies in what is padded, and a_j.

    That is at i + this, for in front of x stands one pixel more.
    """
    place = (a + 0.5) / scale - 0.5
    return math.floor(place) + 1, place - math.floor(place)


def _every(x: Tensor, axis: int, a: int, scale: int) -> Tensor:
    """The rows (or columns) a, a + scale, ... as a view."""
    return x[:, :, a::scale] if axis == 2 else x[:, :, :, a::scale]


def _zeros(like: Tensor, axis: int, length: int) -> Tensor:
    """Zeros of such a length along the axis, the channels last in memory."""
    n, c, *size = like.shape
    size[axis - 2] = length
    return like.new_zeros(n, *size, c).permute(0, 3, 1, 2)
