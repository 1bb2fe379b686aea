"""Modules of PyTorch that its own `nn` lacks, for `Block.to_torch`."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks.block import Parameters
from chainrule.blocks.window import Window


def with_parameters(module: nn.Module, params: Parameters) -> nn.Module:
    """The module with copies of the weight and the bias, where there is one."""
    for name in ("weight", "bias"):
        if name in params:
            setattr(module, name, nn.Parameter(params[name].detach().clone()))
    return module


class PaddedConv2d(nn.Conv2d):
    """Conv2d that also pads opposite sides differently."""

    around: tuple[int, int, int, int] | None = None
    around_mode = "zeros"

    def forward(self, x: Tensor) -> Tensor:
        if self.around is None:
            return super().forward(x)
        mode = "constant" if self.around_mode == "zeros" else self.around_mode
        return super().forward(F.pad(x, self.around, mode=mode))


class CroppedConvTranspose2d(nn.ConvTranspose2d):
    """ConvTranspose2d that also cuts off opposite sides differently."""

    cut: tuple[int, int, int, int] | None = None

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        y = super().forward(x, output_size)
        if self.cut is None:
            return y
        top, bottom, left, right = self.cut
        return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]


class AnyBatchNorm(nn.BatchNorm2d):
    """Batch normalisation of (N, C) as well as of (N, C, H, W)."""

    def _check_input_dim(self, x: Tensor) -> None:
        pass


class ChannelLayerNorm(nn.LayerNorm):
    """LayerNorm over the channels of (N, C) and of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class MaxInside(nn.Module):
    """The largest value of the part of each window that lies in the image."""

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        window, x = self.window, self.window.pad(x, -math.inf)
        return F.max_pool2d(x, window.kernel, window.stride, 0, window.dilation)


class MeanInside(nn.Module):
    """The mean over the part of each window that lies in the image (or in its padding too)."""

    def __init__(self, window: Window, count_padding: bool) -> None:
        super().__init__()
        self.window, self.count_padding = window, count_padding

    def forward(self, x: Tensor) -> Tensor:
        window = self.window
        size = window.output_size("pooling", tuple(x.shape))
        padded = window.pad(x)
        sums = sum(window.seen(padded, k, m, size) for k, m in window.taps)
        rows, columns = window.counts((x.shape[2], x.shape[3]), with_padding=self.count_padding)
        mean: Tensor = sums / (x.new_tensor(rows)[:, None] * x.new_tensor(columns))
        return mean


class LocalResponseNorm(nn.Module):
    """As our block defines it; torch's divides alpha by rho and centres even groups elsewhere."""

    def __init__(self, rho: int, kappa: float, alpha: float, beta: float) -> None:
        super().__init__()
        self.rho, self.kappa, self.alpha, self.beta = rho, kappa, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        before, after = (self.rho - 1) // 2, self.rho // 2
        squares = F.pad(x * x, (0, 0, 0, 0, before, after))
        energy = squares[:, : x.shape[1]]
        for k in range(1, self.rho):
            energy = energy + squares[:, k : k + x.shape[1]]
        s = self.kappa + self.alpha * energy
        if self.kappa == 0:  # where a whole group is 0, so are y and its derivative
            x, s = torch.where(s > 0, x, 0.0), torch.where(s > 0, s, 1.0)
        return x * s.pow(-self.beta)


class Summed(nn.Module):
    """The sum of several inputs."""

    def forward(self, *x: Tensor) -> Tensor:
        y = x[0]
        for part in x[1:]:
            y = y + part
        return y


class GridSample(nn.Module):
    """An image (N, C, H, W) read at a grid (N, 2, H', W'), vertical and horizontal."""

    def forward(self, x: Tensor, grid: Tensor) -> Tensor:
        places = grid.flip(1).permute(0, 2, 3, 1)  # torch wants the horizontal first
        return F.grid_sample(x, places, align_corners=True)


class Joined(nn.Module):
    """Several inputs, one behind the other along the channels."""

    def forward(self, *x: Tensor) -> Tensor:
        return torch.cat(x, 1)


class SumWithInput(nn.Sequential):
    """x plus what the modules make of it."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + super().forward(x)  # type: ignore[no-untyped-call]
        return y
