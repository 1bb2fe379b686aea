"""Convolution by a bank of filters."""

from dataclasses import dataclass
from functools import cached_property

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
    check_same_type,
    check_whole,
)
from chainrule.blocks.patches import patches_pay, product, product_dw, product_dx, taps_times_dy
from chainrule.blocks.torch_modules import PaddedConv2d, with_parameters
from chainrule.blocks.window import Padding, Size, Window, make_window
from chainrule.errors import InputError


@dataclass(frozen=True)
class Convolution(Block):
    """A bank of filters slides over the input, with stride, padding, dilation and groups.

    With stride t, dilation d, top padding p, and one column only (the second direction is alike):

        y[n, o, i] = b[o] + sum_c sum_k w[o, c, k] x[n, c, t i - p + d k]

    where x is 0 outside of the image. This is the correlation that the field calls convolution: the
    filter is not flipped. With G groups, output o of group g sees only the C / G inputs of group g
    (G = C is the depthwise convolution).

    Derivation. y[n, o, i] depends on x[n, c, j] through every k with t i - p + d k = j, and the
    derivative there is w[o, c, k]. So by the chain rule

        dx[n, c, j] = sum_o sum_{(i, k): t i - p + d k = j} w[o, c, k] dy[n, o, i]

    which is the transposed convolution: each dy spreads the filter over the pixels that it saw. For
    t = 1, i = j + p - d k runs backwards as k runs forwards: the convolution of dy with the flipped
    filter. Likewise, w[o, c, k] enters every y[n, o, i], times the pixel that it met there:

        dw[o, c, k] = sum_n sum_i dy[n, o, i] x[n, c, t i - p + d k]
        db[o]       = sum_n sum_i dy[n, o, i]

    where dw is the correlation of x with dy: now t spaces the taps and d the outputs. The sum over
    n is there because the same filter is used on every image. Convolution is linear in x and in w:
    no kinks.

    Parameters: weight (out_channels, in_channels / groups, kh, kw), bias (out_channels,).
    Shapes: x (N, in_channels, H, W) to y (N, out_channels, H', W'), H' as in `Window`.
    Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    """

    in_channels: int
    out_channels: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        for setting in ("in_channels", "out_channels", "groups"):
            check_whole("Convolution", setting, getattr(self, setting), 1)
        check_flag("Convolution", "bias", self.bias)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise InputError(
                f"Convolution: `groups` is {self.groups}; expected a divisor of `in_channels` "
                f"({self.in_channels}) and of `out_channels` ({self.out_channels})"
            )
        _ = self.window

    @cached_property
    def window(self) -> Window:
        """The sliding window. Raises InputError for settings out of range."""
        return make_window(
            "Convolution", self.kernel_size, self.stride, self.padding, self.dilation
        )

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return self.apply(x, params), x

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        self.shape(tuple(x.shape))
        w, b = params["weight"], params["bias"] if self.bias else None
        check_same_type("Convolution", x, w)
        if self._as_product(x):
            return product(x, w, b)
        x, padding = self._padded(x)
        window = self.window
        return F.conv2d(x, w, b, window.stride, padding, window.dilation, self.groups)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        window, w = self.window, params["weight"]
        if self._as_product(saved):
            dx = product_dx(dy, w, saved)
            return dx, self.parameter_derivatives(dy, params, saved)
        height, width = saved.shape[2:]
        top, bottom, left, right = window.padding
        # the last rows and columns that no window reaches, since the stride steps over the end
        rest = (
            (height + top + bottom - window.extent[0]) % window.stride[0],
            (width + left + right - window.extent[1]) % window.stride[1],
        )
        padding = window.even_padding
        dx = F.conv_transpose2d(
            dy, w, None, window.stride, padding or 0, rest, self.groups, window.dilation
        )
        if padding is None:
            dx = window.crop(dx, (height, width))
        return dx, self.parameter_derivatives(dy, params, saved)

    def parameter_derivatives(self, dy: Tensor, params: Parameters, saved: Tensor) -> Derivatives:
        window, w = self.window, params["weight"]
        x, copies = saved, dy.numel() * w[0].numel()
        if self._as_product(x) and x.dtype.itemsize < 4:
            dw = product_dw(dy, w, x)
        elif kernels.pays(x, copies // 64):
            from chainrule.blocks.kernels.convolution import weight_derivative

            dw = weight_derivative(window.pad(x), dy, window, self.groups)
        else:
            dw = taps_times_dy(window.pad(x), dy, window, self.groups)
        return {"weight": dw, "bias": dy.sum((0, 2, 3))} if self.bias else {"weight": dw}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("Convolution", x_shape, self.in_channels)
        return (x_shape[0], self.out_channels, *self.window.output_size("Convolution", x_shape))

    def parameter_shapes(self) -> dict[str, Shape]:
        inputs = self.in_channels // self.groups
        weight = (self.out_channels, inputs, *self.window.kernel)
        return {"weight": weight, "bias": weight[:1]} if self.bias else {"weight": weight}

    def sees(self, x_shape: Shape) -> Window:
        return self.window

    def to_torch(self, params: Parameters) -> nn.Module:
        window = self.window
        module = PaddedConv2d(
            self.in_channels,
            self.out_channels,
            window.kernel,
            window.stride,
            window.even_padding or 0,
            window.dilation,
            self.groups,
            self.bias,
            device="meta",  # draws no initial weights: these are replaced
        )
        module.around = None if window.even_padding else window.around
        return with_parameters(module, params)

    def _as_product(self, x: Tensor) -> bool:
        """Whether patches times filters is the faster way; the numbers are the same."""
        return x.device.type == "cpu" and self.groups == 1 and patches_pay(x, self.window)

    def _padded(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """x and the padding left to the kernel, which can pad opposite sides only alike."""
        if self.in_channels == 1 and x.device.type == "cpu" and x.is_contiguous():
            # one channel: the same bytes are channels_last, and the kernel goes by the strides
            height, width = x.shape[2:]
            x = x.as_strided(x.shape, (height * width, 1, width, 1))
        padding = self.window.even_padding
        return (x, padding) if padding is not None else (self.window.pad(x), (0, 0))
