"""One example with the weights it is shown to: the original report's own, or a file's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.errors import FileError
from chainrule.io.texts import read_text
from chainrule.points.network import PARAMETERS

_MATLAB_SEED = 5489  # what MATLAB seeds its Mersenne twister with when it starts
_KEYS = ("x", "y", *PARAMETERS)


@dataclass(frozen=True)
class Standardization:
    """A point as it was given, and what its features are standardized by: all (d,)."""

    given: Float64[np.ndarray, " d"]
    mean: Float64[np.ndarray, " d"]
    scale: Float64[np.ndarray, " d"]


@dataclass(frozen=True)
class Example:
    """A point x (d,) as the network sees it, its label y in {-1, +1}, and the parameters W_in,
    b_in, w_out, b_out. standardization: where x comes from, if the weights carry one."""

    x: Float64[np.ndarray, " d"]
    y: float
    parameters: dict[str, np.ndarray]
    standardization: Standardization | None = None


def report_example() -> Example:
    """The example of the original report's Table 1, d = 2 and h = 3, with all its digits.

    The report prints these numbers with four decimals. They are the third to the seventeenth that
    MATLAB's `rand` draws once started (W_in column by column), and only with all their digits
    does every printed digit of the table come out again.
    """
    draws = np.random.RandomState(_MATLAB_SEED).random_sample(17)[2:]
    return Example(
        x=draws[:2],
        y=1.0,
        parameters={
            "W_in": draws[2:8].reshape(2, 3).T.copy(),
            "b_in": draws[8:11],
            "w_out": draws[11:14],
            "b_out": np.asarray(draws[14]),
        },
    )


def printed_example() -> Example:
    """The same example as the report prints it: four decimals."""
    example = report_example()
    rounded = {name: np.round(array, 4) for name, array in example.parameters.items()}
    return Example(np.round(example.x, 4), example.y, rounded)


def read_example(path: str | os.PathLike[str]) -> Example:
    """Read a JSON object with x (list), y, W_in (list of rows), b_in, w_out (lists), b_out.

    Raises FileError if the file cannot be read or does not hold that.
    """
    document = _read_object(Path(path))
    missing = [key for key in _KEYS if key not in document]
    unknown = [key for key in document if key not in _KEYS]
    if missing or unknown:
        found = f"lacks {', '.join(missing)}" if missing else f"also holds {', '.join(unknown)}"
        raise FileError(f"{path} {found}; expected the keys {', '.join(_KEYS)}")
    arrays = {key: _numbers(path, key, document[key]) for key in _KEYS}
    if arrays["y"].shape != ():
        raise FileError(f"{path}: y is a list; expected -1 or 1")
    return Example(arrays["x"], float(arrays["y"]), {name: arrays[name] for name in PARAMETERS})


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_text(path))
    except OSError as error:
        raise FileError(
            f"{path} cannot be read ({error.strerror}); expected a JSON file with an example"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is no JSON ({error}); expected one object") from error
    if not isinstance(document, dict):
        raise FileError(f"{path} holds a JSON {type(document).__name__}; expected one object")
    return document


def _numbers(path: str | os.PathLike[str], key: str, value: Any) -> np.ndarray:
    try:
        array = np.array(value)
    except ValueError as error:
        raise FileError(
            f"{path}: the rows of {key} differ in length; expected equal ones"
        ) from error
    if array.dtype.kind not in "fiu":
        raise FileError(f"{path}: {key} does not hold numbers only; expected numbers")
    if not np.isfinite(array).all():
        raise FileError(f"{path}: {key} holds NaN or infinity; expected finite numbers")
    return array.astype(np.float64)
