"""A chain with its parameters as a .safetensors file: tensors, and the architecture as JSON."""

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from torch import Tensor

from chainrule import blocks
from chainrule.blocks.block import Block, Parameters
from chainrule.chain.chain import Chain
from chainrule.chain.shown import in_one_line
from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.io.model_file import read_model_file, write_model_file

_KIND = "chain"
_EXPECTED = "a .safetensors file that save_chain wrote"
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (Chain, *(getattr(blocks, name) for name in blocks.__all__))
    if isinstance(kind, type) and issubclass(kind, Block) and is_dataclass(kind)
}


def save_chain(
    path: str | os.PathLike[str],
    chain: Chain,
    params: Parameters,
    metadata: Mapping[str, Any] | None = None,
    *,
    block_types: Iterable[type] = (),
) -> None:
    """Write the chain, its parameters and `metadata` (JSON values) to a .safetensors file.

    The header holds the architecture as JSON and a SHA-256 over all that the file says, so that a
    changed byte is found on loading. Nothing in it can run code. Written whole or not at all.

    `block_types` are classes of your own among the blocks: frozen dataclasses.

    Raises InputError, before anything is written, if the parameters are not the chain's, if a block
    is of an unknown kind or could not be made again from its settings, or if `metadata` is no JSON;
    FileError if the file cannot be written.
    """
    chain.check_parameters(params)
    settings = {
        "architecture": _architecture(chain, _with_own(block_types)),
        "metadata": dict(metadata or {}),
    }
    write_model_file(
        path, _KIND, {name: params[name] for name in chain.parameter_shapes()}, settings
    )


def load_chain(
    path: str | os.PathLike[str],
    expected: Chain | None = None,
    *,
    block_types: Iterable[type] = (),
) -> tuple[Chain, dict[str, Tensor], dict[str, Any]]:
    """Read what `save_chain` wrote: the chain, its parameters (on the CPU) and the metadata.

    With `expected`, the file must hold that architecture (training or inference does not matter).

    Raises FileError if the file cannot be read, is cut off or changed, is no chain's, holds unknown
    blocks or settings, or holds another architecture than `expected`.
    """
    found = read_model_file(path, _KIND, _EXPECTED, as_tensors=True)
    tensors = found.tensors
    try:
        chain = _decode(found.settings["architecture"], _with_own(block_types))
        metadata = found.settings["metadata"]
        if not isinstance(chain, Chain) or not isinstance(metadata, dict):
            raise InputError("the header holds no chain; expected one")
        chain.check_parameters(tensors)
    except (ChainruleError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{path} holds no chain that can be loaded: {error}") from error
    if expected is not None:
        _check_same(path, chain, expected)
    return chain, {name: tensors[name] for name in chain.parameter_shapes()}, metadata


def _with_own(block_types: Iterable[type]) -> dict[str, type]:
    return _TYPES | {kind.__name__: kind for kind in block_types}


def _architecture(chain: Chain, types: Mapping[str, type]) -> Any:
    """The chain as JSON, from which the same chain can be made again. Raises InputError if not."""
    for name, block in chain.inside():
        try:
            encoded = json.loads(json.dumps(_encode(block, types), allow_nan=False))
            again = _decode(encoded, types)
            if json.loads(json.dumps(_encode(again, types))) != encoded:
                raise InputError("the block that is made of it has other settings")
            if again.parameter_shapes() != block.parameter_shapes():
                raise InputError("the block that is made of it has other parameters")
        except (ChainruleError, TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"layer {name!r} could not be loaded again: {error}; expected a block that its "
                "settings make, each a number, a text, a list or a block"
            ) from error
    return _encode(chain, types)


def _encode(value: Any, types: Mapping[str, type]) -> Any:
    """A block as {"type": its class, its settings...}; tuples as lists; the rest as it is."""
    if isinstance(value, tuple | list):
        return [_encode(v, types) for v in value]
    if not isinstance(value, Block):
        return value
    kind = type(value)
    if types.get(kind.__name__) is not kind or not is_dataclass(value):
        raise InputError(
            f"{kind.__name__} is no block of chainrule's; expected its class in `block_types`"
        )
    settings = {f.name: _encode(getattr(value, f.name), types) for f in fields(value)}
    return {"type": kind.__name__, **settings}


def _decode(value: Any, types: Mapping[str, type]) -> Any:
    """What `_encode` encoded. Raises InputError for unknown blocks or settings."""
    if isinstance(value, list):
        return tuple(_decode(v, types) for v in value)
    if not isinstance(value, dict):
        return value
    name = value.get("type")
    if not isinstance(name, str) or name not in types:
        raise InputError(f"it has a block of type {name!r}; expected one of {', '.join(types)}")
    kind: Any = types[name]
    known = [f.name for f in fields(kind)]
    settings = {key: _decode(v, types) for key, v in value.items() if key != "type"}
    for key in settings:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"{name} has no setting {key!r}{hint}; expected {', '.join(known) or 'none'}"
            )
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.name not in settings]
    if missing:
        raise InputError(f"{name} lacks the setting {missing[0]!r}; expected {', '.join(known)}")
    return kind(**settings)


def _check_same(path: str | os.PathLike[str], found: Chain, expected: Chain) -> None:
    """Raise FileError at the first layer that differs."""
    if found.inputs != expected.inputs:
        raise FileError(
            f"{path} holds another architecture, which takes {', '.join(found.inputs)}; expected "
            f"{', '.join(expected.inputs)}"
        )
    ours, theirs = found.in_inference().steps, expected.in_inference().steps
    for one, other in zip(ours, theirs, strict=False):
        if one[:3] != other[:3]:
            raise FileError(
                f"{path} holds another architecture: layer {one.name!r} is "
                f"{in_one_line(one.block)} of {', '.join(one.inputs)}; expected {other.name!r}, "
                f"{in_one_line(other.block)} of {', '.join(other.inputs)}"
            )
    if len(ours) != len(theirs):
        raise FileError(
            f"{path} holds another architecture, of {len(ours)} layers; expected {len(theirs)}"
        )
