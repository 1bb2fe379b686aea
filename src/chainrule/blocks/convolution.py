"""Convolution by a bank of filters."""

from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor, nn

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
from chainrule.blocks.correlation import correlated, filter_sums, spread
from chainrule.blocks.reflection import check_reflected, reflected, reflected_dx
from chainrule.blocks.torch_modules import PaddedConv2d, with_parameters
from chainrule.blocks.window import Padding, Size, Window, make_window
from chainrule.errors import InputError


@dataclass(frozen=True)
class Convolution(Block):
    """A bank of filters slides over the input, with stride, padding, dilation and groups.

    With stride t, dilation d, top padding p, and one column only (the second direction is alike):

        y[n, o, i] = b[o] + sum_c sum_k w[o, c, k] x[n, c, t i - p + d k]

    where x is 0 outside of the image, or with `padding_mode` "reflect" the image mirrored at its
    first and last pixels, x[-j] = x[j]. With `padding` "same", y has H / t rows, rounded up. This
    is the correlation that the field calls convolution: the filter is not flipped. With G groups,
    output o of group g sees only the C / G inputs of group g (G = C is the depthwise convolution).

    Derivation. y[n, o, i] depends on x[n, c, j] through every k with t i - p + d k = j, and the
    derivative there is w[o, c, k]. So by the chain rule

        dx[n, c, j] = sum_o sum_{(i, k): t i - p + d k = j} w[o, c, k] dy[n, o, i]

    which is the transposed convolution: each dy spreads the filter over the pixels that it saw. For
    t = 1, i = j + p - d k runs backwards as k runs forwards: the convolution of dy with the flipped
    filter. Likewise, w[o, c, k] enters every y[n, o, i], times the pixel that it met there:

        dw[o, c, k] = sum_n sum_i dy[n, o, i] x[n, c, t i - p + d k]
        db[o]       = sum_n sum_i dy[n, o, i]

    where dw is the correlation of x with dy: now t spaces the taps and d the outputs. The sum over
    n is there because the same filter is used on every image. Where x is mirrored, a pixel's
    derivative is the sum of those of its images. Convolution is linear in x and in w: no kinks.

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
    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        for setting in ("in_channels", "out_channels", "groups"):
            check_whole("Convolution", setting, getattr(self, setting), 1)
        check_flag("Convolution", "bias", self.bias)
        if self.padding_mode not in ("zeros", "reflect"):
            raise InputError(
                f"Convolution: `padding_mode` is {self.padding_mode!r}; expected 'zeros' or "
                "'reflect'"
            )
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
        if self.padding_mode == "reflect":
            return correlated(reflected(x, self.window.padding), w, b, self._inner, self.groups)
        return correlated(x, w, b, self.window, self.groups)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        w, (height, width) = params["weight"], (saved.shape[2], saved.shape[3])
        if self.padding_mode == "reflect":
            top, bottom, left, right = self.window.padding
            padded = (height + top + bottom, width + left + right)
            dx = spread(dy, w, padded, self._inner, self.groups)
            dx = reflected_dx(dx, self.window.padding)
        else:
            dx = spread(dy, w, (height, width), self.window, self.groups)
        return dx, self.parameter_derivatives(dy, params, saved)

    def parameter_derivatives(self, dy: Tensor, params: Parameters, saved: Tensor) -> Derivatives:
        if self.padding_mode == "reflect":
            x, window = reflected(saved, self.window.padding), self._inner
        else:
            x, window = saved, self.window
        dw = filter_sums(x, dy, window, self.groups)
        return {"weight": dw, "bias": dy.sum((0, 2, 3))} if self.bias else {"weight": dw}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("Convolution", x_shape, self.in_channels)
        if self.padding_mode == "reflect":
            check_reflected("Convolution", x_shape, self.window.padding)
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
        if not window.even_padding or self.padding_mode == "reflect":
            module.padding = (0, 0)
            module.around, module.around_mode = window.around, self.padding_mode
        return with_parameters(module, params)

    @cached_property
    def _inner(self) -> Window:
        """The window over what has its padding already."""
        return replace(self.window, padding=(0, 0, 0, 0))
