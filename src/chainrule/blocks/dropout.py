"""Dropout."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape, check_flag, check_number
from chainrule.errors import InputError


@dataclass(frozen=True)
class Dropout(Block):
    """Some entries are set to 0 at random, the others scaled so that the mean stays.

        y = x m / (1 - rate),      m = 1 with probability 1 - rate, else 0

    in training; y = x in inference.

    The mask m is an input beside x, in `params` under the name "mask", and no secret state: so the
    block is a function, which can be differentiated, checked and run again. `draw` makes a mask
    from a generator; `Chain.forward(x, params, generator)` does so for every layer that has a
    `draw`. The mask is not learned and gets no derivative.

    Derivation. Given m, y is linear in x, entry by entry:

        dx = dy m / (1 - rate)

    Linear: no kinks.

    Shapes: any x to y of the same shape; mask of x's shape, bool.
    Source: Srivastava et al., Dropout, 2014 (with the scale in training, "inverted").
    """

    rate: float = 0.5
    training: bool = True

    def __post_init__(self) -> None:
        check_number("Dropout", "rate", self.rate, low=0.0)
        if self.rate >= 1:
            raise InputError(f"Dropout: `rate` is {self.rate!r}; expected a number below 1")
        check_flag("Dropout", "training", self.training)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, Tensor | None]:
        if not self.training:
            return x, None
        if "mask" not in params:
            raise InputError(
                "Dropout: no mask in training; expected a generator for `Chain.forward`, a "
                "parameter `mask`, or a chain `in_inference()`"
            )
        return self._masked(x, params["mask"]), params["mask"]

    def backward(
        self, dy: Tensor, params: Parameters, saved: Tensor | None
    ) -> tuple[Tensor, Derivatives]:
        return (dy if saved is None else self._masked(dy, saved)), {}

    def draw(self, x_shape: Shape, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the mask of one batch, on the generator's device; nothing in inference."""
        if not self.training:
            return {}
        uniform = torch.rand(x_shape, generator=generator, device=generator.device)
        return {"mask": uniform >= self.rate}

    def to_torch(self, params: Parameters) -> nn.Module:
        return nn.Dropout(self.rate).train(self.training)

    def _masked(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask * (1 / (1 - self.rate))
