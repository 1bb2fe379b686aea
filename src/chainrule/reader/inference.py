"""A line network made ready to read: in floats, or in bytes where a processor multiplies those."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks import Convolution, Interleave, ReLU, Residual
from chainrule.blocks.block import Shape
from chainrule.chain import Chain
from chainrule.chain.chain import layer_parameters
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.errors import InputError
from chainrule.reader.ctc_network import padded

Ranges = Mapping[str, float]
Strips = Sequence[NDArray[np.float32]]

INPUT_SCALE, INPUT_ZERO = 2 / 255, 64
"""A strip's values, -0.5 to 1.5, as bytes: (byte - 64) 2 / 255."""

_SHARE = 0.9999  # of a layer's outputs that its range holds: the few above are cut off
_MOST = 127  # of a weight, either sign
_TYPICAL: Shape = (32, 1, 32, 320)
"""Of inputs: the library packs weights as is fastest for a shape, and takes all others."""

ReaderPrecision = Literal["int8", "bfloat16", "float32"]


def ready_network(
    chain: Chain,
    parameters: Mapping[str, Tensor],
    precision: ReaderPrecision,
    ranges: Ranges | None = None,
) -> "FloatNetwork | QuantizedNetwork":
    """A line network folded and in a precision. Raises InputError if the ranges are not its own,
    or there are none for bytes."""
    folded, values = fold_batch_normalization(chain, parameters)
    if ranges is not None:
        _check_ranges(folded, ranges)
    if precision != "int8":
        return FloatNetwork(folded, values, precision)
    if ranges is None:
        raise InputError("the reader has no ranges of its layers; expected them for int8")
    return QuantizedNetwork(folded, values, ranges)


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

    def apply(self, strips: Strips, width: int) -> Tensor:
        """Strips (32, w), float32, filled up with paper to `width` columns, to scores (N, classes,
        1, frames), float32."""
        x = padded(strips, width, self.dtype)
        return self.chain.apply(x, self.parameters).float()


class QuantizedNetwork:
    r"""A folded line network with bytes in place of floats.

    A layer's outputs, none below 0, are y = s q with a byte q and the scale s = range / 255; the
    weights of output o are W_o = v_o V_o with integers V_o from -127 to 127 and v_o = max |W_o| /
    127. So, with the input x = t (p - z),

        W_o x + b_o = v_o t (V_o p - z sum V_o) + b_o

    where V_o p is a sum of products of bytes, which is exact in 32-bit integers. The next q is that
    divided by s, rounded and held to 0 to 255. Both sides of a residual sum have one scale, so it
    is a sum of bytes, held to 255. The scores come out as floats.

    ranges: of each ReLU outside a residual, and each residual, by name: see `measured_ranges`.
    Source: Jacob et al., Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, 2018.
    """

    def __init__(self, chain: Chain, parameters: Mapping[str, Tensor], ranges: Ranges) -> None:
        self._layers: list[_Layer] = []
        scale, zero, shape = INPUT_SCALE, INPUT_ZERO, _TYPICAL
        layers = _layers(chain)
        for place, layer in enumerate(layers):
            after = _scale(layers[place:], ranges)
            self._layers.append(_Layer.packed(layer, parameters, shape, scale, zero, after))
            scale, zero, shape = after or 0.0, 0, layer.block.shape(shape)
        self._frames = Chain(chain.layers[-1:])

    def apply(self, strips: Strips, width: int) -> Tensor:
        """Strips (32, w), float32, filled up with paper to `width` columns, to scores (N, classes,
        1, frames), float32."""
        x = np.full((len(strips), 1, len(strips[0]), width), INPUT_ZERO, np.uint8)
        for row, strip in zip(x, strips, strict=True):
            _put(strip, row[0])
        q = torch.from_numpy(x)
        for layer in self._layers:
            y = layer.apply(q)
            if layer.summed:
                _add_held(_memory(y), _memory(q))
            q = y
        return self._frames.apply(q, {})


def measured_ranges(
    chain: Chain, parameters: Mapping[str, Tensor], batches: Iterable[Tensor]
) -> dict[str, float]:
    """What nearly all outputs of each layer of a line network stay below, over some inputs."""
    chain, parameters = fold_batch_normalization(chain.in_inference(), parameters)
    ranges: dict[str, float] = {}
    for y in batches:
        for name, block in chain.layers:
            y = block.apply(y, layer_parameters(parameters, name))  # noqa: PLW2901
            if isinstance(block, ReLU | Residual):
                highest = float(np.quantile(y.numpy(), _SHARE))
                ranges[name] = max(highest, ranges.get(name, 1e-6))
    return ranges


