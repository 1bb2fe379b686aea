"""What a chain can be made of in the blocks room: its blocks, their settings, and beginnings."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from chainrule import blocks
from chainrule.blocks.block import Block, Shape
from chainrule.chain import Chain
from chainrule.chain.shown import in_one_line
from chainrule.chain.summary import Row
from chainrule.errors import InputError
from chainrule.io.checks import finite_number, one_of, whole_number
from chainrule.practical.on_picture import DEMONSTRATIONS, demonstration
from chainrule.practical.small_cnn import CHAIN

Layers = list[tuple[str, Block]]

_SHAPED = ("in_channels", "channels", "in_features")  # what the layer before it says
_CHOICES = {"padding_mode": ("zeros", "reflect"), "mode": ("nearest", "bilinear")}
_LONGEST = 40  # characters of a setting

KINDS: Mapping[str, Mapping[str, Any]] = {
    "Convolution": {"out_channels": 4, "kernel_size": 3},
    "MaxPooling": {"kernel_size": 2},
    "AveragePooling": {"kernel_size": 2},
    "ReLU": {},
    "LeakyReLU": {},
    "ReLU6": {},
    "Sigmoid": {},
    "Tanh": {},
    "GELU": {},
    "SiLU": {},
    "Softplus": {},
    "LocalResponseNormalization": {},
    "InstanceNormalization": {},
    "LayerNormalization": {},
    "Upsampling": {"scale": 2},
    "TransposedConvolution": {"out_channels": 4, "kernel_size": 2, "stride": 2},
    "GlobalAveragePooling": {},
    "Flatten": {},
    "FullyConnected": {"out_features": 10},
    "Softmax": {},
}
"""The blocks that can be added, each with the settings that it begins with."""

PRESETS = ("network", *DEMONSTRATIONS)
"""The chains to begin with: one of several layers, and those of `chainrule blocks apply`."""


def preset(name: str) -> tuple[Chain, dict[str, Tensor]]:
    """A chain to begin with, and its parameters in float64. Raises InputError."""
    one_of("chain", name, PRESETS)
    if name != "network":
        found = demonstration(name)
        return found.chain, {key: value.double() for key, value in found.parameters.items()}
    chain = Chain(
        [
            ("conv1", blocks.Convolution(3, 4, 3)),
            ("relu1", blocks.ReLU()),
            ("pool1", blocks.MaxPooling(2)),
            ("conv2", blocks.Convolution(4, 2, 3)),
        ]
    )
    params = chain.initial_parameters(torch.Generator().manual_seed(0), dtype=torch.float64)
    filters = torch.tensor([
        [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
        [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    ], dtype=torch.float64) / torch.tensor([3.0, 3, 3, 27])[:, None, None]  # fmt: skip
    weight = filters[:, None].expand(4, 3, 3, 3).contiguous()
    return chain, {**params, "conv1.weight": weight}


def filter_and_pooling(numbers: Any) -> tuple[Chain, dict[str, Tensor]]:
    """The chain that finds blobs, with its filter's nine numbers, row by row, and its bias.

    Raises InputError.
    """
    if not isinstance(numbers, list) or len(numbers) != 10:
        raise InputError("filter: expected nine numbers and the bias")
    values = torch.tensor([finite_number("filter", n) for n in numbers], dtype=torch.float64)
    return CHAIN, {"filter.weight": values[:9].reshape(1, 1, 3, 3), "filter.bias": values[9:]}


def block_of(kind: str, settings: Mapping[str, Any], x_shape: Shape) -> Block:
    """A block of this kind for what comes in. Raises InputError, ShapeError."""
    known = {field["name"] for field in _fields(getattr(blocks, one_of("block", kind, KINDS)))}
    for name in settings:
        one_of(f"{kind}'s setting", name, known)
    given = {**KINDS[kind], **{name: _value(name, text) for name, text in settings.items()}}
    kind_: Any = getattr(blocks, kind)
    if "in_features" in {field.name for field in fields(kind_)} and len(x_shape) != 2:
        raise InputError(
            f"{kind} takes numbers in a row; found an image of shape {x_shape[1:]}: add Flatten "
            "before it"
        )
    for field in fields(kind_):
        if field.name in _SHAPED:
            given[field.name] = x_shape[1]
    block: Block = kind_(**given)
    block.shape(x_shape)
    return block


def fitted(layers: Sequence[tuple[str, Block]], x_shape: Shape) -> Layers:
    """The layers, each taking as many channels as come in. Raises InputError, ShapeError."""
    found: Layers = []
    shape = x_shape
    for name, block in layers:
        fit = _taking(block, shape[1])
        found.append((name, fit))
        shape = Chain([(name, fit)]).shape(shape)
    return found


def free_name(kind: str, names: Sequence[str]) -> str:
    """A name for a layer of this kind: "conv2" if there is a conv1."""
    short = {"Convolution": "conv", "MaxPooling": "pool", "AveragePooling": "mean"}
    stem = short.get(kind, kind.lower())
    return next(name for k in range(1, 10**6) if (name := f"{stem}{k}") not in names)


def described(name: str, block: Block, row: Row) -> dict[str, Any]:
    """What the page is told of a layer: its settings, its shape, and its derivation."""
    field = row.receptive_field
    return {
        "name": name,
        "kind": type(block).__name__,
        "typed": in_one_line(block),
        "shape": list(row.output_shape[1:]),
        "field": None if field is None else list(field.size),
        "parameters": {key: list(shape) for key, shape in block.parameter_shapes().items()},
        "settings": _settings(block) if type(block).__name__ in KINDS else [],
        "derivation": inspect.getdoc(type(block)) or "",
    }


def kinds() -> list[dict[str, Any]]:
    """The blocks that can be added, each with the settings that it begins with."""
    return [{"kind": kind, "first": _first_line(getattr(blocks, kind))} for kind in KINDS]


def _first_line(kind: Callable[..., Block]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _taking(block: Any, channels: int) -> Block:
    """The block, for so many channels."""
    ours = is_dataclass(block) and type(block).__name__ in KINDS
    shaped = [f.name for f in fields(block) if f.name in _SHAPED] if ours else []
    other: Block = block
    if shaped and getattr(block, shaped[0]) != channels:
        other = replace(block, **{shaped[0]: channels})
    return other


def _fields(kind: Any) -> list[dict[str, Any]]:
    found = []
    for field in fields(kind):
        if field.name in _SHAPED or field.name == "training":
            continue
        choices = _CHOICES.get(field.name, ("yes", "no") if isinstance(field.default, bool) else ())
        found.append({"name": field.name, "choices": list(choices)})
    return found


def _settings(block: Any) -> list[dict[str, Any]]:
    """Each setting with its value as text."""
    return [{**field, "value": _text(getattr(block, field["name"]))}
            for field in _fields(type(block))]  # fmt: skip


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _value(name: str, text: Any) -> Any:
    """A setting from its text: a number, several, yes or no, or a word. Raises InputError."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise InputError(f"{name}: found {str(text)[:_LONGEST]!r}; expected a short text")
    words = [word.strip() for word in text.split(",")]
    if text.strip() in ("yes", "no"):
        return text.strip() == "yes"
    if not text.strip():
        return None
    if name in _CHOICES or text.strip() == "same":
        return text.strip()
    try:
        found = [_number(word) for word in words]
    except ValueError as error:
        raise InputError(
            f"{name}: found {text!r}; expected a number, or some with commas"
        ) from error
    return found[0] if len(found) == 1 else tuple(found)


def _number(word: str) -> int | float:
    try:
        return whole_number("setting", int(word), -(2**31), 2**31)
    except ValueError:
        return float(word)
