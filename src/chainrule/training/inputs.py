"""What goes into a chain: one tensor, or for a chain of several inputs a tensor for each name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from chainrule.chain.wiring import by_name
from chainrule.errors import InputError

Inputs = Tensor | dict[str, Tensor]
V = TypeVar("V")


def as_inputs(what: str, x: Any, names: Sequence[str] | None = None) -> Inputs:
    """`x` as one tensor, or by the names of the inputs of a chain that has several.

    x: an array, or a mapping by name; with several `names`, which are the chain's, a tuple or list
    in their order, too. Raises InputError if it is no array of numbers, or not all are there.
    """
    several = names is not None and len(names) > 1
    if not isinstance(x, Mapping) and not several:
        return as_tensor(what, x)
    try:
        parts = dict(x) if names is None else by_name(x, tuple(names))
    except InputError as error:
        raise InputError(f"{what}: {str(error).removeprefix('Chain: ')}") from error
    found = {name: as_tensor(f"{what}[{name!r}]", part) for name, part in parts.items()}
    return found if names is None or several else found[names[0]]


def check_lengths(what: str, x: Inputs) -> int:
    """How many examples there are. Raises InputError if that is not the same in all inputs."""
    if isinstance(x, Tensor):
        return _length(what, x)
    lengths = {name: _length(f"{what}[{name!r}]", part) for name, part in x.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{n} of {name!r}" for name, n in lengths.items()) or "none"
        raise InputError(f"{what} holds examples: {told}; expected as many of each input")
    return next(iter(lengths.values()))


def each(x: Inputs, change: Callable[[Tensor], V]) -> V | dict[str, V]:
    """What `change` makes of the tensor, or of each, by its name."""
    if isinstance(x, Tensor):
        return change(x)
    return {name: change(part) for name, part in x.items()}


def tensors_of(x: Inputs) -> list[Tensor]:
    """The tensor, or all of them in the order of their names."""
    return [x] if isinstance(x, Tensor) else [x[name] for name in sorted(x)]


def shapes_of(x: Inputs) -> Any:
    """The shape, or the shapes by name, as a chain takes them."""
    return each(x, lambda part: tuple(part.shape))


def as_tensor(name: str, value: Any) -> Tensor:
    """`value` as a tensor of some kind of float or integer.

    Raises InputError if it is no array of numbers.
    """
    if not isinstance(value, Tensor):
        if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
            value = np.stack([np.asarray(row) for row in value])
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise InputError(
                f"{name} is no array ({error}); expected rows of one length"
            ) from error
        if array.dtype.kind not in "fiub":
            raise InputError(
                f"{name} holds {array.dtype} entries; expected floats or whole numbers"
            )
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        if native.dtype == np.longdouble:
            native = native.astype(np.float64)
        if not native.flags.writeable or any(step < 0 for step in native.strides):
            native = native.copy()
        value = torch.from_numpy(native)
    tensor: Tensor = value.detach()
    if tensor.is_complex() or tensor.is_quantized or tensor.layout != torch.strided:
        raise InputError(
            f"{name} holds {tensor.dtype} entries ({tensor.layout}); expected floats or whole "
            "numbers"
        )
    return tensor


def _length(what: str, x: Tensor) -> int:
    if x.ndim == 0:
        raise InputError(f"{what} is one number; expected an array with a row an example")
    return len(x)
