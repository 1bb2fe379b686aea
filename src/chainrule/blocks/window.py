"""The sliding window of convolution and pooling: which inputs one output looks at."""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Shape, check_image_shape, check_whole
from chainrule.errors import InputError, ShapeError

Size = int | tuple[int, int]
"""One number for both directions, or (vertical, horizontal)."""

Padding = int | tuple[int, int] | tuple[int, int, int, int] | str
"""One number for all sides, (vertical, horizontal), or (top, bottom, left, right); in pixels.

Or "same": as many as make H / stride output rows, rounded up, of every H: extent - 1 in all, half
of them before, rounded down.
"""


@dataclass(frozen=True)
class Window:
    """Output row i looks at the input rows  i * stride - top + k * dilation,  0 <= k < kernel.

    Columns likewise. Rows outside of the input are padding. The number of output rows is

        1 + floor((H + top + bottom - extent) / stride),   extent = dilation * (kernel - 1) + 1

    With `ceil` it is 1 + ceil(...): the last window may reach beyond the padding (to rows that
    count for nothing), if it begins before the padding at the bottom does.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil: bool = False

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
        return (
            self._windows(height, eh, self.stride[0], x_shape[2] + top),
            self._windows(width, ew, self.stride[1], x_shape[3] + left),
        )

    def pad(self, x: Tensor, value: float = 0.0) -> Tensor:
        """x (N, C, H, W) with its padding put around it, and what the last windows reach beyond."""
        around = self.around
        if self.ceil:
            left, right, top, bottom = around
            size = x.shape[2], x.shape[3]
            height, width = self.padded_size(size, self.output_size("pooling", tuple(x.shape)))
            beyond = height - top - size[0], width - left - size[1]
            around = (left, max(right, beyond[1]), top, max(bottom, beyond[0]))
        return F.pad(x, around, value=value) if any(around) else x

    def crop(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Undo `pad` of an image (H, W): the derivative of padding drops what was put around."""
        top, left = self.padding[0], self.padding[2]
        return x[:, :, top : top + size[0], left : left + size[1]]

    def seen(self, x: Tensor, k: int, m: int, size: tuple[int, int]) -> Tensor:
        """What tap (k, m) of each window sees of the padded x: a view (N, C, *size)."""
        (sh, sw), (dh, dw), (rows, columns) = self.stride, self.dilation, size
        top, left = k * dh, m * dw
        return x[
            :, :, top : top + (rows - 1) * sh + 1 : sh, left : left + (columns - 1) * sw + 1 : sw
        ]

    @property
    def taps(self) -> list[tuple[int, int]]:
        """All (k, m) of a window, in reading order."""
        return [(k, m) for k in range(self.kernel[0]) for m in range(self.kernel[1])]

    def padded_size(self, size: tuple[int, int], outputs: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns that hold an image of this size and all that its windows see."""
        (eh, ew), (sh, sw) = self.extent, self.stride
        top, _, left, _ = self.padding
        rows, columns = outputs
        return (
            max(top + size[0], (rows - 1) * sh + eh),
            max(left + size[1], (columns - 1) * sw + ew),
        )

    def counts(self, size: tuple[int, int], *, with_padding: bool) -> tuple[list[int], list[int]]:
        """How many of each window's rows, and columns, lie in an image of this size.

        Or in the image and its padding, but not beyond.
        """
        rows, columns = self.output_size("pooling", (1, 1, *size))
        top, bottom, left, right = self.padding
        around = ((top, bottom), (left, right)) if with_padding else ((0, 0), (0, 0))
        found = []
        for axis, (outputs, before) in enumerate(((rows, top), (columns, left))):
            kernel, step, apart = self.kernel[axis], self.stride[axis], self.dilation[axis]
            inside = range(-around[axis][0], size[axis] + around[axis][1])
            first = [i * step - before for i in range(outputs)]
            found.append([sum(f + k * apart in inside for k in range(kernel)) for f in first])
        return found[0], found[1]

    def _windows(self, length: int, extent: int, stride: int, end: int) -> int:
        """How many windows fit the padded length; the last one begins before `end`."""
        count, rest = divmod(length - extent, stride)
        count += 1
        return count + 1 if self.ceil and rest and count * stride < end else count


class Spread(Window):
    """The window of a transposed convolution: output row j sees the input rows i with

    i * stride - top + k * dilation = j,      0 <= k < kernel
    """


def make_window(
    block: str,
    kernel_size: Size,
    stride: Size,
    padding: Padding,
    dilation: Size = 1,
    ceil: bool = False,
) -> Window:
    """The window of these settings. Raises InputError if one of them is out of range."""
    kernel = make_pair(block, "kernel_size", kernel_size, 1)
    step, apart = make_pair(block, "stride", stride, 1), make_pair(block, "dilation", dilation, 1)
    if padding == "same":
        (above, left) = (d * (k - 1) for k, d in zip(kernel, apart, strict=True))
        sides = (above // 2, above - above // 2, left // 2, left - left // 2)
    else:
        sides = _sides(block, padding)
    return Window(kernel, step, sides, apart, ceil)


def make_pair(block: str, setting: str, value: Any, least: int) -> tuple[int, int]:
    """(vertical, horizontal) of a setting of one number or two. Raises InputError."""
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
            "horizontal), four (top, bottom, left, right) or 'same'"
        )
    if isinstance(padding, str):
        raise InputError(f"{block}: `padding` is {padding!r}; expected whole numbers or 'same'")
    vertical, horizontal = make_pair(block, "padding", padding, 0)
    return vertical, vertical, horizontal, horizontal
