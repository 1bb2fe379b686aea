"""Numerical derivatives of any scalar function of named arrays, and the comparison with ours.

For a smooth f and one entry a of one array, with the others held still:

    forward:  (f(a + delta) - f(a)) / delta              = f'(a) + delta f''(a) / 2 + ...
    central:  (f(a + delta) - f(a - delta)) / (2 delta)  = f'(a) + delta^2 f'''(a) / 6 + ...

The terms that follow f' are the truncation error; it shrinks with delta. The rounding error of the
difference, about 1e-16 |f| / delta, grows. The sum is smallest near delta = 1e-8 (forward) and
delta = 1e-5 (central), where about 8 and 11 digits are right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float64

from chainrule.errors import InputError, ShapeError

Method = Literal["forward", "central"]
Arrays = Mapping[str, np.ndarray]
Function = Callable[[dict[str, np.ndarray]], object]

METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_DELTA: Mapping[Method, float] = {"forward": 1e-8, "central": 1e-5}


@dataclass(frozen=True)
class Comparison:
    """A derivative beside its approximation; all four have the shape of the parameter.

    absolute_error = |approximate - true|; relative_error = absolute_error / |true|, which is 0
    where both are 0, and infinite where only the true value is.
    """

    true: Float64[np.ndarray, "*shape"]
    approximate: Float64[np.ndarray, "*shape"]
    absolute_error: Float64[np.ndarray, "*shape"]
    relative_error: Float64[np.ndarray, "*shape"]


def numerical_derivative(
    function: Function,
    arrays: Arrays,
    *,
    delta: float | None = None,
    method: str = "central",
) -> dict[str, Float64[np.ndarray, "..."]]:
    """Differentiate `function` numerically by every entry of every array, in float64.

    function: takes a dict with the names and shapes of `arrays` (float64 copies: it may read
    them, and must neither keep nor change them) and gives one real number. delta: the step, 1e-8
    for forward and 1e-5 for central unless given. Costs one evaluation an entry for forward and
    two for central. Returns arrays of the same names and shapes.

    Raises InputError if delta is not a finite number above 0 or too small to change an entry, the
    method has another name, an array is not real and finite, or `function` gives anything but one
    finite number.

    >>> def square(arrays):
    ...     return (arrays["x"] ** 2).sum()
    >>> numerical_derivative(square, {"x": np.array([1.0, 3.0])})["x"].round(6).tolist()
    [2.0, 6.0]
    """
    if method not in METHODS:
        raise InputError(f"method: found {method!r}; expected one of {', '.join(METHODS)}")
    if delta is None:
        delta = DEFAULT_DELTA[method]
    check_delta(delta)
    work = {name: _as_float64(name, array) for name, array in arrays.items()}
    here = _value(function, work)
    derivatives = {}
    for name, array in work.items():
        entries = array.reshape(-1)  # a view: changing it changes what `function` sees
        derivative = np.empty(entries.size)
        for i, a in enumerate(entries.tolist()):
            above, below = a + delta, a - delta if method == "central" else a
            if not below < above:
                raise InputError(
                    f"delta: found {delta:g}, which is lost in the rounding of an entry {a:g} of "
                    f"{name}; expected a larger one"
                )
            entries[i] = above
            f_above = _value(function, work)
            f_below = here
            if method == "central":
                entries[i] = below
                f_below = _value(function, work)
            entries[i] = a
            # the step that was taken: a + delta is rounded
            derivative[i] = (f_above - f_below) / (above - below)
        derivatives[name] = derivative.reshape(array.shape)
    return derivatives


def compare(true: Arrays, approximate: Arrays) -> dict[str, Comparison]:
    """Set each derivative beside its approximation, by name. Raises ShapeError on a mismatch."""
    if true.keys() != approximate.keys():
        raise ShapeError(f"derivatives by {sorted(approximate)}; expected {sorted(true)}")
    table = {}
    for name in true:
        exact = np.asarray(true[name], np.float64)
        found = np.asarray(approximate[name], np.float64)
        if exact.shape != found.shape:
            raise ShapeError(
                f"derivative by {name} has shape {found.shape}; expected {exact.shape}"
            )
        error = np.asarray(np.abs(found - exact))
        relative = np.full(exact.shape, np.inf)
        relative[error == 0] = 0.0
        np.divide(error, np.abs(exact), out=relative, where=exact != 0)
        table[name] = Comparison(exact, found, error, relative)
    return table


def worst_relative_error(table: Mapping[str, Comparison]) -> float:
    """The largest relative error of all entries; 0 if there is none."""
    return max((float(row.relative_error.max(initial=0.0)) for row in table.values()), default=0.0)


def error_curve(
    function: Function, arrays: Arrays, true: Arrays, deltas: Sequence[float], method: str
) -> Float64[np.ndarray, " deltas"]:
    """The worst relative error of the numerical derivative at each of `deltas`."""
    return np.array(
        [
            worst_relative_error(
                compare(true, numerical_derivative(function, arrays, delta=delta, method=method))
            )
            for delta in deltas
        ]
    )


def check_delta(delta: float) -> None:
    """Raise InputError unless delta is a finite number above 0."""
    if not (np.isfinite(delta) and delta > 0):
        raise InputError(f"delta: found {delta:g}; expected a finite number above 0")


def _as_float64(name: str, array: np.ndarray) -> Float64[np.ndarray, "..."]:
    copy = np.array(array, order="C")
    if copy.dtype.kind not in "fiu":
        raise InputError(f"{name} holds {copy.dtype}; expected real numbers")
    copy = copy.astype(np.float64)
    if not np.isfinite(copy).all():
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers")
    return copy


def _value(function: Function, arrays: dict[str, np.ndarray]) -> float:
    value = np.asarray(function(arrays))
    if value.size != 1 or value.dtype.kind not in "fiu":
        raise InputError(
            f"the function gave an array of shape {value.shape} and type {value.dtype}; expected "
            "one real number"
        )
    number = float(value.reshape(()))
    if not np.isfinite(number):
        raise InputError(f"the function gave {number}; expected a finite number")
    return number
