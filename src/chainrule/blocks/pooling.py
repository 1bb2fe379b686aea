"""Max, average and global average pooling."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks import kernels
from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_flag,
    check_image_shape,
)
from chainrule.blocks.torch_modules import MaxInside, MeanInside
from chainrule.blocks.window import Padding, Size, Window, make_window
from chainrule.errors import InputError, ShapeError


class Maxima(NamedTuple):
    """Where each maximum lies, k kw + m for tap (k, m) of its window, and the image's size."""

    place: Tensor  # (N, C, H', W'), bytes if they hold it
    size: tuple[int, int]


@dataclass(frozen=True)
class MaxPooling(Block):
    """The largest value in each window, channel by channel.

        y[n, c, i] = max_k x[n, c, t i - p + d k]

    with stride t, dilation d and top padding p, for one column (the second direction is alike). The
    stride is the window's size unless given. With `ceil_mode` a last window may reach beyond the
    padding, as in `Window`.

    Padding is minus infinity, so that it never wins: with zeros, a window of negative values at the
    border would report a pixel that is not in the image. Each side's padding must be smaller than
    the window, so that every window holds a pixel.

    Derivation. Near x, y[n, c, i] equals the one x[n, c, j] that is the largest of its window, so
    its derivative is 1 with respect to that one and 0 with respect to the others:

        dx[n, c, j] = sum over the windows i whose maximum lies at j of dy[n, c, i]

    Kinks: where several values of a window tie for the largest, y has no derivative. The first of
    them in reading order (row by row) is taken as the maximum, and it alone gets the derivative. If
    a window holds NaN, so does y, and the last NaN gets the derivative.

    Shapes: x (N, C, H, W) to y (N, C, H', W'), H' as in `Window`. No parameters.
    """

    kernel_size: Size
    stride: Size | None = None
    padding: Padding = 0
    dilation: Size = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        check_flag("MaxPooling", "ceil_mode", self.ceil_mode)
        _ = self.window

    @cached_property
    def window(self) -> Window:
        """The sliding window. Raises InputError for settings out of range."""
        return _pooling_window(
            "MaxPooling",
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
        )

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Maxima]:
        size = self._output_size(x)
        if kernels.pays(x, x.numel()):
            from chainrule.blocks.kernels.pooling import maxima

            y, place = maxima(x, self.window, size)
        else:
            y, place = _maxima(x, self.window, size)
        return y, Maxima(place, (x.shape[2], x.shape[3]))

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        window, padding = self.window, self.window.half_padding
        if x.device.type == "cpu" and x.shape[1] >= 8:
            # the kernel for this order in memory is vectorised: the copy pays three times over
            x = x.contiguous(memory_format=torch.channels_last)
        if padding is not None:
            return F.max_pool2d(
                x, window.kernel, window.stride, padding, window.dilation, window.ceil
            )
        return F.max_pool2d(
            window.pad(x, -math.inf), window.kernel, window.stride, 0, window.dilation
        )

    def backward(self, dy: Tensor, params: Parameters, saved: Maxima) -> tuple[Tensor, Derivatives]:
        if kernels.pays(dy, dy.numel()):
            from chainrule.blocks.kernels.pooling import to_maxima

            return to_maxima(dy, saved.place, self.window, saved.size), {}
        _, kw = self.window.kernel

        def own(k: int, m: int) -> Tensor:
            return torch.where(saved.place == k * kw + m, dy, 0.0)

        return _sum_over_windows(own, dy, self.window, saved.size), {}

    def shape(self, x_shape: Shape) -> Shape:
        size = self.window.output_size("MaxPooling", x_shape)
        _check_pixels("MaxPooling", self.window, x_shape, size)
        return (*x_shape[:2], *size)

    def sees(self, x_shape: Shape) -> Window:
        return self.window

    def to_torch(self, params: Parameters) -> nn.Module:
        window, padding = self.window, self.window.half_padding
        if padding is not None:
            return nn.MaxPool2d(
                window.kernel, window.stride, padding, window.dilation, ceil_mode=window.ceil
            )
        return MaxInside(window)

    def _output_size(self, x: Tensor) -> tuple[int, int]:
        _, _, rows, columns = self.shape(tuple(x.shape))
        return rows, columns


