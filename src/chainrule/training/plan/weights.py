"""The parameters of a plan, all in few pieces of memory, in the order that its products want.

What products multiply by lies in `matrices`: the filters of a convolution row by row, (O, kh kw C)
with the channels last, and its bias as one column more. What belongs to channels lies in `vectors`.
Both have a gradient for each thread that shares a batch; those of matrices, and the copy that
products read, have the plan's precision.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks import BatchNormalization, Convolution, FullyConnected, Residual
from chainrule.blocks.block import Block, Parameters
from chainrule.chain import Chain

_ALIGNED = 32  # numbers: pieces begin at a cache line
_CONVOLUTION = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "bias"
)  # fmt: skip
_ROW = 8  # numbers of which a row with a bias holds a multiple


class Store:
    """Float32 numbers in one piece, a copy of them and their gradients in `dtype`."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype, self._size = dtype, 0
        self.numbers = torch.zeros(0)
        self.copy, self.gradients = self.numbers, self.numbers

    def reserve(self, rows: int, columns: int) -> "Place":
        """Room for a matrix."""
        place = Place(self, self._size, rows, columns)
        self._size += -(-rows * columns // _ALIGNED) * _ALIGNED
        return place

    def fill(self, threads: int) -> None:
        """Take the memory: all zeros."""
        self.numbers = torch.zeros(self._size)
        wide = self._dtype == torch.float32
        self.copy = self.numbers if wide else torch.zeros(self._size, dtype=self._dtype)
        self.gradients = torch.zeros(threads, self._size, dtype=self._dtype)

    def refresh(self) -> None:
        """Bring the copy up to date."""
        if self.copy is not self.numbers:
            self.copy.copy_(self.numbers)


@dataclass(frozen=True)
class Place:
    """Where a matrix lies in a store."""

    store: Store
    start: int
    rows: int
    columns: int

    def of(self, piece: Tensor) -> Tensor:
        """The matrix (rows, columns) in a piece of memory that is laid out as the store."""
        size = self.rows * self.columns
        return piece[self.start : self.start + size].view(self.rows, self.columns)


@dataclass(frozen=True)
class Parameter:
    """One parameter: its matrix, and how it is seen there in its own shape."""

    place: Place
    seen: Callable[[Tensor], Tensor]

    def of(self, piece: Tensor) -> Tensor:
        """The parameter in a piece of memory that is laid out as its store."""
        return self.seen(self.place.of(piece))


class Weights:
    """Every parameter of a chain that its plan knows how to learn, by its flat name.

    `others` are the parameters that stay as they are: of blocks that a plan runs as they are, and
    the running moments of batch normalisation.
    """

    def __init__(
        self, chain: Chain, parameters: Parameters, dtype: torch.dtype, threads: int
    ) -> None:
        self.matrices, self.vectors = Store(dtype), Store(torch.float32)
        self.known: dict[str, Parameter] = {}
        for name, block in leaves(chain):
            self._lay(name, block)
        for store in (self.matrices, self.vectors):
            store.fill(threads)
        self.others = {k: v.clone() for k, v in parameters.items() if k not in self.known}
        for name, view in self.views(
            matrices=self.matrices.numbers, vectors=self.vectors.numbers
        ).items():
            view.copy_(parameters[name])
        self.matrices.refresh()

    def views(self, *, matrices: Tensor, vectors: Tensor) -> dict[str, Tensor]:
        """The known parameters, in their own shapes, in two pieces of memory."""
        return {
            name: parameter.of(matrices if parameter.place.store is self.matrices else vectors)
            for name, parameter in self.known.items()
        }

    def _lay(self, name: str, block: Block) -> None:
        if is_product(block):
            self._lay_product(name, block)
        elif type(block) is BatchNormalization:
            for key in ("weight", "bias"):
                place = self.vectors.reserve(1, block.channels)
                self.known[f"{name}{key}"] = Parameter(place, _vector)

    def _lay_product(self, name: str, block: Block) -> None:
        shapes = block.parameter_shapes()
        outputs, *inside = shapes["weight"]
        columns = torch.Size(inside).numel()
        in_row = "bias" in shapes and packs(block)
        length = -(-(columns + 1) // _ROW) * _ROW if in_row else columns
        place = self.matrices.reserve(outputs, length)
        taps = (*inside[1:], inside[0])  # the channels last
        self.known[f"{name}weight"] = Parameter(
            place, lambda matrix: _channels_first(torch.unflatten(matrix[:, :columns], 1, taps))
        )
        if in_row:
            self.known[f"{name}bias"] = Parameter(place, lambda matrix: matrix[:, columns])
        elif "bias" in shapes:
            self.known[f"{name}bias"] = Parameter(self.matrices.reserve(1, outputs), _vector)


def leaves(block: Block, name: str = "") -> Iterator[tuple[str, Block]]:
    """Every block that holds no others, with its name and a dot, if it has one."""
    if type(block) is Residual:
        yield from leaves(block.body, name)
    elif type(block) is Chain:
        for own, inner in block.inside():
            yield from leaves(inner, f"{name}{own}.")
    else:
        yield name, block


def is_straight(block: Block) -> bool:
    """Whether each layer takes the one before it, in this chain and in those inside it."""
    if type(block) is Chain:
        pairs = all(len(layer) == 2 for layer in block.layers)
        one_input = len(getattr(block, "inputs", ("x",))) == 1
        return pairs and one_input and all(is_straight(inner) for _, inner in block.inside())
    return is_straight(block.body) if type(block) is Residual else True


def is_product(block: Block) -> bool:
    """Whether a plan runs it as a product of matrices."""
    if type(block) is FullyConnected:
        return _has_only(block, ("in_features", "out_features", "bias"))
    return type(block) is Convolution and block.groups == 1 and _has_only(block, _CONVOLUTION)


def _has_only(block: Any, known: tuple[str, ...]) -> bool:
    """Whether the settings that a plan does not know of are as they are by default."""
    others = [field for field in fields(block) if field.name not in known]
    return all(getattr(block, field.name) == field.default for field in others)


def packs(block: Block) -> bool:
    """Whether the product is with patches: not where a window is one pixel, each in its turn."""
    if not isinstance(block, Convolution):
        return False
    window = block.window
    return window.kernel != (1, 1) or window.stride != (1, 1) or any(window.padding)


def _vector(matrix: Tensor) -> Tensor:
    return matrix[0]


def _channels_first(filters: Tensor) -> Tensor:
    """(O, kh, kw, C) as (O, C, kh, kw); (O, F) as it is."""
    return filters.movedim(-1, 1)
