"""A line network made ready to read: in floats, or in bytes where a processor multiplies those."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.chain import Chain
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.precision import byte_sums
from chainrule.chain.inference.quantized import Bytes, QuantizedNetwork, Ranges, check_ranges
from chainrule.errors import InputError
from chainrule.io.compiled import compiled
from chainrule.reader.lines.network import padded

Crops = Sequence[NDArray[np.float32]]
Precision = Literal["int8", "bfloat16", "float32"]

INPUT = Bytes(2 / 255, 64)
"""A crop's values, -0.5 to 1.5, as bytes."""


def ready_network(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    precision: Precision,
    ranges: Ranges | None = None,
) -> "FloatNetwork | ByteNetwork":
    """A line network folded and in a precision. Raises InputError if the ranges are not its own,
    or there are none for bytes."""
    folded, values = fold_batch_normalization(chain, parameters)
    if ranges is not None:
        check_ranges(folded, ranges)
    if precision != "int8":
        return FloatNetwork(folded, values, precision)
    if ranges is None:
        raise InputError("the reader has no ranges of its layers; expected them for int8")
    # where it is not known how a processor sums, weights that are exact with either way
    sums = byte_sums() or "pairs"
    return ByteNetwork(QuantizedNetwork(folded, values, ranges, INPUT, sums))


class FloatNetwork:
    """A folded line network in float32 or bfloat16."""

    def __init__(self, chain: Chain, parameters: Mapping[str, Tensor], precision: str) -> None:
        self.chain, self.dtype = chain, getattr(torch, precision)
        self.parameters = {
            name: value.to(self.dtype).contiguous(
                memory_format=torch.channels_last if value.ndim == 4 else torch.contiguous_format
            )
            for name, value in parameters.items()
        }

    def apply(self, crops: Crops, width: int) -> Tensor:
        """Crops (32, w), float32, filled up with paper to `width` columns, to scores (N, classes,
        1, frames), float32."""
        return self.chain.apply(padded(crops, width, self.dtype), self.parameters).float()


class ByteNetwork:
    """A folded line network in 8-bit integers."""

    def __init__(self, network: QuantizedNetwork) -> None:
        self.network = network

    def apply(self, crops: Crops, width: int) -> Tensor:
        """As `FloatNetwork.apply`."""
        x = np.full((len(crops), 1, len(crops[0]), width), INPUT.zero, np.uint8)
        for row, crop in zip(x, crops, strict=True):
            _put(crop, row[0])
        return self.network.apply(torch.from_numpy(x))


@compiled
def _put(crop, q):  # type: ignore[no-untyped-def]
    """Put the bytes of a crop (32, w) in the first columns of `q`."""
    factor, zero = np.float32(1 / INPUT.scale), np.float32(INPUT.zero)
    for y in range(crop.shape[0]):
        for x in range(crop.shape[1]):
            value = np.rint(crop[y, x] * factor + zero)
            q[y, x] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
