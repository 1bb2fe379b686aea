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

from chainrule.training.optimizer import check_optimizer_number


@dataclass(frozen=True)
class SGD:
    """Momentum in [0, 1), weight decay >= 0. It remembers the velocities, by parameter.

    Raises InputError on a setting out of range.
    """

    momentum: float = 0.9
    weight_decay: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_optimizer_number("momentum", self.momentum, 1)
        check_optimizer_number("weight decay", self.weight_decay, float("inf"))

    def start(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Velocities of 0."""
        return {name: torch.zeros_like(value) for name, value in parameters.items()}

    def step(
        self,
        parameters: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        learning_rate: float,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """Take one step for each name in `gradients`, as `Optimizer.step` says."""
        for name, gradient in gradients.items():
            w, v = parameters[name], moments[name]
            rate = learning_rate * (factors or {}).get(name, 1.0)
            direction = gradient.to(w.dtype)
            if self.weight_decay:
                direction = direction.add(w, alpha=self.weight_decay)
            v.mul_(self.momentum).sub_(direction, alpha=rate)
            if self.nesterov:
                w.add_(v, alpha=self.momentum).sub_(direction, alpha=rate)
            else:
                w.add_(v)
