"""Where batches come from: arrays, a DataLoader, or a source of your own."""

import math
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from chainrule.errors import InputError


@runtime_checkable
class Source(Protocol):
    """Where batches come from."""

    def __len__(self) -> int:
        """How many examples one epoch holds."""

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[tuple[Any, Any]]:
        """One epoch of (inputs (N, C, H, W), targets), N <= size.

        With a generator: in a random order, with random jitter if the source has any. Without:
        in order and without jitter, the same each time.
        """


class TensorSource:
    """Examples that are in memory: x (M, ...) and their targets y (M, ...).

    Arrays, tensors or lists of any kind of float or integer. x stays as it is and is turned into
    the training's kind batch by batch, so that pictures may be bytes; whole numbers in y become
    int64, as the losses take classes.

    Raises InputError if one is no array of numbers, if there is no example, or if x and y hold
    different numbers of them.
    """

    def __init__(self, x: Any, y: Any) -> None:
        self.x, targets = as_tensor("x", x), as_tensor("y", y)
        self.y = targets if targets.is_floating_point() else targets.long()
        for name, value in (("x", self.x), ("y", self.y)):
            if value.ndim == 0:
                raise InputError(f"{name} is one number; expected an array with a row an example")
        if len(self.x) != len(self.y):
            raise InputError(
                f"x holds {len(self.x)} examples (its shape is {tuple(self.x.shape)}), y "
                f"{len(self.y)} ({tuple(self.y.shape)}); expected as many of both"
            )
        if not len(self.x):
            raise InputError("x holds no example; expected at least one")

    def __len__(self) -> int:
        return len(self.x)

    def batches(
        self, size: int, generator: torch.Generator | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of (x, y), in a random order with a generator."""
        if generator is None:
            yield from zip(torch.split(self.x, size), torch.split(self.y, size), strict=True)
            return
        for chosen in torch.split(torch.randperm(len(self), generator=generator), size):
            yield self.x[chosen.to(self.x.device)], self.y[chosen.to(self.y.device)]


class LoaderSource:
    """A `torch.utils.data.DataLoader` that gives pairs (x, y): its batches, in its own sizes.

    What it and its data set draw from PyTorch's global generator comes from the training's
    generator instead, and the global one is left as it was: so the seed of the settings holds, and
    a run can be resumed to the same bits. (A loader with a generator of its own goes on from that.)

    Raises InputError if its length is not known, or if it is empty.
    """

    def __init__(self, loader: "DataLoader[Any]") -> None:
        self._loader = loader
        try:
            self.steps, examples = len(loader), len(loader.dataset)  # type: ignore[arg-type]
        except TypeError as error:
            raise InputError(
                "the DataLoader's length is not known (its data set has no length); expected a "
                "data set with one, for the schedule of the rate needs it"
            ) from error
        whole = self.steps * (loader.batch_size or examples)
        self._examples = min(examples, whole)
        if not self.steps:
            raise InputError("the DataLoader gives no batch; expected at least one")

    def __len__(self) -> int:
        return self._examples

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[tuple[Any, Any]]:
        """One epoch of the loader's batches, whatever `size` is."""
        with torch.random.fork_rng(devices=[]):
            seed = 0 if generator is None else int(torch.empty((), dtype=torch.int64).random_(
                generator=generator))  # fmt: skip
            torch.manual_seed(seed)
            inside, drawn = iter(self._loader), torch.get_rng_state()
        while True:
            with torch.random.fork_rng(devices=[]):
                torch.set_rng_state(drawn)
                batch = next(inside, None)
                drawn = torch.get_rng_state()
            if batch is None:
                return
            if not isinstance(batch, tuple | list) or len(batch) != 2:
                raise InputError(
                    f"the DataLoader gave a {type(batch).__name__}; expected pairs (x, y)"
                )
            x, y = (as_tensor(name, part) for name, part in zip("xy", batch, strict=True))
            yield x, y if y.is_floating_point() else y.long()


def as_source(what: str, data: Any) -> Source:
    """`data` as a source: a pair (x, y), a DataLoader, or a source already.

    Raises InputError if it is none of them.
    """
    if isinstance(data, DataLoader):
        return LoaderSource(data)
    if isinstance(data, tuple | list) and len(data) == 2:
        return TensorSource(*data)
    if not isinstance(data, type) and isinstance(data, Source):
        if not len(data):
            raise InputError(f"the {what} holds no example; expected at least one")
        return data
    found = f"{len(data)} things" if isinstance(data, tuple | list) else type(data).__name__
    raise InputError(
        f"the {what} is {found}; expected a pair (x, y) of arrays, a DataLoader, or a source with "
        "`batches` and a length"
    )


def epoch_of(source: Source, size: int, drop_last: bool) -> tuple[int, int]:
    """How many steps and how many examples an epoch has, in batches of this size.

    Raises InputError if there is no step.
    """
    if isinstance(source, LoaderSource):
        return source.steps, len(source)
    steps = len(source) // size if drop_last else math.ceil(len(source) / size)
    if not steps:
        raise InputError(
            f"drop_last leaves no batch: batch_size is {size}, and there are {len(source)} "
            "examples; expected at least as many as a batch holds"
        )
    return steps, min(len(source), steps * size)


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
