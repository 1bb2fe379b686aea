"""Tensors in tuples, lists and dictionaries: taken out in order, and put back."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor


def named_leaves(name: str, structure: Any) -> dict[str, Any]:
    """Give all that lies in the structure: {"x": x}, {"x[0]": x[0], "x[1]": x[1]}, and so on."""
    if isinstance(structure, Mapping):
        parts = [(f"{name}[{key}]", part) for key, part in structure.items()]
    elif isinstance(structure, tuple | list):
        parts = [(f"{name}[{i}]", part) for i, part in enumerate(structure)]
    else:
        return {name: structure}
    return {key: leaf for at, part in parts for key, leaf in named_leaves(at, part).items()}


def replaced(name: str, structure: Any, change: Callable[[str, Any], Any]) -> Any:
    """Give the same structure with change(name of the leaf, leaf) for each leaf."""
    if isinstance(structure, Mapping):
        return {key: replaced(f"{name}[{key}]", part, change) for key, part in structure.items()}
    if isinstance(structure, tuple | list):
        parts = [replaced(f"{name}[{i}]", part, change) for i, part in enumerate(structure)]
        if hasattr(structure, "_fields"):  # a named tuple
            return type(structure)(*parts)
        return type(structure)(parts)
    return change(name, structure)


def is_real(value: Any) -> bool:
    """A tensor of floating-point numbers: what has a derivative."""
    return isinstance(value, Tensor) and value.is_floating_point()


def largest(array: Tensor) -> float:
    """The size of the largest number; 0 if there is none."""
    return float(array.detach().abs().max()) if array.numel() else 0.0
