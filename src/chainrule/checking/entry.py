"""One derivative of a picture's way through a chain, by differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from chainrule.chain.passage import Passage, Place
from chainrule.checking.derivatives import DEFAULT_DELTA, numerical_derivative

_ALIKE = 1e-3  # how far the slopes to both sides may be apart, as a part of the larger


@dataclass(frozen=True)
class EntryDifference:
    """A derivative by two-sided differences. kink: whether the slopes to either side disagree, and
    it is their mean."""

    slope: float
    kink: bool


def entry_by_differences(
    passage: Passage, layer: int, place: Place, at: int, entry: Place
) -> EntryDifference:
    """d x_layer[place] / d x_at[entry]. Raises InputError if it is no finite number."""
    x = passage.value(at)

    def moved(value: float) -> float:
        other = x.clone()
        other[(0, *entry)] = value
        return float(passage.after(at, other, layer)[(0, *place)])

    return _difference(moved, float(x[(0, *entry)]))


def parameter_by_differences(
    passage: Passage, layer: int, place: Place, name: str, entry: tuple[int, ...]
) -> EntryDifference:
    """d x_layer[place] / d parameter[entry], for "conv1.weight" say. Raises InputError."""
    parameter: Tensor = passage.params[name]

    def moved(value: float) -> float:
        other = parameter.clone()
        other[entry] = value
        return float(passage.changed(name, other).value(layer)[(0, *place)])

    return _difference(moved, float(parameter[entry]))


def _difference(function: Callable[[float], float], value: float) -> EntryDifference:
    delta = DEFAULT_DELTA["central"]
    ends = {end: function(value + end * delta) for end in (-1, 0, 1)}
    left, right = (ends[0] - ends[-1]) / delta, (ends[1] - ends[0]) / delta
    found = numerical_derivative(
        lambda arrays: function(float(arrays["x"][0])), {"x": np.array([value])}, delta=delta
    )
    larger = max(abs(left), abs(right))
    return EntryDifference(float(found["x"][0]), abs(left - right) > _ALIKE * max(larger, 1e-3))
