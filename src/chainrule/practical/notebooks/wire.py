"""Values on the way to and from a submission's process, as JSON: they cannot run code.

What comes back was made by a process that is not trusted, so all is checked: the types that arrays
may have, and that a shape fits the bytes.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

KINDS = "fiub"
LONGEST = 32 << 20  # bytes of a message
LARGEST = 8 << 20  # bytes of an array


class WireError(ValueError):
    """A message that is none."""


@dataclass(frozen=True)
class Code:
    """An expression of ours that the process evaluates to a value, such as a function."""

    text: str


@dataclass(frozen=True)
class Other:
    """A value of a type that is not sent."""

    type_name: str


def dump(value: Any) -> bytes:
    """A message in one line."""
    return json.dumps(pack(value)).encode() + b"\n"


def load(line: bytes) -> Any:
    """The value of a message. Raises WireError."""
    try:
        return unpack(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error


def pack(value: Any) -> Any:
    """Numbers, text, lists, tuples, dictionaries with text for keys, arrays and tensors as JSON."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Code):
        return {"code": value.text}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [pack(item) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: pack(item) for key, item in value.items()}}
    if hasattr(value, "detach"):  # a tensor, in whose process PyTorch is loaded
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in KINDS:
        array = np.asarray(value)
        if array.nbytes > LARGEST:
            return {"other": f"array of shape {array.shape}, which is too large to be right"}
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        data = base64.b64encode(array.tobytes()).decode()
        return {"array": [array.dtype.str, list(array.shape), data]}
    return {"other": type(value).__name__}


def unpack(node: Any) -> Any:
    """The value that `pack` made JSON of. Raises ValueError, TypeError, KeyError."""
    if node is None or isinstance(node, str | bool | int | float):
        return node
    if not isinstance(node, dict) or len(node) != 1:
        raise ValueError("no value")
    ((kind, content),) = node.items()
    if kind == "list":
        return [unpack(item) for item in content]
    if kind == "tuple":
        return tuple(unpack(item) for item in content)
    if kind == "dict":
        return {str(key): unpack(item) for key, item in content.items()}
    if kind == "array":
        return _array(*content)
    plain = {"float": float, "code": Code, "other": Other}
    return plain[kind](str(content))


def _array(dtype: str, shape: list[int], data: str) -> np.ndarray:
    if dtype[:1] not in ("<", "|") or dtype[1:2] not in KINDS or len(shape) > 16:
        raise ValueError("no array")
    try:
        flat = np.frombuffer(base64.b64decode(data, validate=True), np.dtype(dtype))
    except binascii.Error as error:
        raise ValueError("no array") from error
    return flat.reshape([int(size) for size in shape]).copy()
