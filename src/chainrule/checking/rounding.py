"""How finely a function computes: the rounding in each of its outputs, read off the outputs.

Along a line of equally spaced points the fifth differences of a smooth function are of the order
of the fifth power of the spacing, here of 1e-30; what is left is rounding. For independent errors
of standard deviation s they have sqrt(252) s (Hamming's table of differences). Their median is
taken, so that a kink, which spoils at most five of them, does not matter.

A function in float64 rounds at 1e-16 of its size, one that computes in float32 inside at 6e-8, and
y = x + 1e10 at 1e-6, whatever the size of x.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.differentiable import Arrays
from chainrule.checking.slopes import Noise
from chainrule.checking.structure import largest
from chainrule.errors import InputError

SPACING = 1e-6
POINTS = 16
ROUGH = 0.03
_SPREAD = 0.6745 * np.sqrt(252.0)  # the median of a normal variable's size; the fifth difference
_EPS = float(np.finfo(np.float64).eps)
Vector = Callable[[Arrays], np.ndarray]


@dataclass(frozen=True)
class Rounding:
    """For each output its value, its rounding and its slope along the random line, in size.

    in_16_bits: every value on that line is a number of bfloat16 or float16.
    """

    y: np.ndarray
    rounding: np.ndarray
    slope: np.ndarray
    in_16_bits: bool = False

    @property
    def relative(self) -> float:
        """The rounding of an ordinary output, as a part of its size."""
        known = self.y != 0
        return (
            float(np.median(self.rounding[known] / np.abs(self.y[known]))) if known.any() else 0.0
        )

    @property
    def noise(self) -> Noise:
        """How values round here and elsewhere: at best as where nothing large cancels."""
        known = self.y != 0
        finest = (self.rounding[known] / np.abs(self.y[known])).min() if known.any() else _EPS
        return Noise(self.rounding, float(finest))

    @property
    def coarse(self) -> bool:
        """The function does not compute in float64, or a large number hides its values."""
        return self.relative > 1e-12

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the verdict should know."""
        if not self.coarse:
            return ()
        float32 = ", as where float32 is used inside" if 1e-9 < self.relative < 1e-6 else ""
        return (
            f"the function rounds at {self.relative:.0e} of its size{float32}; the steps suit that",
        )


def rounding_of(vector: Vector, arrays: Arrays, generator: np.random.Generator) -> Rounding:
    """Read the rounding of every output at the point `arrays`."""
    direction = {name: _no_standstill(array, generator) for name, array in arrays.items()}
    scale = max(1.0, *(largest(array) for array in arrays.values()))
    return _along(lambda t: vector(moved(arrays, direction, t)), vector(arrays), scale)


def check_smooth(rounding: Rounding) -> None:
    """Raise InputError where hardly a digit of the function is left."""
    if rounding.in_16_bits:
        raise InputError(
            "the function gives numbers of 16 bits, as where bfloat16 or float16 is used inside: a "
            "staircase, of which differences tell nothing; expected float32 inside at least"
        )
    # less than that is what is left where larger numbers cancel
    if rounding.relative > ROUGH and np.median(rounding.rounding) > 1e-12:
        raise InputError(
            f"between points {SPACING:g} apart the function jumps by {rounding.relative:.0%} of "
            "its size; expected a function that is smooth apart from separate kinks"
        )


def random_direction(array: Tensor, generator: np.random.Generator) -> Tensor:
    """Standard normal, times an entry's own size where that is above 1."""
    normal = torch.as_tensor(generator.standard_normal(tuple(array.shape)))
    return normal.to(array) * array.abs().clamp_min(1.0)


def _no_standstill(array: Tensor, generator: np.random.Generator) -> Tensor:
    """0.5 to 1.5 of an entry's own size, or of 1: in float32 none would stand still for long."""
    shape = tuple(array.shape)
    by = generator.uniform(0.5, 1.5, shape) * generator.choice([-1.0, 1.0], shape)
    return torch.as_tensor(by).to(array) * array.abs().clamp_min(1.0)


def moved(arrays: Arrays, direction: Arrays, by: float) -> dict[str, Tensor]:
    """The point, moved along the arrays that `direction` names."""
    steps = {name: arrays[name] + by * direction[name] for name in direction}
    return {**arrays, **steps}


def _along(line: Callable[[float], np.ndarray], here: np.ndarray, scale: float) -> Rounding:
    values = np.stack([np.broadcast_to(line(k * SPACING), here.shape) for k in range(POINTS)])
    size = np.abs(here)
    with np.errstate(invalid="ignore"):
        spread = np.nan_to_num(np.median(np.abs(np.diff(values, 5, axis=0)), 0) / _SPREAD)
        slope = np.nan_to_num(np.abs(values[-1] - values[0]) / ((POINTS - 1) * SPACING))
    part = np.median(spread[size > 0] / size[size > 0]) if (size > 0).any() else 0.0
    # no more than numbers of this size leave where they cancel: 1 is no such rest
    grain = np.minimum(_lowest_bit(values).min(0), 16 * _EPS * max(scale, size.max(initial=0.0)))
    # what comes in may be rounded, too, which the slope passes on
    rounding = np.maximum.reduce([2 * spread, max(part, _EPS) * np.maximum(size, slope), grain])
    return Rounding(here, rounding, slope, _in_16_bits(values))


def _in_16_bits(values: np.ndarray) -> bool:
    """All are numbers of bfloat16 or of float16, and need most of its digits."""
    mantissa = np.abs(np.frexp(values[np.isfinite(values) & (values != 0)])[0])
    for digits in (8, 11):
        whole = np.ldexp(mantissa, digits)
        if whole.size and (whole == np.round(whole)).all():
            return bool(len(np.unique(whole)) > 4 and (whole % 4 != 0).any())
    return False


def _lowest_bit(values: np.ndarray) -> np.ndarray:
    """The value of the last bit that is set: coarse in what is left where larger numbers cancel.

    So it is in whole numbers and quarters, too, but not all along a line. Infinite for 0.
    """
    mantissa, exponent = np.frexp(np.nan_to_num(values))
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    bits = np.ldexp((digits & -digits).astype(np.float64), exponent - 53)
    return np.where(digits == 0, np.inf, bits)
