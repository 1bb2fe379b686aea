"""Central differences at a point that no kink is near, with a step that is small enough.

At a kink the two one-sided differences disagree, and neither is the derivative that a block
takes by convention. For a function L that is smooth about a, the disagreement

    D(h) = (L(a + h) - L(a)) / h - (L(a) - L(a - h)) / h = h L''(a) + h^3 L''''(a) / 12 + ...

halves with the step, so that D(h) - 2 D(h / 2) is of order h^3 and vanishes beside everything
else. With a kink of jump J at distance d = t h it is J (1 - t) for t > 1/2 and J (3 t - 1) for
t <= 1/2, where t = 1/3 alone is not seen.

The central difference C(h) = L'(a) + h^2 L'''(a) / 6 + ... is off by four thirds of
C(h) - C(h / 2), up to order h^4.

So kinks and steps that are too large are found from the function itself; the derivative that is
to be checked has no say in which points are moved, or how small the step is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.derivatives import numerical_derivative
from chainrule.checking.differentiable import Arrays, Differentiable
from chainrule.errors import InputError

MOST_ROUNDS = 14
# what a kink or the truncation may add to the error, as a part of the tolerance
SHARE = 0.1


@dataclass(frozen=True)
class Differences:
    """arrays: the point after the moves; derivatives: by central differences there.

    steps: the step of each array. scales: for each array the number that its errors are relative
    to. moved: how many entries were moved away from a kink.
    """

    arrays: dict[str, Tensor]
    derivatives: dict[str, Tensor]
    steps: dict[str, float]
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
    further round. With no kink near, an array in which the truncation is seen has its step
    divided by 10. Raises InputError if neither is mended after the last round.
    """
    arrays = dict(function.arrays)
    steps = dict.fromkeys(arrays, step)
    moved = {name: np.zeros(tuple(array.shape), bool) for name, array in arrays.items()}
    for attempt in range(MOST_ROUNDS):
        halves = {name: h / 2 for name, h in steps.items()}
        central = difference(function, arrays, dy, steps)
        central_half = difference(function, arrays, dy, halves)
        forward = difference(function, arrays, dy, steps, "forward")
        forward_half = difference(function, arrays, dy, halves, "forward")
        scales = _scales(function.value(arrays), dy, central, steps, tolerance)
        near = {}
        coarse = []
        for name in arrays:
            limit = SHARE * tolerance * scales[name]
            # D is twice the forward minus the central difference
            bend = 2 * (forward[name] - central[name])
            bend_half = 2 * (forward_half[name] - central_half[name])
            near[name] = ((bend - 2 * bend_half).abs() > limit).cpu().numpy()
            if bool((4 / 3 * (central[name] - central_half[name]).abs() > limit).any()):
                coarse.append(name)
        if any(mask.any() for mask in near.values()):
            for name, mask in near.items():
                moved[name] |= mask
                distance = generator.uniform(4, 16, mask.shape) * step * 2**attempt
                shift = np.where(mask, generator.choice([-1.0, 1.0], mask.shape) * distance, 0.0)
                arrays[name] = arrays[name] + torch.as_tensor(shift).to(arrays[name].device)
        elif coarse:
            for name in coarse:
                steps[name] /= 10
        else:
            count = sum(int(mask.sum()) for mask in moved.values())
            return Differences(arrays, central, steps, scales, count)
    where = ", ".join(
        f"{int(mask.sum())} entries of {name}" for name, mask in near.items() if mask.any()
    )
    raise InputError(
        f"the function bends too sharply within {step:g} of {where or ', '.join(coarse)} after "
        f"{MOST_ROUNDS} rounds; expected a function that is smooth apart from separate kinks (or a "
        "smaller step)"
    )


def difference(
    function: Differentiable,
    arrays: Arrays,
    dy: Tensor,
    steps: Mapping[str, float],
    method: str = "central",
) -> dict[str, Tensor]:
    """The derivative of sum(dy * output) by each entry of the arrays in `steps`, by differences.

    The output at the point itself is taken off before the sum, so that outputs which an entry
    does not reach add no rounding.
    """
    base = function.value(arrays)

    def projected(changed: dict[str, np.ndarray]) -> float:
        point = {name: torch.as_tensor(a).to(dy.device) for name, a in changed.items()}
        return float((dy * (function.value({**arrays, **point}) - base)).sum())

    found = {}
    for name, step in steps.items():
        derivative = numerical_derivative(
            projected, {name: arrays[name].cpu().numpy()}, delta=step, method=method
        )
        found[name] = torch.as_tensor(derivative[name]).to(dy.device)
    return found


def _scales(
    y: Tensor, dy: Tensor, found: Arrays, steps: Mapping[str, float], tolerance: float
) -> dict[str, float]:
    """An array's largest derivative, but no less than what the differences can tell from 0.

    That is a thousandth of the largest derivative of all, and the derivative of which rounding,
    some 64 units in the last place of the output over the step, makes up `tolerance`.
    """
    eps, tiny = np.finfo(np.float64).eps, float(np.finfo(np.float64).tiny)
    largest = {name: float(a.abs().max()) if a.numel() else 0.0 for name, a in found.items()}
    size = float(y.abs().max() * dy.abs().max()) if y.numel() else 0.0
    least = max(1e-3 * max(largest.values()), tiny)
    return {
        name: max(value, least, 64 * eps * size / steps[name] / tolerance)
        for name, value in largest.items()
    }
