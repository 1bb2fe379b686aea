"""Convolutions and fully connected layers as steps of a plan.

With the filters as rows w[o] of a matrix, and what each window sees as a row of the patches,

    y = max(0, patches w'),     dz = dy where y > 0,     dw = dz' patches,     d patches = dz w

and each pixel's derivative is the sum of those of its places in the patches. A bias is a column
more of w, where the patches hold a 1.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks import Convolution
from chainrule.blocks.block import Shape
from chainrule.blocks.kernels.convolution import weight_derivative
from chainrule.blocks.kernels.numbers import bits
from chainrule.blocks.kernels.packing import SLACK, line_of, pack, unpack
from chainrule.blocks.kernels.pairs import weight_derivative_by_pairs
from chainrule.blocks.kernels.taps import taps_of
from chainrule.blocks.kernels.tile import MULTIPLIES_PAIRS
from chainrule.training.plan.maps import Map, Memory, Scratch, result_of
from chainrule.training.plan.steps import gated

PACKED = 8 << 20
"""Bytes of patches that a step keeps for its backward pass; of more it packs a part at a time."""


class Product:
    """Each pixel times the filters: a fully connected layer, or a window of one pixel."""

    def __init__(
        self,
        weight: Tensor,
        gradient: Tensor,
        bias: tuple[Tensor, Tensor] | None,
        relu: bool,
        scratch: Scratch,
    ) -> None:
        """weight: (O, C), and its gradient; bias: (1, O), and its gradient."""
        self._weight, self._gradient, self._bias, self._relu = weight, gradient, bias, relu
        self._scratch, self._y = scratch, Memory(scratch.dtype)

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        n, height, width, _ = x.tensor.shape
        y = self._y.map(n, height, width, len(self._weight))
        if self._bias is None:
            torch.mm(x.rows, self._weight.T, out=y.rows)
        else:
            torch.addmm(self._bias[0], x.rows, self._weight.T, out=y.rows)
        if self._relu:
            torch.relu_(y.rows)
        self._x, self._out = x, y
        return y

    def backward(self, dy: Map, first: bool) -> Map | None:
        dz = gated(dy, self._out, self._scratch) if self._relu else dy
        if self._bias is not None:
            torch.sum(dz.rows, 0, keepdim=True, out=self._bias[1])
        torch.mm(dz.rows.T, self._x.rows, out=self._gradient)
        if first:
            return None
        dx = self._scratch.map(self._x.tensor.shape, dz)
        torch.mm(dz.rows, self._weight, out=dx.rows)
        return dx


class Ways(NamedTuple):
    """How a convolution is done: by patches, or by the library's convolutions and our kernels.

    forward, to_x, to_w: whether y, dx and dw come from patches.
    """

    forward: bool
    to_x: bool
    to_w: bool


def ways_of(block: Convolution, x_shape: Shape, dtype: torch.dtype) -> Ways:
    """The ways that are the fastest on the processors at hand (AMD EPYC, families 25 and 26).

    Patches pay where they copy each pixel a few times only. Else the library's convolution is
    better for y, and a kernel of ours for dw, in float32 and for pairs of bfloat16. Where there is
    none, in 16 bits without the instruction for it, dw is a product with patches anyway, so they
    are there for y, unless so few filters multiply them that the product is slow. For dx in 16 bits
    they pay where the windows are fewer than the pixels; else each dy meets as many filters by the
    library's transposed convolution, and nothing is to be added up.
    """
    _, channels, height, width = x_shape
    _, outputs, rows, columns = block.shape(x_shape)
    taps = block.window.kernel[0] * block.window.kernel[1]
    copies = rows * columns * taps / (height * width)
    if dtype != torch.bfloat16:
        few = copies <= 1.5
        return Ways(few, few or block.window.stride != (1, 1), False)
    to_x = rows * columns < 0.8 * height * width
    if MULTIPLIES_PAIRS:
        few = copies <= 6
        return Ways(few, to_x, few)
    slow = channels % 16 == 0 and outputs < 32
    return Ways(not slow, to_x, True)


class Filters:
    """A convolution with windows of more than one pixel."""

    def __init__(
        self,
        block: Convolution,
        weight: Tensor,
        gradient: Tensor,
        relu: bool,
        ways: Ways,
        scratch: Scratch,
    ) -> None:
        """weight: (O, length of a patch), its bias behind the taps; and its gradient."""
        self._window, self._relu, self._ways = block.window, relu, ways
        self._weight, self._gradient = weight, gradient
        self._used = math.prod(block.parameter_shapes()["weight"][1:])
        self._taps = taps_of(block.window)
        inside = (*block.window.kernel, block.in_channels)
        self._filters = torch.unflatten(weight[:, : self._used], 1, inside).permute(0, 3, 1, 2)
        self._has_bias = block.bias
        self._tail = bits(torch.eye(1, SLACK, dtype=weight.dtype)[0])
        self._scratch = scratch
        self._roomy, self._y, self._patches, self._spread = (
            Memory(scratch.dtype) for _ in range(4)
        )
        self._kept: Tensor | None

    def forward(self, x: Map, drawn: dict[str, Tensor]) -> Map:
        self._x, self._kept = x, None
        if (self._ways.forward or self._ways.to_w) and not x.roomy:
            self._x = self._roomy.copy(x.tensor)
        self._out = self._by_patches() if self._ways.forward else self._by_library()
        return self._out

    def _by_patches(self) -> Map:
        n, height, width, _ = self._x.tensor.shape
        size = self._window.output_size("Convolution", (n, 1, height, width))
        y = self._y.map(n, *size, len(self._weight))
        for images, rows in self._parts(y):
            torch.mm(self._packed(images, y), self._weight.T, out=y.rows[rows])
        if self._relu:
            torch.relu_(y.rows)
        return y

    def _by_library(self) -> Map:
        window, (image, padding) = self._window, self._padded()
        bias = self._weight[:, self._used].contiguous() if self._has_bias else None
        found = F.conv2d(image, self._filters, bias, window.stride, padding, window.dilation)
        if self._relu:
            torch.relu_(found)
        return result_of(found)

    def backward(self, dy: Map, first: bool) -> Map | None:
        dz = gated(dy, self._out, self._scratch) if self._relu else dy
        if self._ways.to_w:
            self._to_weights(dz)
        else:
            self._to_weights_by_kernel(dz)
        if first:
            return None
        return self._to_pixels(dz) if self._ways.to_x else self._to_pixels_by_library(dz)

    def _to_weights(self, dz: Map) -> None:
        """dw = dz' patches, summed in float32 over the parts."""
        parts = self._parts(dz)
        if len(parts) == 1:
            patches = self._packed(parts[0][0], dz) if self._kept is None else self._kept
            torch.mm(dz.rows.T, patches, out=self._gradient)
            return
        total = torch.zeros(self._gradient.shape)
        for images, rows in parts:
            total += dz.rows[rows].T @ self._packed(images, dz)
        self._gradient.copy_(total)

    def _to_weights_by_kernel(self, dz: Map) -> None:
        """The same sums without patches: `chainrule.blocks.kernels.convolution`, or `pairs`."""
        if self._weight.dtype == torch.bfloat16:
            dw = torch.from_numpy(weight_derivative_by_pairs(self._x.array, dz.array, self._window))
        else:
            padded = self._window.pad(self._x.image)
            dw = weight_derivative(padded, dz.image, self._window).permute(0, 2, 3, 1)
        self._gradient[:, : self._used] = dw.reshape(len(dw), -1)
        if self._has_bias:
            self._gradient[:, self._used] = dz.rows.sum(0)

    def _to_pixels(self, dz: Map) -> Map:
        """dx: dz w, and each pixel's sum over its places in the patches."""
        dx = self._scratch.map(self._x.tensor.shape, dz)
        _, _, width, channels = dx.tensor.shape
        columns, length = dz.tensor.shape[2], self._weight.shape[1]
        size = (dz.tensor.shape[1], columns)
        line = line_of(self._taps, columns, width, channels, np.float32)
        for images, rows in self._parts(dz):
            spread = self._spread.map(1, 1, rows.stop - rows.start, length)
            torch.mm(dz.rows[rows], self._weight, out=spread.rows)
            unpack(spread.flat, dx.array[images], self._taps, size, length, line)
        return dx

    def _to_pixels_by_library(self, dz: Map) -> Map:
        """dx: each dy spreads the filter over the pixels that it saw."""
        window, padding = self._window, self._window.even_padding
        size = (self._x.tensor.shape[1], self._x.tensor.shape[2])
        top, bottom, left, right = window.padding
        rest = (
            (size[0] + top + bottom - window.extent[0]) % window.stride[0],
            (size[1] + left + right - window.extent[1]) % window.stride[1],
        )
        found = F.conv_transpose2d(
            dz.image, self._filters, None, window.stride, padding or 0, rest, 1, window.dilation
        )
        return result_of(found if padding is not None else window.crop(found, size))

    def _parts(self, y: Map) -> Sequence[tuple[slice, slice]]:
        """Images, and their rows of y, whose patches are in memory at the same time."""
        images, windows = len(y.tensor), y.tensor.shape[1] * y.tensor.shape[2]
        each = windows * self._weight.shape[1] * self._weight.dtype.itemsize
        most = max(1, PACKED // each)
        return [
            (slice(i, min(images, i + most)), slice(i * windows, min(images, i + most) * windows))
            for i in range(0, max(1, images), most)
        ]

    def _packed(self, images: slice, y: Map) -> Tensor:
        """The patches of some images."""
        array, length = self._x.array[images], self._weight.shape[1]
        size = (y.tensor.shape[1], y.tensor.shape[2])
        patches = self._patches.map(1, 1, len(array) * size[0] * size[1], length)
        pack(array, patches.flat, self._taps, size, length, self._tail)
        self._kept = patches.rows
        return patches.rows

    def _padded(self) -> tuple[Tensor, tuple[int, int]]:
        """x and the padding left to the library, which can pad opposite sides only alike."""
        x, padding = self._x.image, self._window.even_padding
        return (x, padding) if padding is not None else (self._window.pad(x), (0, 0))
