"""Smooth functions of one number, applied to every entry: GELU, SiLU, softplus.

In 16 bits they are computed in float32 and rounded once.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chainrule.blocks.block import Block, Derivatives, Parameters, check_flag, check_number
from chainrule.blocks.kernels import wide
from chainrule.errors import InputError


@dataclass(frozen=True)
class GELU(Block):
    """The Gaussian error linear unit: y = x Phi(x), with Phi the normal distribution function.

    Derivation. Phi' is the normal density phi(x) = exp(-x^2 / 2) / sqrt(2 pi), so by the product
    rule

        dx = dy (Phi(x) + x phi(x))

    With `tanh` it is the approximation

        y = x/2 (1 + tanh u),      u = sqrt(2/pi) (x + 0.044715 x^3)

    and with tanh' = 1 - tanh^2 and u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2)

        dx = dy (1/2 (1 + tanh u) + x/2 (1 - tanh^2 u) u')

    Smooth: no kinks. Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.
    """

    tanh: bool = False

    def __post_init__(self) -> None:
        check_flag("GELU", "tanh", self.tanh)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return self.apply(x, params), x

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        X = wide(x)
        share = (1 + torch.tanh(_bent(X))) / 2 if self.tanh else _phi(X)
        return (X * share).to(x.dtype)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        x = wide(saved)
        if self.tanh:
            tanh = torch.tanh(_bent(x))
            slope = math.sqrt(2 / math.pi) * (1 + 3 * _CUBIC * x * x)
            derivative = (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * slope
        else:
            density = torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            derivative = _phi(x) + x * density
        return (wide(dy) * derivative).to(dy.dtype), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.GELU(approximate="tanh" if self.tanh else "none")


@dataclass(frozen=True)
class SiLU(Block):
    """The sigmoid linear unit, or swish: y = x s(x), with s(x) = 1 / (1 + exp(-x)).

    Derivation. s' = s (1 - s), so by the product rule

        dx = dy (s + x s (1 - s)) = dy s (1 + x (1 - s))

    Smooth: no kinks. Source: Hendrycks and Gimpel, 2016; Ramachandran, Zoph and Le, Searching for
    activation functions, 2017.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return self.apply(x, params), x

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        X = wide(x)
        return (X * torch.sigmoid(X)).to(x.dtype)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        x = wide(saved)
        s = torch.sigmoid(x)
        return (wide(dy) * (s * (1 + x * (1 - s)))).to(dy.dtype), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.SiLU()


@dataclass(frozen=True)
class Softplus(Block):
    """The smooth ReLU: y = log(1 + exp(beta x)) / beta.

    Stable: log(1 + exp(a)) = max(a, 0) + log(1 + exp(-|a|)), in which nothing overflows.

    Derivation. d/da log(1 + exp(a)) = exp(a) / (1 + exp(a)) = sigmoid(a), and a = beta x, so beta
    cancels:

        dx = dy sigmoid(beta x)

    Smooth: no kinks; the larger beta, the nearer to the ReLU.
    Source: Dugas et al., Incorporating second-order functional knowledge, 2000.
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        check_number("Softplus", "beta", self.beta, low=0.0)
        if self.beta == 0:
            raise InputError("Softplus: `beta` is 0; expected a number above 0")

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        return self.apply(x, params), x

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        a = self.beta * wide(x)
        return (torch.logaddexp(a, torch.zeros_like(a)) / self.beta).to(x.dtype)

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return (wide(dy) * torch.sigmoid(self.beta * wide(saved))).to(dy.dtype), {}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Softplus(self.beta, threshold=40)  # beyond it, float64 sees no difference


_CUBIC = 0.044715


def _phi(x: Tensor) -> Tensor:
    """Phi, by the complement of the error function: precise where it is small, too."""
    return torch.erfc(-x / math.sqrt(2)) / 2


def _bent(x: Tensor) -> Tensor:
    """u, the argument of the hyperbolic tangent."""
    return math.sqrt(2 / math.pi) * (x + _CUBIC * x * x * x)
