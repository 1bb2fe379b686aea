"""Fields of MATLAB's structs, and what is said where one is missing or wrong."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

LARGEST = 4096  # pixels of a picture or of its padding: far more than any network had


class FieldError(Exception):
    """A field that is not there or not what it must be; says which."""


def get(struct: Any, field: str, default: Any) -> Any:
    """A field's value, or the default where it is missing or empty."""
    value = struct.get(field, default) if isinstance(struct, dict) else default
    empty = isinstance(value, np.ndarray) and value.size == 0
    return default if empty else value


def need(struct: dict[str, Any], field: str, where: str) -> Any:
    """A field's value. Raises FieldError if it is missing."""
    if field not in struct:
        raise FieldError(f"`{where}.{field}` is missing")
    return struct[field]


def numbers(
    struct: dict[str, Any], field: str, where: str, default: list[float] | None = None
) -> list[float]:
    """A field's numbers, in MATLAB's order. Raises FieldError if they are none."""
    value = get(struct, field, default) if default is not None else need(struct, field, where)
    if isinstance(value, list) and value and all(isinstance(v, int | float) for v in value):
        return value
    if not is_numeric(value) or value.size == 0 or not np.isfinite(value).all():
        raise FieldError(f"`{where}.{field}` is no number; expected one or several")
    return [float(v) for v in value.ravel()]


def pair(values: list[float]) -> tuple[int, int]:
    """(vertical, horizontal) of one number or two."""
    return int(values[0]), int(values[-1])


def sides(layer: dict[str, Any], where: str, field: str = "pad") -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a padding or a crop of one, two or four numbers."""
    values = [int(v) for v in numbers(layer, field, where, [0])]
    if max(values) > LARGEST:
        raise FieldError(f"`{where}.{field}` is {max(values):,}; expected at most {LARGEST:,}")
    if len(values) not in (1, 2, 4):
        raise FieldError(f"`{where}.{field}` has {len(values)} numbers; expected one, two or four")
    if len(values) == 2:
        return values[0], values[0], values[1], values[1]
    top, bottom, left, right = values * 4 if len(values) == 1 else values
    return top, bottom, left, right


def texts(value: Any) -> list[str]:
    """One name, or several, as a list."""
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def is_numeric(value: Any) -> bool:
    """Whether it is an array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def tensor(array: np.ndarray) -> Tensor:
    """The array in float32."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
