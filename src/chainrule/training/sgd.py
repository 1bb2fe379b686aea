"""One step of minibatch SGD.

With the batch's gradient g, weight decay lambda, momentum mu and learning rate eta, each parameter
w and its velocity v become (Sutskever et al. 2013, eqs. 1 to 4, in the form of MatConvNet):

    v <- mu v - eta (g + lambda w)
    w <- w + v                              plain
    w <- w + mu v - eta (g + lambda w)      Nesterov: the step is looked at from where v leads
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from chainrule.errors import InputError


@dataclass(frozen=True)
class SGD:
    """Momentum in [0, 1), weight decay >= 0; `step` changes parameters and velocities in place.

    Raises InputError on a setting out of range.
    """

    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise InputError(f"momentum: found {self.momentum}; expected at least 0 and below 1")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(f"weight decay: found {self.weight_decay}; expected at least 0")

    def step(
        self,
        parameters: Mapping[str, Tensor],
        velocities: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        learning_rate: float,
    ) -> None:
        """Take one step for each name in `gradients`; the others (running moments) stay."""
        for name, gradient in gradients.items():
            w, v = parameters[name], velocities[name]
            direction = gradient.to(w.dtype)
            if self.weight_decay:
                direction = direction.add(w, alpha=self.weight_decay)
            v.mul_(self.momentum).sub_(direction, alpha=learning_rate)
            if self.nesterov:
                w.add_(v, alpha=self.momentum).sub_(direction, alpha=learning_rate)
            else:
                w.add_(v)


def check_learning_rate(learning_rate: float) -> None:
    """Raise InputError unless the rate is above 0 and a number that float32 can hold."""
    largest = torch.finfo(torch.float32).max
    if not 0 < learning_rate <= largest:
        raise InputError(
            f"learning rate: found {learning_rate:g}; expected a number above 0, "
            f"at most {largest:.1e}"
        )