def _check_ranges(folded: Chain, ranges: Any) -> None:
    expected = {layer.range for layer in _layers(folded) if layer.range}
    if not isinstance(ranges, Mapping) or set(ranges) != expected:
        raise InputError(
            f"the ranges are {ranges!r}; expected numbers for {', '.join(sorted(expected))}"
        )
    for name, value in ranges.items():
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InputError(f"the range of {name!r} is {value!r}; expected a number above 0")


@dataclass(frozen=True)
class _Named:
    """A convolution of the chain, the names of its parameters and of what has its range."""

    block: Convolution
    parameters: str
    range: str | None
    summed: bool


def _layers(chain: Chain) -> list[_Named]:
    found = []
    for place, (name, block) in enumerate(chain.layers):
        if isinstance(block, Convolution):
            after, follower = chain.layers[place + 1]
            rectified = after if isinstance(follower, ReLU) else None
            found.append(_Named(block, name, rectified, False))
        elif isinstance(block, Residual):
            assert isinstance(block.body, Chain)
            inner, convolution = block.body.layers[0]
            assert isinstance(convolution, Convolution)
            found.append(_Named(convolution, f"{name}.{inner}", name, True))
        else:
            assert isinstance(block, ReLU | Interleave)
    return found


def _scale(layers: list[_Named], ranges: Ranges) -> float | None:
    """Of the first layer's outputs: of the last of the residual sums that follow, if any do."""
    *_, last = layers[0], *takewhile(lambda layer: layer.summed, layers[1:])
    return None if last.range is None else ranges[last.range] / 255


@dataclass(frozen=True)
class _Layer:
    """A convolution with weights packed for the processor; all but the scores with its ReLU."""

    block: Convolution
    weight: Tensor
    weight_scales: Tensor
    weight_zeros: Tensor
    bias: Tensor
    input_scale: float
    input_zero: int
    output_scale: float | None  # None: scores, as floats
    summed: bool

    @classmethod
    def packed(
        cls,
        layer: _Named,
        parameters: Mapping[str, Tensor],
        shape: Shape,
        scale: float,
        zero: int,
        after: float | None,
    ) -> "_Layer":
        weight = parameters[f"{layer.parameters}.weight"]
        scales = weight.abs().amax((1, 2, 3)).clamp_(min=1e-12) / _MOST
        integers = (weight / scales[:, None, None, None]).round().to(torch.int8)
        window = layer.block.window
        packed = torch.ops.onednn.qconv_prepack(
            integers, scales, scale, zero, window.stride, window.even_padding, window.dilation, 1,
            shape,
        )  # fmt: skip
        bias = parameters[f"{layer.parameters}.bias"]
        zeros = torch.zeros(len(bias), dtype=torch.int32)
        return cls(layer.block, packed, scales, zeros, bias, scale, zero, after, layer.summed)

    def apply(self, q: Tensor) -> Tensor:
        window, rectified = self.block.window, self.output_scale is not None
        y: Tensor = torch.ops.onednn.qconv2d_pointwise(
            q.contiguous(memory_format=torch.channels_last),
            self.input_scale,
            self.input_zero,
            self.weight,
            self.weight_scales,
            self.weight_zeros,
            self.bias,
            window.stride,
            window.even_padding,
            window.dilation,
            1,
            self.output_scale or 1.0,
            0,
            torch.uint8 if rectified else torch.float32,
            "relu" if rectified else "none",
            [],
            "",
        )
        return y


def _memory(q: Tensor) -> NDArray[np.uint8]:
    """All bytes (N, C, H, W) as they lie, channel by channel."""
    return q.permute(0, 2, 3, 1).numpy().reshape(-1)


@njit(cache=True, nogil=True)
def _put(strip, q):  # type: ignore[no-untyped-def]
    """Put the bytes of a strip (32, w) in the first columns of `q`."""
    factor, zero = np.float32(1 / INPUT_SCALE), np.float32(INPUT_ZERO)
    for y in range(strip.shape[0]):
        for x in range(strip.shape[1]):
            value = np.rint(strip[y, x] * factor + zero)
            q[y, x] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@njit(cache=True, nogil=True)
def _add_held(total, other):  # type: ignore[no-untyped-def]
    """Add the bytes `other` to `total`, in place; what is above 255 becomes that."""
    for place in range(total.size):
        both = np.uint16(total[place]) + np.uint16(other[place])
        total[place] = np.uint8(min(both, np.uint16(255)))
