"""The bilinear sampler: an image seen at given places."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_image_shape,
    shapes_of,
)
from chainrule.blocks.kernels import wide
from chainrule.blocks.torch_modules import GridSample
from chainrule.errors import ShapeError


class SamplerSaved(NamedTuple):
    """What `backward` needs: the inputs."""

    x: Tensor
    grid: Tensor


@dataclass(frozen=True)
class BilinearSampler(Block):
    """An image is read at the places that a grid names, between its pixels by interpolation.

    The grid holds a place (g_0, g_1), vertical and horizontal, for each output pixel j; -1 is the
    centre of the first row or column, 1 that of the last:

        u = (g_0 + 1)/2 (H - 1),      v = (g_1 + 1)/2 (W - 1)

        y[n, c, j] = sum_h sum_w x[n, c, h, w] k(u - h) k(v - w),      k(a) = max(0, 1 - |a|)

    where x is 0 outside of the image. Of the sum, the four pixels around (u, v) are left: with
    h = floor(u) and a = u - h, the rows h and h + 1 have the weights 1 - a and a.

    Derivation. y is linear in x:

        dx[n, c, h, w] = sum_j dy[n, c, j] k(u - h) k(v - w)

    and u enters by k(u - h) and k(u - h - 1), whose slopes between the rows are -1 and 1, so

        ds/du = sum_c dy[n, c, j] sum_w (x[n, c, h + 1, w] - x[n, c, h, w]) k(v - w)
        dg_0  = (H - 1)/2 ds/du

    and likewise dg_1 with (W - 1)/2.

    Kinks: in the grid, where u or v is whole: there the slopes of two neighbours meet. The
    derivative taken there is that of the larger u or v.

    Shapes: x (N, C, H, W) and grid (N, 2, H', W') to y (N, C, H', W'). No parameters. A place that
    is not finite is outside.
    Source: Jaderberg et al., Spatial transformer networks, 2015, eqs. 5 to 7.
    """

    @property
    def several_inputs(self) -> bool:
        return True

    def forward(self, x: tuple[Tensor, Tensor], params: Parameters) -> tuple[Tensor, SamplerSaved]:
        return self.apply(x, params), SamplerSaved(*x)

    def apply(self, x: tuple[Tensor, Tensor], params: Parameters) -> Tensor:
        _, _, rows, columns = self.shape(shapes_of(x))
        image, grid = x
        y = torch.zeros_like(wide(image.new_empty(*image.shape[:2], rows * columns)))
        for corner in _corners(image, grid):
            y += corner.weight * corner.seen(wide(image))
        return y.view(*image.shape[:2], rows, columns).to(image.dtype)

    def backward(
        self, dy: Tensor, params: Parameters, saved: SamplerSaved
    ) -> tuple[tuple[Tensor, Tensor], Derivatives]:
        image, grid = saved
        given, X = wide(dy).flatten(2), wide(image)
        dx = torch.zeros_like(X).flatten(2).contiguous()
        du, dv = (given.new_zeros(len(given), given.shape[2]) for _ in range(2))
        for corner in _corners(image, grid):
            dx.scatter_add_(2, corner.pixel.expand_as(given), given * corner.weight)
            met = (given * corner.seen(X)).sum(1)
            du += met * corner.by_u
            dv += met * corner.by_v
        scale = [(length - 1) / 2 for length in image.shape[2:]]
        dgrid = torch.stack([du * scale[0], dv * scale[1]], 1).view(grid.shape)
        return (dx.view(image.shape).to(dy.dtype), dgrid.to(grid.dtype)), {}

    def shape(self, x_shape: tuple[Shape, Shape]) -> Shape:
        several = len(x_shape) == 2 and all(isinstance(shape, tuple) for shape in x_shape)
        grid = x_shape[1] if several else ()
        if not several or len(grid) != 4 or grid[:2] != (x_shape[0][0], 2):
            raise ShapeError(
                f"BilinearSampler: the inputs have shapes {tuple(x_shape)}; expected an image "
                "(N, C, H, W) and a grid (N, 2, H', W')"
            )
        check_image_shape("BilinearSampler", x_shape[0])
        return (*x_shape[0][:2], *grid[2:])

    def to_torch(self, params: Parameters) -> nn.Module:
        return GridSample()


class _Corner(NamedTuple):
    """One of the four pixels around every place: where it is, its weight, and that's slopes."""

    pixel: Tensor  # (N, 1, H' W'), of the pixel in the image, held in it
    weight: Tensor  # (N, 1, H' W'), 0 where the pixel is outside
    by_u: Tensor  # (N, H' W')
    by_v: Tensor

    def seen(self, x: Tensor) -> Tensor:
        """The pixel itself, (N, C, H' W')."""
        return x.flatten(2).gather(2, self.pixel.expand(-1, x.shape[1], -1))


def _corners(x: Tensor, grid: Tensor) -> list[_Corner]:
    height, width = x.shape[2:]
    places = [
        (wide(grid[:, axis]).flatten(1) + 1) / 2 * (length - 1)
        for axis, length in enumerate((height, width))
    ]
    known = torch.isfinite(places[0]) & torch.isfinite(places[1])
    # what is far outside is held there: it need not be a whole number that memory knows
    u, v = (
        torch.where(known, place, -2.0).clamp(-2, length + 1)
        for place, length in zip(places, (height, width), strict=True)
    )
    h, w = u.floor(), v.floor()
    found = []
    for below, right in product((0, 1), (0, 1)):
        row, column = (h + below).long(), (w + right).long()
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        ku, kv = (u - h if below else 1 - (u - h)), (v - w if right else 1 - (v - w))
        index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
        found.append(
            _Corner(
                index[:, None],
                (ku * kv * inside)[:, None],
                (2 * below - 1) * kv * inside,
                (2 * right - 1) * ku * inside,
            )
        )
    return found
