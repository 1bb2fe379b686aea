"""The type checker of the test run: beartype, on the annotations that name an array's shape."""

import inspect
import typing

from beartype import beartype
from jaxtyping import AbstractArray


def check_arrays(function):
    """Check shapes and dtypes alone: what a user passes otherwise is for our own messages."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function
    hints = {name: p.annotation for name, p in signature.parameters.items()}
    hints["return"] = signature.return_annotation
    arrays = {name: hint for name, hint in hints.items() if _is_array(hint)}
    if not arrays:
        return function
    everything, function.__annotations__ = function.__annotations__, arrays
    checked = beartype(function)
    function.__annotations__ = everything
    return checked


def _is_array(hint):
    parts = [hint, *typing.get_args(hint)]
    return any(isinstance(part, type) and issubclass(part, AbstractArray) for part in parts)
