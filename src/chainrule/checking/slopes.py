"""The slope of every output along a line, how well it is known, and whether a kink is near.

With C(h) = (y(h) - y(-h)) / (2 h) = y' + h^2 y''' / 6 + ..., the sum that Richardson took,

    (4 C(h / 2) - C(h)) / 3 = y' + O(h^4)

is the slope. It is off by no more than its distance from C(h / 2), apart from rounding: with the
error r in each y it rounds by about 2 r / h. Where y is larger at the ends of the step, so is r.

At a kink the two one-sided differences disagree, and neither is the derivative that a block takes
by convention. For a function that is smooth about the point the disagreement

    D(h) = (y(h) - y(0)) / h - (y(0) - y(-h)) / h = h y'' + h^3 y'''' / 12 + ...

halves with the step, so that the gap G(h) = D(h) - 2 D(h / 2) is of order h^3 and vanishes beside
everything else. With a kink of jump J at distance d = t h it is J (1 - t) for t > 1/2 and
J (3 t - 1) for t <= 1/2, where t = 1/3 alone is not seen. Where a smooth function curves so much
that its gap is seen, it goes down to an eighth, and to an eighth again, where the step is halved
and halved again; a kink's does not do that twice.

So kinks and steps that are too large are found from the function itself; the derivative that is to
be checked has no say in which points are moved, or how small the step is made.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KINK = 1e-7  # a jump of the slope by this part of it
SURE = 10  # times the standard deviation
EIGHTH = (1 / 40, 1 / 3)  # what counts as one: the next term may add to it
Line = Callable[[float], np.ndarray]


@dataclass(frozen=True)
class Slope:
    """For each output: the slope, its errors, and whether a kink lies within the step.

    rounding: of the order of what rounding does to it. truncation: how far it is off at most, as
    the step is finite, with its sign. Not finite where the function is not. at_the_ends: the
    rounding of those values at the ends of the step that moved.
    """

    value: np.ndarray
    rounding: np.ndarray
    truncation: np.ndarray
    kink: np.ndarray
    at_the_ends: np.ndarray


@dataclass(frozen=True)
class Noise:
    """How values round: each output by `here` at the point, any value by `anywhere` of itself."""

    here: np.ndarray
    anywhere: float


def slope(
    line: Line,
    at: float,
    step: float,
    here: np.ndarray,
    noise: Noise,
    method: str = "richardson",
    kink: float = KINK,
    closer: bool = False,
) -> Slope:
    """The slopes of line(t) at t = at, where it is `here`, by differences of `step`.

    method: "richardson"; "central" for C(h), whose error is of order h^2; or "forward", which is
    one-sided and has one of order h. A jump of the slope by `kink` of it is a kink; with `closer`,
    only if it does not vanish as the gap of a smooth function does.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        whole, half = _Steps(line, at, step, here), _Steps(line, at, step / 2, here)
        value = (4 * half.central - whole.central) / 3
        truncation = value - half.central
        if method == "central":
            value, truncation = whole.central, 4 / 3 * (whole.central - half.central)
        if method == "forward":
            value, truncation = whole.forward, 2 * (whole.forward - half.forward)
        at_the_ends = noise.anywhere * whole.size
        rounds = np.maximum(noise.here, at_the_ends) / step
        gap = whole.bend - 2 * half.bend
        size = np.maximum(np.abs(whole.up), np.abs(whole.down)) / step
        near = ~(np.abs(gap) <= kink * size + 5 * SURE * rounds)  # and where it is not finite
        if closer and near.any() and np.isfinite(gap).all():
            quarter, eighth = (_Steps(line, at, step / n, here) for n in (4, 8))
            gap_half = half.bend - 2 * quarter.bend
            gap_quarter = quarter.bend - 2 * eighth.bend
            near &= ~(_is_eighth(gap_half / gap) & _is_eighth(gap_quarter / gap_half))
    return Slope(value, SURE * rounds, truncation, near, at_the_ends)


class _Steps:
    """The differences from `here` to both sides by one step."""

    def __init__(self, line: Line, at: float, step: float, here: np.ndarray) -> None:
        above, below = at + step, at - step
        self.up, self.down = line(above) - here, here - line(below)
        # over the steps that were taken: a sum is rounded
        self.central = (self.up + self.down) / (above - below)
        self.forward = self.up / (above - at)
        self.bend = (self.up - self.down) / step
        self._here = here

    @property
    def size(self) -> np.ndarray:
        """How large the values are at the ends that moved."""
        ends = np.where(self.up != 0, np.abs(self._here + self.up), 0.0)
        return np.maximum(ends, np.where(self.down != 0, np.abs(self._here - self.down), 0.0))


def _is_eighth(ratio: np.ndarray) -> np.ndarray:
    return (ratio > EIGHTH[0]) & (ratio < EIGHTH[1])
