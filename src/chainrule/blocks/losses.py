"""Losses: a number for how far the outputs are from their targets.

A loss is no block of a chain: it takes a target, too.

    forward(x, target)              -> loss, saved
    backward(dloss, target, saved)  -> dx

`dloss` is the derivative of what is minimised with respect to the loss: 1, or a tensor of one
number. Every loss is a mean over the M images and positions: M = N for x of shape (N, K), and
M = N H W for x of shape (N, K, H, W).

A target may also be a pair (target, weights), with a weight for each image, or for each image and
position; none is negative. The loss is then the weighted mean. Where all weights are 0, so are the
loss and its derivative.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Loss, check_number
from chainrule.blocks.targets import (
    Target,
    checked_class_weights,
    checked_ignored,
    read_classes,
    read_signs,
)


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

    In general each position m wants class k to some degree c[m, k]:

        loss = -1/D sum_m sum_k c[m, k] log p[m, k]

        dx[m, k] = dloss / D (p[m, k] sum_l c[m, l] - c[m, k])

    since d log p[l] / dx[k] = [k = l] - p[k]. Here c and D are

        c[m, k] = u[m] v[k] q[m, k],      q[m, k] = (1 - s) [k = t[m]] + s / K

    with the weight u of a position (1 if none is given, 0 where t is `ignored`), the weight v of a
    class (`class_weights`, 1 if there are none) and the `smoothing` s, which takes that share from
    the right class and gives it to all K alike. D is the weight of all positions,
    sum_m u[m] v[t[m]]. A soft target gives q itself in place of [k = t[m]]; then D = sum_m u[m].

    Smooth: no kinks.

    Shapes: x (N, K) or (N, K, H, W), the scores; target int64 (N,) or (N, H, W), each from 0 to
    K - 1 or `ignored`, or soft: probabilities of x's shape. Raises ShapeError if they don't fit
    each other, InputError for a class out of range or what are no probabilities.
    Source: for the smoothing Szegedy et al., Rethinking the Inception architecture, 2016.
    """

    class_weights: tuple[float, ...] | None = None
    ignored: int | None = None
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        weights = checked_class_weights("SoftmaxLogLoss", self.class_weights)
        object.__setattr__(self, "class_weights", weights)
        checked_ignored("SoftmaxLogLoss", self.ignored)
        check_number("SoftmaxLogLoss", "smoothing", self.smoothing, low=0.0, high=1.0)

    def forward(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        wanted = read_classes(x, target, self.class_weights, self.ignored)
        log_p = F.log_softmax(x, 1)
        if wanted.classes is not None and not self.smoothing:
            return -(log_p.gather(1, wanted.classes) * wanted.share).sum(), log_p
        # a degree of 0 times the logarithm of a probability of 0 is 0
        finite = log_p.clamp(min=torch.finfo(log_p.dtype).min)
        return -(wanted.degrees(self.smoothing) * finite).sum(), log_p

    def backward(self, dloss: Tensor | float, target: Target, saved: Tensor) -> Tensor:
        wanted = read_classes(saved, target, self.class_weights, self.ignored)
        p = saved.exp()
        if wanted.classes is not None and not self.smoothing:
            dx = (p * wanted.share).scatter_add_(1, wanted.classes, -wanted.share)
        else:
            degrees = wanted.degrees(self.smoothing)
            dx = p * degrees.sum(1, keepdim=True) - degrees
        return dx * dloss


@dataclass(frozen=True)
class LogLoss(Loss):
    """The negative logarithm of the probability given to the right class.

        loss = -1/M sum_m log x[m, t[m]]

    with t the target classes. A probability of 0 for the right class is an infinite loss: to train,
    take `SoftmaxLogLoss`, which never forms it.

    Derivation. Only the right class's probability enters, and d(log x)/dx = 1/x:

        dx[m, k] = -dloss / (M x[m, k]) if k = t[m], else 0

    In general, with the degrees c and their weight D as `SoftmaxLogLoss` has them (s = 0),

        loss = -1/D sum_m sum_k c[m, k] log x[m, k],      dx[m, k] = -dloss c[m, k] / (D x[m, k])

    Smooth for x > 0: no kinks.

    Shapes: x (N, K) or (N, K, H, W), probabilities; target int64 (N,) or (N, H, W), each from 0 to
    K - 1 or `ignored`, or soft: probabilities of x's shape. Raises ShapeError if they don't fit
    each other, InputError for a class out of range or what are no probabilities.
    """

    class_weights: tuple[float, ...] | None = None
    ignored: int | None = None

    def __post_init__(self) -> None:
        weights = checked_class_weights("LogLoss", self.class_weights)
        object.__setattr__(self, "class_weights", weights)
        checked_ignored("LogLoss", self.ignored)

    def forward(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        wanted = read_classes(x, target, self.class_weights, self.ignored)
        if wanted.classes is not None:
            return -torch.xlogy(wanted.share, x.gather(1, wanted.classes)).sum(), x
        return -torch.xlogy(wanted.degrees(0.0), x).sum(), x

    def backward(self, dloss: Tensor | float, target: Target, saved: Tensor) -> Tensor:
        wanted = read_classes(saved, target, self.class_weights, self.ignored)
        if wanted.classes is None:
            degrees = wanted.degrees(0.0)
            return -dloss * torch.where(degrees > 0, degrees / saved, 0.0)
        own = wanted.share / saved.gather(1, wanted.classes)
        own = torch.where(wanted.share > 0, -dloss * own, 0.0)
        return torch.zeros_like(saved).scatter_(1, wanted.classes, own)


@dataclass(frozen=True)
class LogisticLoss(Loss):
    """The logistic loss of scores for two classes.

        loss = 1/M sum log(1 + exp(-t x))

    with t = -1 or 1, and M the number of scores; with weights u beside the targets, the weighted
    mean sum u log(...) / sum u. Stable: for a large -t x the exponential is taken
    out, log(1 + exp(a)) = max(a, 0) + log(1 + exp(-|a|)).

    Derivation. d/da log(1 + exp(a)) = exp(a)/(1 + exp(a)) = sigmoid(a), and a = -t x:

        dx = -dloss / M  t sigmoid(-t x)          with weights: -dloss u / (sum u) t sigmoid(-t x)

    Smooth: no kinks.

    Shapes: x any, target of the same shape with entries -1 and 1. Raises ShapeError, InputError.
    """

    def forward(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        t, share = read_signs(x, target)
        margin = x * t
        return -(F.logsigmoid(margin) * share).sum(), margin

    def backward(self, dloss: Tensor | float, target: Target, saved: Tensor) -> Tensor:
        t, share = read_signs(saved, target)
        return -dloss * share * t * torch.sigmoid(-saved)


@dataclass(frozen=True)
class HingeLoss(Loss):
    """The hinge loss of scores for two classes.

        loss = 1/M sum max(0, margin - t x)

    with t = -1 or 1, and M the number of scores; with weights u beside the targets, the weighted
    mean sum u max(...) / sum u.

    Derivation. The slope of max(0, a) is 1 for a > 0 and 0 for a < 0, and a = margin - t x:

        dx = -dloss / M t where t x < margin, else 0          with weights: u / (sum u) for 1/M

    Kink: at t x = margin the slopes -t and 0 meet. The derivative taken there is 0.

    Shapes: x any, target of the same shape with entries -1 and 1. Raises ShapeError, InputError.
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_number("HingeLoss", "margin", self.margin)

    def forward(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        t, share = read_signs(x, target)
        slack = self.margin - x * t
        return (slack.clamp(min=0) * share).sum(), slack

    def backward(self, dloss: Tensor | float, target: Target, saved: Tensor) -> Tensor:
        t, share = read_signs(saved, target)
        return -dloss * share * t * (saved > 0)
