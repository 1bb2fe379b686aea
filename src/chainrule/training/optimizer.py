"""What an optimizer is: a rule that turns a batch's gradient into a step."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from chainrule.errors import InputError


class Optimizer(Protocol):
    """Takes steps; what it remembers between them is kept by the one who calls it."""

    def start(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What it remembers before the first step, by name."""

    def step(
        self,
        parameters: Mapping[str, Tensor],
        moments: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        learning_rate: float,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """Change parameters and moments in place, for each name in `gradients`.

        The others (running moments of batch normalisation) stay. factors: what the rate is
        multiplied by, by the parameter's name; 1 where there is none.
        """


def check_learning_rate(learning_rate: float) -> None:
    """Raise InputError unless the rate is above 0 and a number that float32 can hold."""
    largest = torch.finfo(torch.float32).max
    if not 0 < learning_rate <= largest:
        raise InputError(
            f"learning rate: found {learning_rate:g}; expected a number above 0, "
            f"at most {largest:.1e}"
        )


def check_optimizer_number(name: str, value: float, below: float) -> None:
    """Raise InputError unless the value is at least 0 and below `below`."""
    if not 0 <= value < below:
        limit = "" if below == float("inf") else f" and below {below:g}"
        raise InputError(f"{name}: found {value}; expected at least 0{limit}")
