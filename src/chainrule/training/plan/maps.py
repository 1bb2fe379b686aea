"""Maps in memory that is used again for every batch."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks.kernels.numbers import bits
from chainrule.blocks.kernels.packing import SLACK

_KEPT = 16  # shapes whose views are kept: batches come in few sizes


class Map(NamedTuple):
    """Numbers (N, H, W, C) in one piece, for operations of tensors and for compiled kernels.

    rows: (N H W, C). array: the same memory, bfloat16 as its bits. flat: in one dimension. roomy:
    behind the last number there is room for SLACK more.
    """

    tensor: Tensor
    rows: Tensor
    array: NDArray[Any]
    flat: NDArray[Any]
    roomy: bool

    @property
    def image(self) -> Tensor:
        """As blocks see it: (N, C, H, W)."""
        return self.tensor.permute(0, 3, 1, 2)


class Memory:
    """One piece of memory, as large as the largest map that was asked of it."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._piece = torch.zeros(SLACK, dtype=dtype)
        self._views: dict[tuple[int, ...], Map] = {}

    def map(self, n: int, h: int, w: int, c: int) -> Map:
        """A map of this shape; what was in the memory before is lost."""
        shape = (n, h, w, c)
        found = self._views.get(shape)
        if found is None:
            numbers = math.prod(shape)
            if numbers + SLACK > len(self._piece) or len(self._views) >= _KEPT:
                self._views.clear()
            if numbers + SLACK > len(self._piece):
                self._piece = torch.zeros(numbers + SLACK, dtype=self._piece.dtype)
            found = self._views[shape] = _map_of(self._piece[:numbers].view(shape), True)
        return found

    def copy(self, tensor: Tensor) -> Map:
        """A map of the numbers of a tensor (N, H, W, C)."""
        n, h, w, c = tensor.shape
        found = self.map(n, h, w, c)
        found.tensor.copy_(tensor)
        return found


class Scratch:
    """Memory for derivatives that only the next step reads: few pieces, which stay in the cache."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._pieces = Memory(dtype), Memory(dtype)

    def map(self, shape: Sequence[int], source: Map) -> Map:
        """A map of this shape (N, H, W, C), which does not lie where `source` does."""
        n, h, w, c = shape
        found = self._pieces[0].map(n, h, w, c)
        if found.tensor.data_ptr() == source.tensor.data_ptr():
            found = self._pieces[1].map(n, h, w, c)
        return found

    @cached_property
    def inside(self) -> "Scratch":
        """For the steps of a sum, which leave alone what lies here."""
        return Scratch(self.dtype)


def result_of(image: Tensor) -> Map:
    """What an operation gave, (N, C, H, W), as a map: copied only if its channels are not last."""
    return _map_of(image.permute(0, 2, 3, 1).contiguous(), False)


def _map_of(tensor: Tensor, roomy: bool) -> Map:
    """A tensor (N, H, W, C) in one piece as a map."""
    array = bits(tensor)
    return Map(tensor, tensor.view(-1, tensor.shape[3]), array, array.reshape(-1), roomy)
