"""Functions of one number, applied to every entry: ReLU, ReLU6, leaky ReLU, sigmoid, tanh."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks import kernels
from chainrule.blocks.block import Block, Derivatives, Parameters, check_number


@dataclass(frozen=True)
class ReLU(Block):
    """The rectified linear unit: y = max(0, x).

    Derivation. dy/dx = 1 for x > 0 and 0 for x < 0, so

        dx = dy where y > 0, else 0

    (y > 0 just where x > 0, so y, which the next block keeps anyway, is all that is saved.)

    Kink: at x = 0 the slopes 0 and 1 meet. The derivative taken there is 0.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        y = F.relu(x)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return _where_between(dy, saved, math.inf), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.ReLU()


@dataclass(frozen=True)
class ReLU6(Block):
    """The rectified linear unit clipped at 6: y = min(max(0, x), 6).

    Derivation. dy/dx = 1 for 0 < x < 6 and 0 outside, so

        dx = dy where 0 < y < 6, else 0

    Kinks: at x = 0 and x = 6 the slopes 0 and 1 meet. The derivative taken there is 0.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        y = F.hardtanh(x, 0.0, 6.0)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return _where_between(dy, saved, 6.0), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.ReLU6()


@dataclass(frozen=True)
class LeakyReLU(Block):
    """The leaky ReLU: y = x for x > 0 and a x otherwise, with a small slope a >= 0.

    Derivation. dy/dx = 1 for x > 0 and a for x < 0, so

        dx = dy where x > 0, else a dy

    Kink: at x = 0 the slopes a and 1 meet. The derivative taken there is a.
    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models,
    2013.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        check_number("LeakyReLU", "slope", self.slope, low=0.0)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return F.leaky_relu(x, self.slope), x

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return torch.where(saved > 0, dy, self.slope * dy), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.LeakyReLU(self.slope)


@dataclass(frozen=True)
class Sigmoid(Block):
    """The logistic function: y = 1 / (1 + exp(-x)).

    Derivation. With e = exp(-x), dy/dx = e / (1 + e)^2 = 1/(1 + e) * e/(1 + e) = y (1 - y), so

        dx = dy y (1 - y)

    Smooth: no kinks.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        y = torch.sigmoid(x)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return dy * (saved * (1 - saved)), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Sigmoid()


@dataclass(frozen=True)
class Tanh(Block):
    """The hyperbolic tangent: y = tanh(x).

    Derivation. y = sinh(x) / cosh(x), so dy/dx = (cosh^2 - sinh^2) / cosh^2 = 1 - y^2, and

        dx = dy (1 - y^2)

    Smooth: no kinks.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        y = torch.tanh(x)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return dy * (1 - saved * saved), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Tanh()


def _where_between(dy: Tensor, y: Tensor, high: float) -> Tensor:
    """dy where 0 < y < high, else 0."""
    if kernels.pays(y, y.numel()):
        from chainrule.blocks.kernels.gates import between

        return between(dy, y, high)
    inside = y > 0 if high == math.inf else (y > 0) & (y < high)
    return torch.where(inside, dy, 0.0)
