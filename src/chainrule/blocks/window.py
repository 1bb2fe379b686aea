"""The sliding window of convolution and pooling: which inputs one output looks at."""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Shape, check_image_shape, check_whole
from chainrule.errors import InputError, ShapeError

Size = int | tuple[int, int]
"""One number for both directions, or (vertical, horizontal)."""

Padding = int | tuple[int, int] | tuple[int, int, int, int]
"""One number for all sides, (vertical, horizontal), or (top, bottom, left, right); in pixels."""


@dataclass(frozen=True)
class Window:
    """Output row i looks at the input rows  i * stride - top + k * dilation,  0 <= k < kernel.

    Columns likewise. Rows outside of the input are padding. The number of output rows is

        1 + floor((H + top + bottom - extent) / stride),   extent = dilation * (kernel - 1) + 1
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def extent(self) -> tuple[int, int]:
        """How many input rows and columns lie between the first and the last, both counted."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return dh * (kh - 1) + 1, dw * (kw - 1) + 1

    @property
    def even_padding(self) -> tuple[int, int] | None:
        """(vertical, horizontal) where opposite sides are padded alike, as kernels want it."""
        top, bottom, left, right = self.padding
        return (top, left) if (top, left) == (bottom, right) else None

    @property
    def half_padding(self) -> tuple[int, int] | None:
        """`even_padding` where it is half a window at most, as the library's pooling wants it."""
        padding, (kh, kw) = self.even_padding, self.kernel
        fits = padding is not None and padding[0] <= kh // 2 and padding[1] <= kw // 2
        return padding if fits else None

    @property
    def around(self) -> tuple[int, int, int, int]:
        """The padding in torch's order: left, right, top, bottom."""
        top, bottom, left, right = self.padding
        return left, right, top, bottom

    def output_size(self, block: str, x_shape: Shape) -> tuple[int, int]:
        """Rows and columns of the output. Raises ShapeError if the window does not fit."""
        check_image_shape(block, x_shape)
        top, bottom, left, right = self.padding
        height, width = x_shape[2] + top + bottom, x_shape[3] + left + right
        eh, ew = self.extent
        if eh > height or ew > width:
            raise ShapeError(
                f"{block}: the window spans {eh}x{ew} pixels, the padded input {height}x{width} "
                f"(input of shape {tuple(x_shape)}); expected an input no smaller than the window"
            )
        return 1 + (height - eh) // self.stride[0], 1 + (width - ew) // self.stride[1]

    def pad(self, x: Tensor, value: float = 0.0) -> Tensor:
        """x (N, C, H, W) with its padding put around it."""
        return F.pad(x, self.around, value=value) if any(self.padding) else x

    def crop(self, x: Tensor) -> Tensor:
        """Undo `pad`: the derivative of padding drops what was put around."""
        top, bottom, left, right = self.padding
        height, width = x.shape[2:]
        return x[:, :, top : height - bottom, left : width - right]


def make_window(
    block: str, kernel_size: Size, stride: Size, padding: Padding, dilation: Size = 1
) -> Window:
    """The window of these settings. Raises InputError if one of them is out of range."""
    return Window(
        _pair(block, "kernel_size", kernel_size, 1),
        _pair(block, "stride", stride, 1),
        _sides(block, padding),
        _pair(block, "dilation", dilation, 1),
    )


def _pair(block: str, setting: str, value: Any, least: int) -> tuple[int, int]:
    values = value if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise InputError(
            f"{block}: `{setting}` is {value!r}; expected one whole number or two "
            "(vertical, horizontal)"
        )
    vertical, horizontal = (check_whole(block, setting, v, least) for v in values)
    return vertical, horizontal


def _sides(block: str, padding: Any) -> tuple[int, int, int, int]:
    if isinstance(padding, tuple | list) and len(padding) == 4:
        top, bottom, left, right = (check_whole(block, "padding", p, 0) for p in padding)
        return top, bottom, left, right
    if isinstance(padding, tuple | list) and len(padding) != 2:
        raise InputError(
            f"{block}: `padding` is {padding!r}; expected one whole number, two (vertical, "
            "horizontal) or four (top, bottom, left, right)"
        )
    vertical, horizontal = _pair(block, "padding", padding, 0)
    return vertical, vertical, horizontal, horizontal
