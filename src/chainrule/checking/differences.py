"""The derivative by every entry, by differences: off kinks, with a step that suits each entry.

Each entry's derivative comes with what is not known of it: rounding, from outputs that the entry
reaches at all, and truncation. Where that is too much, larger steps are tried (a small derivative
beside large outputs), or smaller ones (a steep function). See slopes.py.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.differentiable import Arrays, Differentiable, Dy, flat
from chainrule.checking.rounding import Rounding
from chainrule.checking.slopes import SURE, slope
from chainrule.errors import InputError

MOST_ROUNDS = 14
LARGER = (1e2, 1e4, 1e6, 1e8, 1e10, 1e13)  # times the step
SMALLER = (1e-1, 1e-2, 1e-3, 1e-4)
ENOUGH = 1e-3  # how well a derivative must be known, as a part of it
PILOTS = 8


@dataclass
class Measured:
    """By entry of one array, in one row: the derivative, what is not known of it, the step.

    kink: 1 where one is near, else 0.
    """

    derivative: np.ndarray
    rounding: np.ndarray
    truncation: np.ndarray
    kink: np.ndarray
    step: np.ndarray

    @property
    def unknown(self) -> np.ndarray:
        """How far the derivative is off at most; infinite where it could not be taken."""
        unknown: np.ndarray = self.rounding + np.abs(self.truncation)
        unknown[np.isnan(unknown)] = np.inf
        return unknown


@dataclass(frozen=True)
class Differences:
    """arrays: the point after the moves; derivatives: by differences there.

    unknown: how far each of them may be off. steps: the step of each. moved: how many entries were
    moved away from a kink.
    """

    arrays: dict[str, Tensor]
    derivatives: dict[str, Tensor]
    unknown: dict[str, Tensor]
    steps: dict[str, Tensor]
    moved: int


def differences_off_kinks(
    function: Differentiable,
    dy: Dy,
    rounding: Rounding,
    *,
    step: float,
    tolerance: float,
    generator: np.random.Generator,
) -> Differences:
    """Differentiate sum(dy * output) by differences; move off kinks until none is near.

    An entry near a kink is moved by a random 4 to 16 steps to either side, twice as far in each
    further round. Raises InputError if a kink is near after the last round.
    """
    arrays = dict(function.arrays)
    moved = {name: np.zeros(tuple(array.shape), bool) for name, array in arrays.items()}
    for attempt in range(MOST_ROUNDS):
        meters = {name: _Meter(function, arrays, name, dy, rounding) for name in arrays}
        found = {name: meter.at_all(step) for name, meter in meters.items()}
        near = {name: (m.kink > 0).reshape(moved[name].shape) for name, m in found.items()}
        if not any(mask.any() for mask in near.values()):
            for name, meter in meters.items():
                _refine(meter, found[name], step, tolerance)
            return _differences(arrays, found, sum(int(mask.sum()) for mask in moved.values()))
        for name, mask in near.items():
            moved[name] |= mask
            distance = generator.uniform(4, 16, mask.shape) * step * 2**attempt
            shift = np.where(mask, generator.choice([-1.0, 1.0], mask.shape) * distance, 0.0)
            arrays[name] = arrays[name] + torch.as_tensor(shift).to(arrays[name].device)
    where = ", ".join(f"{int(m.sum())} entries of {name}" for name, m in near.items() if m.any())
    raise InputError(
        f"the function bends too sharply within {step:g} of {where} after {MOST_ROUNDS} rounds; "
        "expected a function that is smooth apart from separate kinks (or a smaller step)"
    )


def derivative_alone(
    function: Differentiable,
    arrays: Arrays,
    name: str,
    dy: Dy,
    rounding: Rounding,
    step: float,
) -> Tensor:
    """The derivative of sum(dy * output) by one array, kinks or not, with one step."""
    meter = _Meter(function, arrays, name, dy, rounding)
    found = torch.as_tensor(meter.at(np.arange(meter.size), step).derivative)
    return found.reshape(arrays[name].shape).to(arrays[name].device)


class _Meter:
    """Takes differences by single entries of one array."""

    def __init__(
        self,
        function: Differentiable,
        arrays: Arrays,
        name: str,
        dy: Dy,
        rounding: Rounding,
    ) -> None:
        self._function, self._name = function, name
        self._work = arrays[name].clone(memory_format=torch.contiguous_format)
        self._arrays = {**arrays, name: self._work}
        self._entries = self._work.view(-1)
        self._dy = flat(dy)
        self._here = function.vector(arrays)
        self._roundings = rounding.noise
        values = self._entries.tolist()
        self._values = values
        self.size = len(values)
        # the rounding in sum(dy * y), of the outputs that an entry reaches when it goes far; what
        # it does to the others must be less than their rounding on that way
        noise = self._dy * rounding.rounding
        self._noise, self._hidden, self.far = (np.zeros(self.size) for _ in range(3))
        for i, a in enumerate(values):
            to = a - np.copysign(max(1.0, abs(a)), a)
            change = self._line(i, to) - self._here
            self._noise[i] = np.sqrt((noise[change != 0] ** 2).sum())
            self._hidden[i] = np.sqrt((noise[change == 0] ** 2).sum()) / abs(to - a)
            self.far[i] = np.dot(self._dy, change) / (to - a)

    def at_all(self, step: float) -> Measured:
        return self.at(np.arange(self.size), step)

    def at(self, places: np.ndarray, step: float) -> Measured:
        """Differences by the entries in `places`, with `step` (times its size for a large one)."""
        rows = Measured(*(np.zeros(len(places)) for _ in range(5)))
        for row, i in enumerate(places.tolist()):
            a = self._values[i]
            h = step * max(1.0, abs(a))
            found = slope(partial(self._line, i), a, h, self._here, self._roundings, closer=True)
            rows.derivative[row] = np.dot(self._dy, found.value)
            rows.truncation[row] = np.dot(self._dy, found.truncation)
            noise = max(self._noise[i], float(np.linalg.norm(self._dy * found.at_the_ends)))
            rows.rounding[row] = SURE * (noise / h + self._hidden[i])
            rows.kink[row] = found.kink.any()
            rows.step[row] = h
        return rows

    def _line(self, i: int, value: float) -> np.ndarray:
        self._entries[i] = value
        y = self._function.vector(self._arrays)
        self._entries[i] = self._values[i]
        return y


def _refine(meter: _Meter, found: Measured, step: float, tolerance: float) -> None:
    """Take other steps for the entries whose derivative is not known well enough."""
    for factors, too_coarse in ((LARGER, False), (SMALLER, True)):
        left = _left(meter, found, tolerance)
        by_truncation = np.abs(found.truncation) > found.rounding
        left &= by_truncation if too_coarse else ~by_truncation
        places = np.flatnonzero(left)
        if len(places) > 2 * PILOTS:
            pilots = places[:: len(places) // PILOTS]
            before = found.unknown[pilots].copy()
            _try(meter, found, pilots, step, factors, tolerance)
            if (
                not (_left(meter, found, tolerance)[pilots] < True).any()
                and not (found.unknown[pilots] < 0.1 * before).any()
            ):
                continue
        _try(meter, found, places, step, factors, tolerance)


def _try(
    meter: _Meter,
    found: Measured,
    places: np.ndarray,
    step: float,
    factors: tuple[float, ...],
    tolerance: float,
) -> None:
    for factor in factors:
        places = places[_left(meter, found, tolerance)[places]]
        if not len(places):
            return
        other = meter.at(places, step * factor)
        better = (other.kink == 0) & (other.unknown < found.unknown[places])
        if factor > 1:
            # far away a function may look straight and be another: what is known must still hold
            apart = np.abs(other.derivative - found.derivative[places])
            better &= apart <= other.unknown + found.unknown[places]
        for whole, part in zip(vars(found).values(), vars(other).values(), strict=True):
            whole[places[better]] = part[better]


def _left(meter: _Meter, found: Measured, tolerance: float) -> np.ndarray:
    """The entries whose derivative is not known to a thousandth, or the array's to `tolerance`.

    A derivative that could be 0 is known, but where the far end of the line says that it is small.
    """
    size = np.abs(found.derivative).max(initial=0.0)
    unknown, own = found.unknown, np.abs(found.derivative)
    hidden = (np.abs(meter.far) > 0) & (np.abs(meter.far) < 1e-6 * size)
    left: np.ndarray = (unknown > ENOUGH * own) & ((own > unknown) | hidden)
    left |= unknown > tolerance * size
    return left


def _differences(arrays: dict[str, Tensor], found: dict[str, Measured], moved: int) -> Differences:
    def tensors(row: str) -> dict[str, Tensor]:
        rows = {name: getattr(m, row) for name, m in found.items()}
        return {
            name: torch.as_tensor(row).reshape(arrays[name].shape).to(arrays[name].device)
            for name, row in rows.items()
        }

    return Differences(arrays, tensors("derivative"), tensors("unknown"), tensors("step"), moved)
