"""A chain made ready to run: convolution, bias and activation in one pass over the memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks import Convolution, ReLU, ReLU6, Residual
from chainrule.blocks.block import Block, Parameters, Shape
from chainrule.chain import Chain
from chainrule.chain.chain import layer_parameters
from chainrule.chain.inference.precision import Precision

BATCH = 32
"""How many pictures a batch holds that the chain is made ready for; others run too."""

CACHE = 8 << 20
"""Bytes of maps that are worked on at a time: what a processor's last cache has room for."""

_Step = Callable[[Any], Tensor]
_Layer = tuple[str, Block, torch.dtype]

# the activations that oneDNN's kernel can apply before it writes a sum down: name, arguments
_ACTIVATIONS: dict[type, tuple[str, list[float]]] = {
    ReLU: ("relu", []),
    ReLU6: ("hardtanh", [0.0, 6.0]),
}


class FusedChain:
    """`Chain.apply` with the parameters bound, several times faster on a processor.

    Four things make the difference: pictures and filters lie channels last in memory, a
    convolution's bias and the ReLU after it are applied while the sums are still in registers
    (oneDNN's kernel, which PyTorch ships), only as many pictures go through a stage of the chain
    at a time as its maps stay in the processor's cache, and with "bfloat16" every number takes
    half the memory. Sums are taken in float32 either way. Where PyTorch lacks the kernel, each
    block runs by itself; on a processor that does not multiply bfloat16 a convolution's numbers
    are float32 while it runs.
    """

    def __init__(
        self,
        chain: Chain,
        params: Parameters,
        precision: Precision,
        picture: Shape,
        wide_layers: int = 0,
    ) -> None:
        """`picture` is the shape of one, (1, C, H, W).

        With "bfloat16" the first `wide_layers` layers of the chain stay in float32. An error made
        early is carried through all that follows, and is repaired cheaply there.
        """
        narrow = getattr(torch, precision)
        if not chain.is_line:
            at_once = max(1, CACHE // (_alive(chain, picture) * narrow.itemsize))
            steps: list[_Step] = [_To(narrow), *_steps(chain, params, narrow)]
            self._stages = [(steps, at_once)]
            return
        dtypes = [torch.float32 if i < wide_layers else narrow for i in range(len(chain))]
        self._stages = [
            (list(_run(stage, params)), at_once)
            for stage, at_once in _stages(chain.line, dtypes, picture)
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) in any floating type, to the chain's output in float32."""
        x = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
        with torch.inference_mode():
            for steps, at_once in self._stages:
                x = _joined([_through(steps, part) for part in torch.split(x, at_once)])
            return x.to(torch.float32)


def _has_kernel() -> bool:
    return bool(
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def _multiplies_bfloat16() -> bool:
    """Whether oneDNN's kernel takes bfloat16 on this processor."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _stages(
    layers: Sequence[tuple[str, Block]], dtypes: Sequence[torch.dtype], picture: Shape
) -> Iterator[tuple[list[_Layer], int]]:
    """The chain cut where little is handed on; how many pictures a stage takes at a time.

    A map that leaves the cache is waited for; one of tens of megabytes is also asked from the
    system each time anew, page by page, which takes as long as all of the arithmetic.
    """
    shape, stage, alive = picture, list[_Layer](), 0
    for i, ((name, block), dtype) in enumerate(zip(layers, dtypes, strict=True)):
        stage.append((name, block, dtype))
        alive = max(alive, _alive(block, shape) * dtype.itemsize)
        shape = block.shape(shape)
        last = i + 1 == len(layers)
        fused = not last and type(layers[i + 1][1]) in _ACTIVATIONS
        if last or (not fused and BATCH * math.prod(shape) * dtype.itemsize <= CACHE):
            yield stage, max(1, CACHE // alive)
            stage, alive = [], 0


def _alive(block: Block, shape: Shape) -> int:
    """How many numbers of one picture are needed at the same time."""
    if isinstance(block, Residual):
        return math.prod(shape) + _alive(block.body, shape)
    if not isinstance(block, Chain):
        return math.prod(shape) + math.prod(block.shape(shape))
    if not block.is_line:
        shapes = {row.layer: row.output_shape for row in block.summary(shape).rows}
        return math.prod(shape) + sum(map(math.prod, shapes.values()))
    most = 0
    for _, inner in block.line:
        most = max(most, _alive(inner, shape))
        shape = inner.shape(shape)
    return most


def _run(stage: Sequence[_Layer], params: Parameters) -> Iterator[_Step]:
    for dtype, layers in groupby(stage, key=lambda layer: layer[2]):
        yield _To(dtype)
        yield from _steps(Chain([(name, block) for name, block, _ in layers]), params, dtype)


def _through(steps: Sequence[_Step], x: Any) -> Tensor:
    for step in steps:
        x = step(x)
    y: Tensor = x
    return y


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _steps(chain: Chain, params: Parameters, dtype: torch.dtype) -> list[_Step]:
    if not chain.is_line:
        return [_Graph.of(chain, params, dtype)]
    steps: list[_Step] = []
    layers = list(chain.line)
    while layers:
        name, block = layers.pop(0)
        own = layer_parameters(params, name)
        if isinstance(block, Convolution) and block.padding_mode == "zeros" and _has_kernel():
            activation = layers[0][1] if layers and type(layers[0][1]) in _ACTIVATIONS else None
            if activation is not None:
                layers.pop(0)
            steps.append(_convolution(block, own, activation, dtype))
        elif isinstance(block, Residual) and isinstance(block.body, Chain):
            steps.append(_Sum(_steps(block.body, own, dtype)))
        elif isinstance(block, Chain):
            steps += _steps(block, own, dtype)
        else:
            steps.append(_Alone(block, {k: v.to(dtype) for k, v in own.items()}))
    return steps


@dataclass(frozen=True)
class _To:
    dtype: torch.dtype

    def __call__(self, x: Tensor) -> Tensor:
        return x.to(self.dtype)


@dataclass(frozen=True)
class _Alone:
    block: Block
    params: Parameters

    def __call__(self, x: Any) -> Tensor:
        return self.block.apply(x, self.params)


@dataclass(frozen=True)
class _Graph:
    """A chain that is a graph of one input: each layer ready to run by itself."""

    chain: Chain
    layers: list[list[_Step]]

    @classmethod
    def of(cls, chain: Chain, params: Parameters, dtype: torch.dtype) -> "_Graph":
        layers: list[list[_Step]] = []
        for name, block, *_ in chain.steps:
            own = layer_parameters(params, name)
            if block.several_inputs:
                layers.append([_Alone(block, {k: v.to(dtype) for k, v in own.items()})])
            else:
                alone = {f"{name}.{key}": value for key, value in own.items()}
                layers.append(_steps(Chain([(name, block)]), alone, dtype))
        return cls(chain, layers)

    def __call__(self, x: Tensor) -> Tensor:
        values: dict[str, Any] = {self.chain.inputs[0]: x}
        for step, own in zip(self.chain.steps, self.layers, strict=True):
            y = _through(own, step.take(values))
            for name in step.done:
                del values[name]
            values[step.name] = y
        return y


@dataclass(frozen=True)
class _Sum:
    steps: list[_Step]

    def __call__(self, x: Tensor) -> Tensor:
        return _through(self.steps, x).add_(x)


def _convolution(
    block: Convolution, params: Parameters, activation: Block | None, dtype: torch.dtype
) -> _Step:
    # the bias stays in float32: it is added once to each sum, which is float32
    inside = dtype if dtype != torch.bfloat16 or _multiplies_bfloat16() else torch.float32
    weight, bias = params["weight"].to(dtype).to(inside), params.get("bias")
    window = block.window
    even = window.even_padding
    pad: tuple[int, int, int, int] | None = None
    if even is None and window.dilation == (1, 1):
        weight, even = _even(weight, window.padding)
    elif even is None:
        top, bottom, left, right = window.padding
        pad, even = (left, right, top, bottom), (0, 0)
    weight = weight.contiguous(memory_format=torch.channels_last)
    name, arguments = _ACTIVATIONS[type(activation)] if activation is not None else ("none", [])

    def step(x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            (F.pad(x, pad) if pad else x).to(inside),
            weight,
            bias,
            even,
            window.stride,
            window.dilation,
            block.groups,
            name,
            arguments,
            "",
        )
        return y.to(dtype)

    return step


def _even(weight: Tensor, padding: tuple[int, int, int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Grow filters by zeros until opposite sides are padded alike, as the kernel wants it.

    A row of zeros before the filter, and one row of padding more before the picture, move both by
    the same way: a little more arithmetic, but no padded copy of the picture.
    """
    top, bottom, left, right = padding
    grow = [max(after - before, 0) for before, after in ((left, right), (top, bottom))]
    grow_end = [max(before - after, 0) for before, after in ((left, right), (top, bottom))]
    grown = F.pad(weight, (grow[0], grow_end[0], grow[1], grow_end[1]))
    return grown, (max(top, bottom), max(left, right))
