"""Max, average and global average pooling."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_flag,
    check_image_shape,
)
from chainrule.blocks.torch_modules import MeanInside
from chainrule.blocks.window import Padding, Size, Window, make_window
from chainrule.errors import InputError


@dataclass(frozen=True)
class MaxPooling(Block):
    """The largest value in each window, channel by channel.

        y[n, c, i] = max_k x[n, c, t i - p + k]

    with stride t and top padding p, for one column (the second direction is alike). The stride is
    the window's size unless given.

    Padding is minus infinity, so that it never wins: with zeros, a window of negative values at the
    border would report a pixel that is not in the image. Each side's padding must be smaller than
    the window, so that every window holds a pixel.

    Derivation. Near x, y[n, c, i] equals the one x[n, c, j] that is the largest of its window, so
    its derivative is 1 with respect to that one and 0 with respect to the others:

        dx[n, c, j] = sum over the windows i whose maximum lies at j of dy[n, c, i]

    Kinks: where several values of a window tie for the largest, y has no derivative. The first of
    them in reading order (row by row) is taken as the maximum, and it alone gets the derivative.

    Shapes: x (N, C, H, W) to y (N, C, H', W'), H' as in `Window`. No parameters.
    """

    kernel_size: Size
    stride: Size | None = None
    padding: Padding = 0

    def __post_init__(self) -> None:
        _ = self.window

    @cached_property
    def window(self) -> Window:
        """The sliding window. Raises InputError for settings out of range."""
        return _pooling_window("MaxPooling", self.kernel_size, self.stride, self.padding)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        self.shape(tuple(x.shape))
        x, padding = self._padded(x)
        y, where = F.max_pool2d(
            x, self.window.kernel, self.window.stride, padding, return_indices=True
        )
        # the derivative needs x's shape and order in memory, not its values
        return y, (where, torch.empty_like(x, device="meta"))

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        x, padding = self._padded(x)
        return F.max_pool2d(x, self.window.kernel, self.window.stride, padding)

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Derivatives]:
        where, outline = saved
        padding = self.window.half_padding
        dx: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
            dy,
            torch.empty_like(outline, device=dy.device),
            self.window.kernel,
            self.window.stride,
            padding or (0, 0),
            (1, 1),
            False,
            where,
        )
        return dx if padding is not None else self.window.crop(dx), {}

    def shape(self, x_shape: Shape) -> Shape:
        return (*x_shape[:2], *self.window.output_size("MaxPooling", x_shape))

    def sees(self, x_shape: Shape) -> Window:
        return self.window

    def to_torch(self, params: Parameters) -> nn.Module:
        window, padding = self.window, self.window.half_padding
        if padding is not None:
            return nn.MaxPool2d(window.kernel, window.stride, padding)
        around = nn.ConstantPad2d(window.around, -math.inf)
        return nn.Sequential(around, nn.MaxPool2d(window.kernel, window.stride))

    def _padded(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """x and the padding left to the kernel."""
        if x.device.type == "cpu" and x.shape[1] >= 8:
            # the kernel for this order in memory is vectorised: the copy pays three times over
            x = x.contiguous(memory_format=torch.channels_last)
        padding = self.window.half_padding
        return (x, padding) if padding is not None else (self.window.pad(x, -math.inf), (0, 0))


@dataclass(frozen=True)
class AveragePooling(Block):
    """The mean of each window, channel by channel.

        y[n, c, i] = 1/m[i] sum_k x[n, c, t i - p + k]

    with stride t and top padding p, for one column (the second direction is alike); x is 0 outside
    of the image. m[i] is the number of pixels of the window that lie in the image, or the window's
    whole size with `count_padding`. The stride is the window's size unless given. Each side's
    padding must be smaller than the window, so that every window holds a pixel.

    Derivation. y[n, c, i] is linear in x, with 1/m[i] for each pixel of its window, so

        dx[n, c, j] = sum over the windows i that hold j of dy[n, c, i] / m[i]

    Linear: no kinks.

    Shapes: x (N, C, H, W) to y (N, C, H', W'), H' as in `Window`. No parameters.
    """

    kernel_size: Size
    stride: Size | None = None
    padding: Padding = 0
    count_padding: bool = False

    def __post_init__(self) -> None:
        check_flag("AveragePooling", "count_padding", self.count_padding)
        _ = self.window

    @cached_property
    def window(self) -> Window:
        """The sliding window. Raises InputError for settings out of range."""
        return _pooling_window("AveragePooling", self.kernel_size, self.stride, self.padding)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        # the derivative needs x's shape and order in memory, not its values
        return self.apply(x, params), torch.empty_like(x, device="meta")

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        sums = F.avg_pool2d(
            self.window.pad(x), self.window.kernel, self.window.stride, divisor_override=1
        )
        return sums / self._counts(x, x.shape[2:])

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        outline = self.window.pad(saved)
        dx: Tensor = torch.ops.aten.avg_pool2d_backward(
            dy / self._counts(dy, saved.shape[2:]),
            torch.empty_like(outline, device=dy.device),
            self.window.kernel,
            self.window.stride,
            (0, 0),
            False,
            True,
            1,
        )
        return self.window.crop(dx), {}

    def shape(self, x_shape: Shape) -> Shape:
        return (*x_shape[:2], *self.window.output_size("AveragePooling", x_shape))

    def sees(self, x_shape: Shape) -> Window:
        return self.window

    def to_torch(self, params: Parameters) -> nn.Module:
        window, padding = self.window, self.window.half_padding
        if padding is not None:
            return nn.AvgPool2d(
                window.kernel, window.stride, padding, count_include_pad=self.count_padding
            )
        if self.count_padding:
            around = nn.ZeroPad2d(window.around)
            return nn.Sequential(around, nn.AvgPool2d(window.kernel, window.stride))
        return MeanInside(window.kernel, window.stride, window.around)

    def _counts(self, like: Tensor, size: torch.Size) -> Tensor | int:
        """m for images of this size, of shape (H', W') where it varies."""
        kh, kw = self.window.kernel
        if self.count_padding or not any(self.window.padding):
            return kh * kw
        inside = self.window.pad(like.new_ones(1, 1, *size))
        return F.avg_pool2d(inside, (kh, kw), self.window.stride, divisor_override=1)[0, 0]


@dataclass(frozen=True)
class GlobalAveragePooling(Block):
    """The mean of each channel over the whole image.

        y[n, c] = 1/(H W) sum_j x[n, c, j]

    Derivation. y[n, c] is linear in x, with 1/(H W) for every pixel j of the channel:

        dx[n, c, j] = dy[n, c] / (H W)

    Linear: no kinks.

    Shapes: x (N, C, H, W) to y (N, C, 1, 1). No parameters.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        # the derivative needs x's shape and order in memory, not its values
        return self.apply(x, params), torch.empty_like(x, device="meta")

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        return x.mean((2, 3), keepdim=True)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        pixels = saved.shape[2] * saved.shape[3]
        return torch.empty_like(saved, device=dy.device).copy_(dy / pixels), {}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("GlobalAveragePooling", x_shape)
        return (*x_shape[:2], 1, 1)

    def sees(self, x_shape: Shape) -> Window:
        return Window((x_shape[2], x_shape[3]))

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.AdaptiveAvgPool2d(1)


def _pooling_window(block: str, kernel_size: Size, stride: Size | None, padding: Padding) -> Window:
    window = make_window(block, kernel_size, kernel_size if stride is None else stride, padding)
    (kh, kw), (top, bottom, left, right) = window.kernel, window.padding
    if max(top, bottom) >= kh or max(left, right) >= kw:
        raise InputError(
            f"{block}: `padding` is {padding!r}; expected less than the window's {kh}x{kw} on each "
            "side, so that every window holds a pixel"
        )
    return window
