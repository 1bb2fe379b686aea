"""A chain of convolutions in 8-bit integers, where a processor multiplies those."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks import Convolution, Interleave, ReLU, Residual
from chainrule.blocks.block import Shape
from chainrule.chain import Chain
from chainrule.chain.chain import layer_parameters
from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.precision import ByteSums
from chainrule.errors import InputError
from chainrule.io.compiled import compiled

Ranges = Mapping[str, float]

_SHARE = 0.9999  # of a layer's outputs that its range holds: the few above are cut off
_MOST = 127  # of a weight, either sign


class Bytes(NamedTuple):
    """What bytes q stand for: scale (q - zero)."""

    scale: float
    zero: int


class QuantizedNetwork:
    r"""A folded chain with bytes in place of floats.

    It is made of convolutions, each but the last with a ReLU after it or in a residual block with
    one, and may end in `Interleave`. A layer's outputs, none below 0, are y = s q with a byte q and
    the scale s = range / 255; the weights of output o are W_o = v_o V_o with integers V_o from -127
    to 127 and v_o = max |W_o| / 127. So, with the input x = t (p - z),

        W_o x + b_o = v_o t (V_o p - z sum V_o) + b_o

    where V_o p is a sum of products of bytes, which is exact in 32-bit integers. The next q is that
    divided by s, rounded and clamped to 0 to 255. Both sides of a residual sum have one scale, so
    it is a sum of bytes, clamped to 255. The scores come out as floats.

    A processor that sums in "pairs" adds products of two in 16 bits, cut off at 32767: with it v_o
    is the largest sum of two weights of one sign, by magnitude, over 127. Rounded, two are at most
    128 then, and 255 times that is 32640. Up to one bit of the weights is lost by it.

    ranges: of each ReLU outside a residual, and each residual, by name: see `measured_ranges`.
    input: what the bytes that come in stand for. sums: how the processor adds. Source: Jacob et
    al., Quantization and training of neural networks for efficient integer-arithmetic-only
    inference, 2018.
    """

    def __init__(
        self,
        chain: Chain,
        parameters: Mapping[str, Tensor],
        ranges: Ranges,
        input: Bytes,
        sums: ByteSums,
    ) -> None:
        self._layers: list[_Layer] = []
        layers = _layers(chain)
        for place, layer in enumerate(layers):
            after = _scale(layers[place:], ranges)
            self._layers.append(_Layer.of(layer, parameters, input, after, sums))
            input = Bytes(after or 0.0, 0)
        last = chain.line[-1:]
        self._end = Chain(last) if isinstance(last[0][1], Interleave) else None

    def apply(self, q: Tensor) -> Tensor:
        """Bytes (N, C, H, W) to scores, float32."""
        for layer in self._layers:
            y = layer.apply(q)
            if layer.summed:
                _add_clamped(_memory(y), _memory(q))
            q = y
        return q if self._end is None else self._end.apply(q, {})


def measured_ranges(
    chain: Chain, parameters: Mapping[str, Tensor], batches: Iterable[Tensor]
) -> dict[str, float]:
    """What nearly all outputs of each rectified layer of a chain stay below, over some inputs."""
    chain, parameters = fold_batch_normalization(chain.in_inference(), parameters)
    ranges: dict[str, float] = {}
    for y in batches:
        for name, block in chain.line:
            y = block.apply(y, layer_parameters(parameters, name))  # noqa: PLW2901
            if isinstance(block, ReLU | Residual):
                highest = float(np.quantile(y.numpy(), _SHARE))
                ranges[name] = max(highest, ranges.get(name, 1e-6))
    return ranges


def check_ranges(folded: Chain, ranges: Any) -> None:
    """Raise InputError unless there is a number above 0 for each layer that needs a range."""
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
    for place, (name, block) in enumerate(chain.line):
        if isinstance(block, Convolution):
            after, follower = chain.line[place + 1]
            rectified = after if isinstance(follower, ReLU) else None
            found.append(_Named(block, name, rectified, False))
        elif isinstance(block, Residual):
            assert isinstance(block.body, Chain)
            inner, convolution = block.body.line[0]
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
    """A convolution of bytes; all but the scores with its ReLU."""

    block: Convolution
    weight: "_Weight"
    bias: Tensor
    input: "Bytes"
    output_scale: float | None  # None: scores, as floats
    summed: bool

    @classmethod
    def of(
        cls,
        layer: _Named,
        parameters: Mapping[str, Tensor],
        input: "Bytes",
        after: float | None,
        sums: ByteSums,
    ) -> "_Layer":
        weight = _Weight(layer.block, parameters[f"{layer.parameters}.weight"], input, sums)
        bias = parameters[f"{layer.parameters}.bias"]
        return cls(layer.block, weight, bias, input, after, layer.summed)

    def apply(self, q: Tensor) -> Tensor:
        window, rectified = self.block.window, self.output_scale is not None
        y: Tensor = torch.ops.onednn.qconv2d_pointwise(
            q.contiguous(memory_format=torch.channels_last),
            self.input.scale,
            self.input.zero,
            self.weight.packed(q.shape),
            self.weight.scales,
            self.weight.zeros,
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


class _Weight:
    """The weights of a convolution as integers, packed for the shapes that come.

    Which order of the integers is fastest depends on the shape. In another they would be put in
    order anew at each call, which on few or narrow pictures takes several times as long as the
    convolution; so each order that is needed is kept, of which there are a few.
    """

    def __init__(self, block: Convolution, weight: Tensor, input: Bytes, sums: ByteSums) -> None:
        self._window, self._input = block.window, input
        largest = weight.abs().amax((1, 2, 3)) if sums == "whole" else _largest_pairs(weight)
        self.scales = largest.clamp_(min=1e-12) / _MOST
        self.zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._integers = (weight / self.scales[:, None, None, None]).round().to(torch.int8)
        self._by_shape: dict[Shape, Tensor] = {}
        self._by_order: dict[bytes, Tensor] = {}

    def packed(self, shape: Shape) -> Tensor:
        """The integers in the order for bytes (N, C, H, W) of this shape."""
        found = self._by_shape.get(shape)
        if found is None:
            window, input = self._window, self._input
            packed = torch.ops.onednn.qconv_prepack(
                self._integers, self.scales, input.scale, input.zero, window.stride,
                window.even_padding, window.dilation, 1, shape,
            )  # fmt: skip
            order = torch.ops.mkldnn._get_mkldnn_serialized_md(packed).numpy().tobytes()
            found = self._by_shape[shape] = self._by_order.setdefault(order, packed)
        return found


def _largest_pairs(weight: Tensor) -> Tensor:
    """For each output the largest sum of two weights of one sign, by magnitude."""
    flat = F.pad(weight.flatten(1), (0, 1))  # a lone weight has 0 beside it
    both = [(sign * flat).clamp(min=0).topk(2).values.sum(1) for sign in (1, -1)]
    return torch.maximum(*both)


def _memory(q: Tensor) -> NDArray[np.uint8]:
    """All bytes (N, C, H, W) as they lie, channel by channel."""
    return q.permute(0, 2, 3, 1).numpy().reshape(-1)


@compiled
def _add_clamped(total, other):  # type: ignore[no-untyped-def]
    """Add the bytes `other` to `total`, in place; what is above 255 becomes that."""
    for place in range(total.size):
        both = np.uint16(total[place]) + np.uint16(other[place])
        total[place] = np.uint8(min(both, np.uint16(255)))
