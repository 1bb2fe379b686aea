"""Losses: a number for how far the outputs are from their targets. Softmax, with them.

A loss is no block of a chain: it takes a target, too.

    forward(x, target)              -> loss, saved
    backward(dloss, target, saved)  -> dx

`dloss` is the derivative of what is minimised with respect to the loss: 1, or a tensor of one
number. Every loss is a mean over the M images and positions: M = N for x of shape (N, K), and
M = N H W for x of shape (N, K, H, W).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Loss,
    Parameters,
    Shape,
    check_number,
)
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class SoftmaxLogLoss(Loss):
    """Softmax and log-loss in one: the negative logarithm of the right class's probability.

        loss = 1/M sum_m (log sum_k exp x[m, k] - x[m, t[m]])

    with t the target classes. In one they are stable: with the largest score taken out of the
    exponentials nothing overflows, and no probability that has become 0 meets a logarithm.

    Derivation. With p[m, k] = exp x[m, k] / sum_l exp x[m, l], the softmax of the scores,

        d/dx[k] log sum_l exp x[l] = exp x[k] / sum_l exp x[l] = p[k]
        d/dx[k] x[t]               = 1 if k = t, else 0

        dx[m, k] = dloss / M (p[m, k] - [k = t[m]])

    Smooth: no kinks.

    Shapes: x (N, K) or (N, K, H, W), the scores; target int64 (N,) or (N, H, W), each from 0 to
    K - 1. Raises ShapeError if they don't fit each other, InputError for a class out of range.
    """

    def forward(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        index = class_index(x, target)
        log_p = F.log_softmax(x, 1)
        return -log_p.gather(1, index).mean(), log_p

    def backward(self, dloss: Tensor | float, target: Tensor, saved: Tensor) -> Tensor:
        index = class_index(saved, target)
        dx = saved.exp()
        dx.scatter_add_(1, index, -torch.ones_like(index, dtype=dx.dtype))
        return dx * (dloss / index.numel())


@dataclass(frozen=True)
class Softmax(Block):
    """Scores to probabilities, over the channels: a block.

        y[k] = exp x[k] / sum_l exp x[l]

    Derivation. With z = sum_l exp x[l], the quotient rule gives

        dy[k]/dx[j] = [k = j] exp x[k] / z - exp x[k] exp x[j] / z^2 = y[k] ([k = j] - y[j])

        dx[j] = sum_k dy[k] y[k] ([k = j] - y[j]) = y[j] (dy[j] - sum_k dy[k] y[k])

    Smooth: no kinks.

    Shapes: x (N, K) or (N, K, H, W) to y of the same shape. No parameters.
    """

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
        self.shape(tuple(x.shape))
        y = F.softmax(x, 1)
        return y, y

    def backward(self, dy: Tensor, params: Parameters, saved: Tensor) -> tuple[Tensor, Derivatives]:
        return saved * (dy - (dy * saved).sum(1, keepdim=True)), {}

    def shape(self, x_shape: Shape) -> Shape:
        if len(x_shape) < 2:
            raise ShapeError(
                f"Softmax: the input has shape {tuple(x_shape)}; expected (N, K) or (N, K, H, W)"
            )
        return tuple(x_shape)

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Softmax(1)


@dataclass(frozen=True)
class LogLoss(Loss):
    """The negative logarithm of the probability given to the right class.

        loss = -1/M sum_m log x[m, t[m]]

    with t the target classes. A probability of 0 for the right class is an infinite loss: to train,
    take `SoftmaxLogLoss`, which never forms it.

    Derivation. Only the right class's probability enters, and d(log x)/dx = 1/x:

        dx[m, k] = -dloss / (M x[m, k]) if k = t[m], else 0

    Smooth for x > 0: no kinks.

    Shapes: x (N, K) or (N, K, H, W), probabilities; target int64 (N,) or (N, H, W), each from 0 to
    K - 1. Raises ShapeError if they don't fit each other, InputError for a class out of range.
    """

    def forward(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return -x.gather(1, class_index(x, target)).log().mean(), x

    def backward(self, dloss: Tensor | float, target: Tensor, saved: Tensor) -> Tensor:
        index = class_index(saved, target)
        own = -(dloss / index.numel()) / saved.gather(1, index)
        return torch.zeros_like(saved).scatter_(1, index, own)


@dataclass(frozen=True)
class LogisticLoss(Loss):
    """The logistic loss of scores for two classes.

        loss = 1/M sum log(1 + exp(-t x))

    with t = -1 or 1, and M the number of scores. Stable: for a large -t x the exponential is taken
    out, log(1 + exp(a)) = max(a, 0) + log(1 + exp(-|a|)).

    Derivation. d/da log(1 + exp(a)) = exp(a)/(1 + exp(a)) = sigmoid(a), and a = -t x:

        dx = -dloss / M  t sigmoid(-t x)

    Smooth: no kinks.

    Shapes: x any, target of the same shape with entries -1 and 1. Raises ShapeError, InputError.
    """

    def forward(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        margin = x * _signs(x, target)
        return -F.logsigmoid(margin).mean(), margin

    def backward(self, dloss: Tensor | float, target: Tensor, saved: Tensor) -> Tensor:
        t = _signs(saved, target)
        return -(dloss / saved.numel()) * t * torch.sigmoid(-saved)


@dataclass(frozen=True)
class HingeLoss(Loss):
    """The hinge loss of scores for two classes.

        loss = 1/M sum max(0, margin - t x)

    with t = -1 or 1, and M the number of scores.

    Derivation. The slope of max(0, a) is 1 for a > 0 and 0 for a < 0, and a = margin - t x:

        dx = -dloss / M t where t x < margin, else 0

    Kink: at t x = margin the slopes -t and 0 meet. The derivative taken there is 0.

    Shapes: x any, target of the same shape with entries -1 and 1. Raises ShapeError, InputError.
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_number("HingeLoss", "margin", self.margin)

    def forward(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        slack = self.margin - x * _signs(x, target)
        return slack.clamp(min=0).mean(), slack

    def backward(self, dloss: Tensor | float, target: Tensor, saved: Tensor) -> Tensor:
        t = _signs(saved, target)
        return -(dloss / saved.numel()) * t * (saved > 0)


def class_index(x: Tensor, target: Tensor) -> Tensor:
    """The target classes (N,) or (N, H, W) with x's dimensions: (N, 1) or (N, 1, H, W).

    One position, x (N, K, 1, 1), takes a target (N,) too. Raises ShapeError if they don't fit each
    other, InputError if a class is no whole number from 0 to K - 1.
    """
    if x.ndim < 2 or x.numel() == 0:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}; expected (N, K) or (N, K, H, W), not empty"
        )
    positions = (x.shape[0], *x.shape[2:])
    one_position = x.shape[2:].numel() == 1 and tuple(target.shape) == positions[:1]
    if tuple(target.shape) != positions and not one_position:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the target classes {tuple(target.shape)}; "
            f"expected target classes of shape {positions}"
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise InputError(f"the target classes are {target.dtype}; expected whole numbers")
    low, high = target.aminmax()
    if low < 0 or high >= x.shape[1]:
        raise InputError(
            f"the target classes run from {low} to {high}; expected 0 to {x.shape[1] - 1} for "
            f"scores of shape {tuple(x.shape)}"
        )
    return target.reshape(positions).unsqueeze(1).long()


def _signs(x: Tensor, target: Tensor) -> Tensor:
    """The targets -1 and 1 in x's type. Raises ShapeError, InputError."""
    if x.shape != target.shape or x.numel() == 0:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the targets {tuple(target.shape)}; expected "
            "the same shape, not empty"
        )
    if not bool((target.abs() == 1).all()):
        raise InputError("a target is neither -1 nor 1; expected only these")
    return target.to(x.dtype)
