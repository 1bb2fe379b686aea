"""The transposed convolution."""

from dataclasses import dataclass
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
from chainrule.blocks.torch_modules import CroppedConvTranspose2d, with_parameters
from chainrule.blocks.window import Padding, Size, Spread, Window, make_pair, make_window
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class TransposedConvolution(Block):
    """Every input spreads the filter over the output: the convolution turned round.

    With stride t, dilation d, top padding p, and one column only (the second direction is alike):

        y[n, o, j] = b[o] + sum_c sum_{(i, k): t i - p + d k = j} w[c, o, k] x[n, c, i]

    With stride t the output has about t times the rows. The padding is what a convolution would
    have added to y: so much is cut off. With G groups the inputs of group g reach only the outputs
    of group g.

    Derivation. y[n, o, j] depends on x[n, c, i] through the k with t i - p + d k = j, by
    w[c, o, k]; turned round, x[n, c, i] enters y at j = t i - p + d k for every k. So by the chain
    rule

        dx[n, c, i] = sum_o sum_k w[c, o, k] dy[n, o, t i - p + d k]

    which is the convolution of dy with the same filter, and w[c, o, k] enters there, too:

        dw[c, o, k] = sum_n sum_i x[n, c, i] dy[n, o, t i - p + d k]
        db[o]       = sum_n sum_j dy[n, o, j]

    that is, a convolution's dw with x and dy in each other's place. Linear in x and w: no kinks.

    Parameters: weight (in_channels, out_channels / groups, kh, kw), bias (out_channels,).
    Shapes: x (N, in_channels, H, W) to y (N, out_channels, H', W') with

        H' = (H - 1) stride - top - bottom + dilation (kernel - 1) + 1 + output_padding

    `output_padding` tells which of the sizes that the convolution would bring to H is meant; it is
    smaller than the stride.
    Source: Zeiler et al., Deconvolutional networks, 2010; Dumoulin and Visin, A guide to
    convolution arithmetic for deep learning, 2016, chapter 4.
    """

    in_channels: int
    out_channels: int
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    output_padding: Size = 0
    dilation: Size = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        name = "TransposedConvolution"
        for setting in ("in_channels", "out_channels", "groups"):
            check_whole(name, setting, getattr(self, setting), 1)
        check_flag(name, "bias", self.bias)
        if isinstance(self.padding, str):
            raise InputError(f"{name}: `padding` is {self.padding!r}; expected whole numbers")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise InputError(
                f"{name}: `groups` is {self.groups}; expected a divisor of `in_channels` "
                f"({self.in_channels}) and of `out_channels` ({self.out_channels})"
            )
        steps = zip(self.window.stride, self._more, strict=True)
        if any(more >= stride for stride, more in steps):
            raise InputError(
                f"{name}: `output_padding` is {self.output_padding!r}; expected less than the "
                "stride"
            )

    @cached_property
    def window(self) -> Window:
        """The window of the convolution that goes back from y to x. Raises InputError."""
        name = "TransposedConvolution"
        return make_window(name, self.kernel_size, self.stride, self.padding, self.dilation)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return self.apply(x, params), x

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        _, _, rows, columns = self.shape(tuple(x.shape))
        w = params["weight"]
        check_same_type("TransposedConvolution", x, w)
        y = spread(x, w, (rows, columns), self.window, self.groups)
        return y + params["bias"].view(1, -1, 1, 1) if self.bias else y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        dx = correlated(dy, params["weight"], None, self.window, self.groups)
        return dx, self.parameter_derivatives(dy, params, saved)

    def parameter_derivatives(self, dy: Tensor, params: Parameters, saved: Tensor) -> Derivatives:
        dw = filter_sums(dy, saved, self.window, self.groups)
        return {"weight": dw, "bias": dy.sum((0, 2, 3))} if self.bias else {"weight": dw}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("TransposedConvolution", x_shape, self.in_channels)
        (eh, ew), (sh, sw), (mh, mw) = self.window.extent, self.window.stride, self._more
        top, bottom, left, right = self.window.padding
        rows = (x_shape[2] - 1) * sh - top - bottom + eh + mh
        columns = (x_shape[3] - 1) * sw - left - right + ew + mw
        if rows < 1 or columns < 1:
            raise ShapeError(
                f"TransposedConvolution: the input has shape {tuple(x_shape)}, of whose output the "
                f"padding {self.window.padding} leaves {rows}x{columns}; expected some pixels"
            )
        return (x_shape[0], self.out_channels, rows, columns)

    def parameter_shapes(self) -> dict[str, Shape]:
        weight = (self.in_channels, self.out_channels // self.groups, *self.window.kernel)
        if not self.bias:
            return {"weight": weight}
        return {"weight": weight, "bias": (self.out_channels,)}

    def sees(self, x_shape: Shape) -> Window:
        window = self.window
        return Spread(window.kernel, window.stride, window.padding, window.dilation)

    def to_torch(self, params: Parameters) -> nn.Module:
        window = self.window
        module = CroppedConvTranspose2d(
            self.in_channels,
            self.out_channels,
            window.kernel,
            window.stride,
            window.even_padding or 0,
            self._more,
            self.groups,
            self.bias,
            window.dilation,
            device="meta",  # draws no initial weights: these are replaced
        )
        module.cut = None if window.even_padding else window.padding
        return with_parameters(module, params)

    @cached_property
    def _more(self) -> tuple[int, int]:
        return make_pair("TransposedConvolution", "output_padding", self.output_padding, 0)
