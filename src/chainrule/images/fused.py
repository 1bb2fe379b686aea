"""A chain made ready to run: convolution, bias and activation in one pass over the memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks import Convolution, ReLU, ReLU6, Residual
from chainrule.blocks.block import Block, Parameters
from chainrule.chain import Chain

Precision = Literal["float32", "bfloat16"]

_Step = Callable[[Tensor], Tensor]

# the activations that oneDNN's kernel can apply before it writes a sum down: name, arguments
_ACTIVATIONS: dict[type, tuple[str, list[float]]] = {
    ReLU: ("relu", []),
    ReLU6: ("hardtanh", [0.0, 6.0]),
}


class FusedChain:
    """`Chain.apply` with the parameters bound, several times faster on a processor.

    Three things make the difference: pictures and filters lie channels last in memory, a
    convolution's bias and the ReLU after it are applied while the sums are still in registers
    (oneDNN's kernel, which PyTorch ships), and with "bfloat16" every number takes half the
    memory. Sums are taken in float32 either way. Where PyTorch lacks the kernel, each block runs
    by itself.
    """

    def __init__(
        self, chain: Chain, params: Parameters, precision: Precision, wide_layers: int = 0
    ) -> None:
        """With "bfloat16" the first `wide_layers` layers of the chain stay in float32.

        An error made early is carried through all that follows, and is repaired cheaply there.
        """
        dtype = getattr(torch, precision)
        early = Chain(chain.layers[:wide_layers])
        late = Chain(chain.layers[wide_layers:])
        self._steps: list[_Step] = [
            _To(torch.float32),
            *_steps(early, params, torch.float32),
            _To(dtype),
            *_steps(late, params, dtype),
            _To(torch.float32),
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) in any floating type, to the chain's output in float32."""
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            for step in self._steps:
                x = step(x)
        return x


def best_precision() -> Precision:
    """ "bfloat16" where the processor multiplies it (AVX-512 BF16 or AMX), else "float32"."""
    # absent before PyTorch 2.9: then the precision that is right everywhere
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return "bfloat16" if fast and _has_kernel() else "float32"


def _has_kernel() -> bool:
    return bool(
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def _steps(chain: Chain, params: Parameters, dtype: torch.dtype) -> list[_Step]:
    steps: list[_Step] = []
    layers = list(chain.layers)
    while layers:
        name, block = layers.pop(0)
        own = {
            key.removeprefix(f"{name}."): value
            for key, value in params.items()
            if key.startswith(f"{name}.")
        }
        if isinstance(block, Convolution) and _has_kernel():
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

    def __call__(self, x: Tensor) -> Tensor:
        apply: Any = getattr(self.block, "apply", None)
        y: Tensor = apply(x, self.params) if apply else self.block.forward(x, self.params)[0]
        return y


@dataclass(frozen=True)
class _Sum:
    steps: list[_Step]

    def __call__(self, x: Tensor) -> Tensor:
        y = x
        for step in self.steps:
            y = step(y)
        return y.add_(x)


def _convolution(
    block: Convolution, params: Parameters, activation: Block | None, dtype: torch.dtype
) -> _Step:
    # the bias stays in float32: it is added once to each sum, which is float32
    weight, bias = params["weight"].to(dtype), params.get("bias")
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
            F.pad(x, pad) if pad else x,
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
        return y

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
