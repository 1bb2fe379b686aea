"""Central differences at a point that no kink is near.

At a kink the two one-sided differences disagree, and neither is the derivative that a block
takes by convention. For a function L that is smooth about a, the disagreement

    D(h) = (L(a + h) - L(a)) / h - (L(a) - L(a - h)) / h = h L''(a) + h^3 L''''(a) / 12 + ...

halves with the step, so that D(h) - 2 D(h / 2) is of order h^3 and vanishes beside everything
else. With a kink of jump J at distance d = t h it is J (1 - t) for t > 1/2 and J (3 t - 1) for
t <= 1/2, where t = 1/3 alone is not seen. So kinks are found from the function itself; the
derivative that is to be checked has no say in which points are moved.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.differentiable import Arrays, Differentiable
from chainrule.derivatives import numerical_derivative
from chainrule.errors import InputError

MOST_ROUNDS = 14


@dataclass(frozen=True)
class Differences:
    """arrays: the point after the moves; derivatives: by central differences there.

    scales: for each array the number that its errors are relative to. moved: how many entries
    were moved away from a kink.
    """

    arrays: dict[str, Tensor]
    derivatives: dict[str, Tensor]
    scales: dict[str, float]
    moved: int


def differences_off_kinks(
    function: Differentiable,
    dy: Tensor,
    *,
    step: float,
    tolerance: float,
    generator: np.random.Generator,
) -> Differences:
    """Differentiate sum(dy * output) by central differences; move off kinks until none is near.

    An entry near a kink is moved by a random 4 to 16 steps to either side, twice as far in each
    further round. Raises InputError if kinks are still near after the last round.
    """
    arrays = dict(function.arrays)
    moved = {name: np.zeros(tuple(array.shape), bool) for name, array in arrays.items()}
    for attempt in range(MOST_ROUNDS):
        found = central_differences(function, arrays, dy, step)
        bends = _bends(function, arrays, dy, step, found)
        scales = _scales(function.value(arrays), dy, found, step, tolerance)
        near = {name: bends[name] > 0.1 * tolerance * scales[name] for name in arrays}
        if not any(mask.any() for mask in near.values()):
            count = sum(int(mask.sum()) for mask in moved.values())
            return Differences(arrays, found, scales, count)
        for name, mask in near.items():
            moved[name] |= mask
            distance = generator.uniform(4, 16, mask.shape) * step * 2**attempt
            shift = np.where(mask, generator.choice([-1.0, 1.0], mask.shape) * distance, 0.0)
            arrays[name] = arrays[name] + torch.as_tensor(shift).to(arrays[name].device)
    where = ", ".join(f"{int(mask.sum())} of {name}" for name, mask in near.items() if mask.any())
    raise InputError(
        f"the function bends too sharply within {step:g} of {where} entries after {MOST_ROUNDS} "
        "moves; expected a function that is smooth apart from separate kinks (or a smaller step)"
    )


def central_differences(
    function: Differentiable, arrays: Arrays, dy: Tensor, step: float, method: str = "central"
) -> dict[str, Tensor]:
    """The derivative of sum(dy * output) by each entry of each array, by differences.

    The output at the point itself is taken off before the sum, so that outputs which an entry
    does not reach add no rounding.
    """
    device = dy.device
    base = function.value(arrays)

    def projected(point: dict[str, np.ndarray]) -> float:
        value = function.value({name: torch.as_tensor(a).to(device) for name, a in point.items()})
        return float((dy * (value - base)).sum())

    found = numerical_derivative(
        projected,
        {name: array.cpu().numpy() for name, array in arrays.items()},
        delta=step,
        method=method,
    )
    return {name: torch.as_tensor(a).to(device) for name, a in found.items()}


def _bends(
    function: Differentiable, arrays: Arrays, dy: Tensor, step: float, central: Arrays
) -> dict[str, np.ndarray]:
    """|D(h) - 2 D(h / 2)| for each entry, where D is twice the forward minus the central one."""
    half = step / 2
    forward = central_differences(function, arrays, dy, step, "forward")
    central_half = central_differences(function, arrays, dy, half)
    forward_half = central_differences(function, arrays, dy, half, "forward")
    return {
        name: (2 * (forward[name] - central[name]) - 4 * (forward_half[name] - central_half[name]))
        .abs()
        .cpu()
        .numpy()
        for name in arrays
    }


def _scales(
    y: Tensor, dy: Tensor, found: Arrays, step: float, tolerance: float
) -> dict[str, float]:
    """An array's largest derivative, but no less than what the differences can tell from 0.

    That is a thousandth of the largest derivative of all, and the derivative of which rounding,
    some 64 units in the last place of the output over the step, makes up `tolerance`.
    """
    largest = {name: float(a.abs().max()) if a.numel() else 0.0 for name, a in found.items()}
    size = float(y.abs().max() * dy.abs().max()) if y.numel() else 0.0
    rounding = 64 * np.finfo(np.float64).eps * size / step
    least = max(1e-3 * max(largest.values()), rounding / tolerance, np.finfo(np.float64).tiny)
    return {name: max(value, least) for name, value in largest.items()}
