"""A chain with its parameters as a .safetensors file: tensors, and the architecture as JSON."""

import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from chainrule import blocks
from chainrule.blocks.block import Block, Parameters
from chainrule.chain.chain import Chain
from chainrule.chain.shown import in_one_line
from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.io.files import written_whole

_FORMAT = "chainrule-chain-1"
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
    types = _with_own(block_types)
    texts = {"format": _FORMAT, "architecture": _architecture(chain, types)}
    try:
        texts["metadata"] = json.dumps(dict(metadata or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` is no JSON ({error}); expected JSON values") from error
    # copies: views of one buffer would share memory, which the format does not know
    tensors = {k: params[k].detach().cpu().clone().contiguous() for k in chain.parameter_shapes()}
    texts["sha256"] = _digest(tensors, texts)
    try:
        content = save(tensors, texts)
    except KeyError as error:
        raise InputError(
            f"a parameter holds {error.args[0]} entries; expected a kind that a .safetensors file "
            "can hold"
        ) from error
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


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
    texts, tensors = _read(Path(path))
    if texts.get("format") != _FORMAT:
        raise FileError(
            f"{path} is no chain: its header says format {texts.get('format')!r}; expected "
            f"{_FORMAT!r}, as save_chain writes it"
        )
    if texts.get("sha256") != _digest(tensors, texts):
        raise FileError(
            f"{path} was changed after it was written: its SHA-256 does not match; expected the "
            "bytes that save_chain wrote"
        )
    try:
        chain = _decode(json.loads(texts["architecture"]), _with_own(block_types))
        metadata = json.loads(texts["metadata"])
        if not isinstance(chain, Chain) or not isinstance(metadata, dict):
            raise InputError("the header holds no chain; expected one")
        chain.check_parameters(tensors)
    except (ChainruleError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{path} holds no chain that can be loaded: {error}") from error
    if expected is not None:
        _check_same(path, chain, expected)
    return chain, {name: tensors[name] for name in chain.parameter_shapes()}, metadata


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        cut = any(word in str(error).lower() for word in ("incomplete", "invalid header length"))
        what = "is cut off or longer than it should be" if cut else "is not a model"
        raise FileError(
            f"{path} {what} ({error}); expected a .safetensors file that save_chain wrote"
        ) from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def _digest(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """SHA-256 over names, types, shapes and bytes of the tensors, and over the header's texts."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    for key in ("architecture", "metadata"):
        digest.update(texts.get(key, "").encode() + b"\0")
    return digest.hexdigest()


def _with_own(block_types: Iterable[type]) -> dict[str, type]:
    return _TYPES | {kind.__name__: kind for kind in block_types}


def _architecture(chain: Chain, types: Mapping[str, type]) -> str:
    """The chain as JSON, from which the same chain can be made again. Raises InputError if not."""
    for name, block in chain.layers:
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
    return json.dumps(_encode(chain, types), allow_nan=False)


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
    ours, theirs = found.in_inference().layers, expected.in_inference().layers
    for (name, block), (expected_name, expected_block) in zip(ours, theirs, strict=False):
        if (name, block) != (expected_name, expected_block):
            raise FileError(
                f"{path} holds another architecture: layer {name!r} is {in_one_line(block)}; "
                f"expected {expected_name!r}, {in_one_line(expected_block)}"
            )
    if len(ours) != len(theirs):
        raise FileError(
            f"{path} holds another architecture, of {len(ours)} layers; expected {len(theirs)}"
        )
