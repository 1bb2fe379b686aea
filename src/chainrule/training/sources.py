"""Where batches come from: arrays, a DataLoader, or a source of your own."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from chainrule.errors import InputError
from chainrule.training.inputs import as_inputs, as_tensor, check_lengths, each, tensors_of
from chainrule.training.ranks.ranks import Ranks


@runtime_checkable
class Source(Protocol):
    """Where batches come from."""

    def __len__(self) -> int:
        """How many examples one epoch holds."""

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[tuple[Any, Any]]:
        """One epoch of (inputs (N, C, H, W), targets), N <= size.

        For a chain of several inputs they are a mapping by name, or a tuple in the chain's order.

        With a generator: in a random order, with random jitter if the source has any. Without:
        in order and without jitter, the same each time.
        """


@runtime_checkable
class SharedSource(Source, Protocol):
    """A source whose batches several processes make together, each a part of them."""

    def shared_by(self, ranks: Ranks) -> Source:
        """The source in one of the processes: the same batches, in all of them."""


class TensorSource:
    """Examples that are in memory: x (M, ...) and their targets y (M, ...).

    Arrays, tensors or lists of any kind of float or integer. For a chain of several inputs, x is a
    mapping by their names, or, where `inputs` names them, a tuple in this order. x stays as it is
    and is turned into the training's kind batch by batch, so that pictures may be bytes; whole
    numbers in y become int64, as the losses take classes.

    Raises InputError if one is no array of numbers, if there is no example, or if x and y hold
    different numbers of them.
    """

    def __init__(self, x: Any, y: Any, inputs: Sequence[str] | None = None) -> None:
        self.x, targets = as_inputs("x", x, inputs), as_tensor("y", y)
        self.y = targets if targets.is_floating_point() else targets.long()
        self._examples, of_y = check_lengths("x", self.x), check_lengths("y", self.y)
        if len(self) != of_y:
            shapes = ", ".join(str(tuple(part.shape)) for part in tensors_of(self.x))
            raise InputError(
                f"x holds {len(self)} examples (its shape is {shapes}), y {of_y} "
                f"({tuple(self.y.shape)}); expected as many of both"
            )
        if not len(self):
            raise InputError("x holds no example; expected at least one")

    def __len__(self) -> int:
        return self._examples

    def batches(self, size: int, generator: torch.Generator | None) -> Iterator[tuple[Any, Tensor]]:
        """One epoch of (x, y), in a random order with a generator."""
        if generator is None:
            for first in range(0, len(self), size):
                part = slice(first, first + size)
                yield each(self.x, itemgetter(part)), self.y[part]
            return
        for chosen in torch.split(torch.randperm(len(self), generator=generator), size):
            yield each(self.x, partial(_rows, chosen)), _rows(chosen, self.y)


class LoaderSource:
    """A `torch.utils.data.DataLoader` that gives pairs (x, y): its batches, in its own sizes.

    For a chain of several inputs, x is a mapping by their names, or, where `inputs` names them, a
    tuple or list in this order.

    What it and its data set draw from PyTorch's global generator comes from the training's
    generator instead, and the global one is left as it was: so the seed of the settings holds, and
    a run can be resumed to the same bits. (A loader with a generator of its own goes on from that.)

    Raises InputError if its length is not known, or if it is empty.
    """

    def __init__(self, loader: "DataLoader[Any]", inputs: Sequence[str] | None = None) -> None:
        self._loader, self._inputs = loader, inputs
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
            x, y = as_inputs("x", batch[0], self._inputs), as_tensor("y", batch[1])
            yield x, y if y.is_floating_point() else y.long()


def _rows(chosen: Tensor, array: Tensor) -> Tensor:
    return array[chosen.to(array.device)]


def as_source(what: str, data: Any, inputs: Sequence[str] = ("x",)) -> Source:
    """`data` as a source: a pair (x, y), a DataLoader, or a source already.

    inputs: the names of what the chain takes. Raises InputError if it is none of them.
    """
    if isinstance(data, DataLoader):
        return LoaderSource(data, inputs)
    if isinstance(data, tuple | list) and len(data) == 2:
        return TensorSource(data[0], data[1], inputs)
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
