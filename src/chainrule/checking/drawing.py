"""Random cases: a block at a point, and what such points are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

Draw = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A block (or, with a target, a loss) at a point; `fixed` parameters are not learned."""

    block: Any
    x: Tensor
    params: Mapping[str, Tensor] = field(default_factory=dict)
    target: Any = None

    @property
    def fixed(self) -> frozenset[str]:
        """Running moments and masks."""
        last = ("mean", "variance", "mask")
        return frozenset(name for name in self.params if name.rpartition(".")[2] in last)


def case_of(draw: Draw, block: Any, x_shape: tuple[int, ...], spread: float = 1.0) -> Case:
    """Parameters and x; variances above 0, masks as the block draws them."""
    params = {
        name: torch.as_tensor(draw.uniform(0.5, 2.0, shape))
        if name.rpartition(".")[2] == "variance"
        else numbers(draw, shape)
        for name, shape in block.parameter_shapes().items()
    }
    seed = int(draw.integers(2**62))
    params |= block.draw(x_shape, torch.Generator().manual_seed(seed))
    return Case(block, numbers(draw, x_shape, spread), params)


def numbers(draw: Draw, shape: tuple[int, ...], spread: float = 1.0) -> Tensor:
    """Normal; in every third case rounded to quarters, so that ties and zeros occur, and kinks."""
    drawn = spread * draw.standard_normal(shape)
    return torch.as_tensor(np.round(4 * drawn) / 4 if draw.random() < 1 / 3 else drawn)


def image_shape(draw: Draw, channels: int | None = None) -> tuple[int, ...]:
    """(N, C, H, W)."""
    size = (whole(draw, 1, 5), whole(draw, 1, 5))
    return (whole(draw, 1, 3), channels or whole(draw, 1, 3), *size)


def scores_shape(draw: Draw) -> tuple[int, ...]:
    """(N, K) or (N, K, H, W)."""
    size = (whole(draw, 1, 3), whole(draw, 1, 3)) if draw.random() < 0.5 else ()
    return (whole(draw, 1, 4), whole(draw, 1, 5), *size)


def whole(draw: Draw, low: int, high: int) -> int:
    """From low to high, both included."""
    return int(draw.integers(low, high + 1))