@dataclass(frozen=True)
class AveragePooling(Block):
    """The mean of each window, channel by channel.

        y[n, c, i] = 1/m[i] sum_k x[n, c, t i - p + d k]

    with stride t, dilation d and top padding p, for one column (the second direction is alike); x
    is 0 outside of the image. m[i] is the number of pixels of the window that lie in the image, or
    in the image and its padding with `count_padding`. The stride is the window's size unless given.
    With `ceil_mode` a last window may reach beyond the padding, as in `Window`. Each side's padding
    must be smaller than the window, so that every window holds a pixel.

    Derivation. y[n, c, i] is linear in x, with 1/m[i] for each pixel of its window, so

        dx[n, c, j] = sum over the windows i that hold j of dy[n, c, i] / m[i]

    Linear: no kinks.

    Shapes: x (N, C, H, W) to y (N, C, H', W'), H' as in `Window`. No parameters.
    """

    kernel_size: Size
    stride: Size | None = None
    padding: Padding = 0
    count_padding: bool = False
    dilation: Size = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        check_flag("AveragePooling", "count_padding", self.count_padding)
        check_flag("AveragePooling", "ceil_mode", self.ceil_mode)
        _ = self.window

    @cached_property
    def window(self) -> Window:
        """The sliding window. Raises InputError for settings out of range."""
        return _pooling_window(
            "AveragePooling",
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
        )

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, tuple[int, int]]:
        return self.apply(x, params), (x.shape[2], x.shape[3])

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        _, _, rows, columns = self.shape(tuple(x.shape))
        window, padded = self.window, self.window.pad(x)
        if window.dilation == (1, 1):
            sums = F.avg_pool2d(padded, window.kernel, window.stride, divisor_override=1)
        else:
            wide = kernels.wide(padded)
            taps = (window.seen(wide, k, m, (rows, columns)) for k, m in window.taps)
            sums = reduce(torch.add, taps).to(x.dtype)
        return sums / self._counts(x, (x.shape[2], x.shape[3]))

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[int, int]
    ) -> tuple[Tensor, Derivatives]:
        share = dy / self._counts(dy, saved)
        if kernels.pays(dy, dy.numel()):
            from chainrule.blocks.kernels.pooling import spread

            return spread(share, self.window, saved), {}
        return _sum_over_windows(lambda k, m: share, share, self.window, saved), {}

    def shape(self, x_shape: Shape) -> Shape:
        size = self.window.output_size("AveragePooling", x_shape)
        _check_pixels("AveragePooling", self.window, x_shape, size)
        return (*x_shape[:2], *size)

    def sees(self, x_shape: Shape) -> Window:
        return self.window

    def to_torch(self, params: Parameters) -> nn.Module:
        window, padding = self.window, self.window.half_padding
        if padding is not None and window.dilation == (1, 1):
            return nn.AvgPool2d(
                window.kernel,
                window.stride,
                padding,
                ceil_mode=window.ceil,
                count_include_pad=self.count_padding,
            )
        return MeanInside(window, self.count_padding)

    def _counts(self, like: Tensor, size: tuple[int, int]) -> Tensor | int:
        """m for images of this size, of shape (H', W') where it varies."""
        window = self.window
        if not window.ceil and (self.count_padding or not any(window.padding)):
            return window.kernel[0] * window.kernel[1]
        rows, columns = window.counts(size, with_padding=self.count_padding)
        return torch.tensor(rows, dtype=like.dtype, device=like.device)[:, None] * torch.tensor(
            columns, dtype=like.dtype, device=like.device
        )


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


def _maxima(x: Tensor, window: Window, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The maxima and the place of each in its window, by the library's search."""
    padded = window.pad(x, -math.inf)
    y, where = F.max_pool2d(
        padded, window.kernel, window.stride, 0, window.dilation, return_indices=True
    )
    top, _, left, _ = window.padding
    rows = torch.arange(size[0], device=x.device)[:, None] * window.stride[0]
    columns = torch.arange(size[1], device=x.device) * window.stride[1]
    width = padded.shape[3]
    k = _tap(where.div(width, rounding_mode="floor") - rows, top - rows, window.dilation[0])
    m = _tap(where.remainder(width) - columns, left - columns, window.dilation[1])
    kh, kw = window.kernel
    return y, (k * kw + m).to(torch.uint8 if kh * kw <= 256 else torch.int32)


def _tap(far: Tensor, before: Tensor, dilation: int) -> Tensor:
    """Which tap lies so far from the first one; one in the padding becomes the first that isn't.

    (A maximum is found in the padding where all that the window holds is minus infinity.)
    """
    first = (before + dilation - 1).div(dilation, rounding_mode="floor")
    return far.div(dilation, rounding_mode="floor").maximum(first)


def _sum_over_windows(
    own: Callable[[int, int], Tensor], dy: Tensor, window: Window, size: tuple[int, int]
) -> Tensor:
    """dx (N, C, *size): own(k, m) added where tap (k, m) of each window lies."""
    n, c, *outputs = dy.shape
    height, width = window.padded_size(size, (outputs[0], outputs[1]))
    # in 16 bits a sum over windows would lose its last bits
    dx = kernels.wide(dy.new_zeros(n, height, width, c)).permute(0, 3, 1, 2)
    for k, m in window.taps:
        window.seen(dx, k, m, (outputs[0], outputs[1])).add_(own(k, m))
    return window.crop(dx, size).to(dy.dtype)


def _pooling_window(
    block: str,
    kernel_size: Size,
    stride: Size | None,
    padding: Padding,
    dilation: Size,
    ceil: bool,
) -> Window:
    step = kernel_size if stride is None else stride
    window = make_window(block, kernel_size, step, padding, dilation, ceil)
    (eh, ew), (top, bottom, left, right) = window.extent, window.padding
    if max(top, bottom) >= eh or max(left, right) >= ew:
        raise InputError(
            f"{block}: `padding` is {padding!r}; expected less than the window's {eh}x{ew} on each "
            "side, so that every window holds a pixel"
        )
    return window


def _check_pixels(block: str, window: Window, x_shape: Shape, size: tuple[int, int]) -> None:
    """Check that no window's taps all miss the image, as dilated ones may. Raises ShapeError."""
    if window.dilation == (1, 1) or not any(window.padding):
        return
    if 0 in (counts := window.counts((x_shape[2], x_shape[3]), with_padding=False))[0] + counts[1]:
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}, of which a window with dilation "
            f"{window.dilation} and padding {window.padding} sees no pixel; expected one at least"
        )
