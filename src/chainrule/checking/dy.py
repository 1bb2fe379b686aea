"""The random dy of a check."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from chainrule.checking.differentiable import flat, split
from chainrule.checking.rounding import Rounding

WEAK = 1e-5


def random_dy(outputs: Sequence[Tensor], generator: np.random.Generator) -> tuple[Tensor, ...]:
    """Random signs times 0.5 to 1.5 for each output: none is so weak that it would not be seen."""
    count = sum(y.numel() for y in outputs)
    row = generator.uniform(0.5, 1.5, count) * generator.choice([-1.0, 1.0], count)
    return split(row, outputs)


def levelled(dy: Sequence[Tensor], rounding: Rounding) -> tuple[Tensor, ...]:
    """dy with more weight on outputs that hardly move beside the others, up to 1e12 as much."""
    seen = rounding.slope > 1e6 * rounding.rounding  # it was read over some 1e-5
    if not seen.any():
        return tuple(dy)
    largest = rounding.slope[seen].max()
    weak = seen & (rounding.slope < WEAK * largest)
    weight = np.where(weak, np.minimum(largest / np.maximum(rounding.slope, 1e-300), 1e12), 1.0)
    return split(flat(dy) * weight, dy)
