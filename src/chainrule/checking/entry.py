"""One derivative of a picture's way through a chain, by differences."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from chainrule.chain.passage import Passage, Place
from chainrule.checking.derivatives import numerical_derivative


def entry_by_differences(
    passage: Passage, layer: int, place: Place, at: int, entry: Place
) -> float:
    """d x_layer[place] / d x_at[entry], by two-sided differences.

    At a kink it is the mean of the two sides. Raises InputError if it is no finite number.
    """
    x = passage.value(at)

    def moved(value: float) -> float:
        other = x.clone()
        other[(0, *entry)] = value
        return float(passage.after(at, other, layer)[(0, *place)])

    return _slope(moved, float(x[(0, *entry)]))


def parameter_by_differences(
    passage: Passage, layer: int, place: Place, name: str, entry: tuple[int, ...]
) -> float:
    """d x_layer[place] / d parameter[entry], as `entry_by_differences`. name: "conv1.weight"."""
    parameter: Tensor = passage.params[name]

    def moved(value: float) -> float:
        other = parameter.clone()
        other[entry] = value
        return float(passage.changed(name, other).value(layer)[(0, *place)])

    return _slope(moved, float(parameter[entry]))


def _slope(function: Callable[[float], float], value: float) -> float:
    found = numerical_derivative(
        lambda arrays: function(float(arrays["x"][0])), {"x": np.array([value])}
    )
    return float(found["x"][0])
