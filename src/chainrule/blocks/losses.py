"""Losses: a number for how far the outputs are from their targets. Each is a mean over the batch.

A loss is no block of a chain: it takes a target, too.

    forward(x, target)              -> loss, saved
    backward(dloss, target, saved)  -> dx

`dloss` is the derivative of what is minimised with respect to the loss: 1, or a tensor of one
number. All means are over the M images and positions: M = N for x of shape (N, K), and
M = N H W for x of shape (N, K, H, W).
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class SoftmaxLogLoss:
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
        log_p = F.log_softmax(x, 1)
        return -log_p.gather(1, _class_index(x, target)).mean(), log_p

    def backward(self, dloss: Tensor | float, target: Tensor, saved: Tensor) -> Tensor:
        index = _class_index(saved, target)
        dx = saved.exp()
        dx.scatter_add_(1, index, -dx.new_ones(()).expand_as(index))
        return dx.mul_(dloss / index.numel())


def _class_index(x: Tensor, target: Tensor) -> Tensor:
    """The target classes with x's dimensions: (N, 1, ...). Raises ShapeError, InputError."""
    positions = (x.shape[0], *x.shape[2:])
    single = tuple(target.shape) == (x.shape[0],) and positions[1:].count(1) == len(positions) - 1
    if tuple(target.shape) != positions and not single:
        raise ShapeError(
            f"the scores have shape {tuple(x.shape)}, the target classes {tuple(target.shape)}; "
            f"expected target classes of shape {positions}"
        )
    if target.is_floating_point() or target.is_complex():
        raise InputError(f"the target classes are {target.dtype}; expected whole numbers")
    return target.reshape(positions).unsqueeze(1).long()
