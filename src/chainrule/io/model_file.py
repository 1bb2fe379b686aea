"""The one kind of file for what was learned or made: arrays and JSON settings, with a checksum.

It is a .safetensors file, which other tools read and nothing in which can run. Its metadata has one
entry, "chainrule": a SHA-256 and a JSON document

    {"format": 1, "kind": "...", "settings": {...}}

The SHA-256 is over the whole file with 64 zeros in its own place, so that no byte can change
without being noticed. The same content gives the same bytes.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileError, InputError
from chainrule.io.files import written_whole
from chainrule.io.names import shown

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_UNSIGNED = b"0" * 64
_PLACE = re.compile(rb'"chainrule":"([0-9a-f]{64}) ')
_LONGEST_HEADER = 100_000_000  # bytes; the format allows no more
_PART = 1 << 20


@dataclass(frozen=True)
class ModelFile:
    """What a file holds."""

    kind: str
    arrays: dict[str, NDArray[Any]]
    tensors: "dict[str, Tensor]"
    settings: dict[str, Any]


def write_model_file(
    path: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, "NDArray[Any] | Tensor"],
    settings: Mapping[str, Any],
) -> None:
    """Write NumPy arrays or tensors and `settings` (JSON values) of a `kind`, whole or not at all.

    Raises InputError if `settings` are no JSON, FileError if the file cannot be written.
    """
    document = {"format": FORMAT, "kind": kind, "settings": dict(settings)}
    try:
        text = json.dumps(document, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the settings are no JSON ({error}); expected JSON values") from error
    content = bytearray(_serialized(arrays, f"{_UNSIGNED.decode()} {text}"))
    place = _digest_place(content)
    content[place : place + 64] = hashlib.sha256(content).hexdigest().encode()
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def read_model_file(
    path: str | os.PathLike[str],
    kind: str | tuple[str, ...],
    expected: str,
    *,
    as_tensors: bool = False,
) -> ModelFile:
    """Read what `write_model_file` wrote: as `arrays` of NumPy, or as `tensors` on the CPU.

    kind: the one that is wanted, or several of which any will do.

    expected: what the caller wants, for the sentence ("a classifier that `chainrule images train`
    wrote"). Raises FileError if the file cannot be read, is cut off, changed, or of another kind.
    """
    try:
        with Path(path).open("rb") as file:
            _check_whole(file, path, expected)
            file.seek(0)
            content = file.read()
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise FileError(f"{shown(path)} is larger than the memory; expected {expected}") from error
    # from here on the file is as it was written: only another version can be in it
    header_size = int.from_bytes(content[:8], "little")
    text = json.loads(content[8 : 8 + header_size])["__metadata__"]["chainrule"].split(" ", 1)[1]
    document = json.loads(text)
    if document["format"] != FORMAT:
        raise FileError(
            f"{shown(path)} has format {document['format']}; expected format {FORMAT}, of this "
            "version of chainrule"
        )
    found, kinds = document["kind"], (kind,) if isinstance(kind, str) else kind
    if found not in kinds:
        wanted = " or ".join(map(repr, kinds))
        raise FileError(f"{shown(path)} holds {found!r}; expected {wanted}: {expected}")
    if as_tensors:
        import safetensors.torch

        tensors = safetensors.torch.load(content)
        return ModelFile(found, {}, tensors, document["settings"])
    import safetensors.numpy

    arrays = safetensors.numpy.load(content)
    return ModelFile(found, arrays, {}, document["settings"])


def _check_whole(file: IO[bytes], path: str | os.PathLike[str], expected: str) -> None:
    """Hold the file to its SHA-256, a part of it in memory at a time. Raises FileError."""
    head = bytearray(file.read(8))
    head += file.read(min(int.from_bytes(head, "little"), _LONGEST_HEADER))
    try:
        place = _digest_place(head)
    except ValueError as error:
        raise FileError(f"{shown(path)} is no file of chainrule's; expected {expected}") from error
    signed = bytes(head[place : place + 64])
    head[place : place + 64] = _UNSIGNED
    digest = hashlib.sha256(head)
    while part := file.read(_PART):
        digest.update(part)
    if digest.hexdigest().encode() != signed:
        raise FileError(
            f"{shown(path)} is damaged or cut off: its SHA-256 does not match; expected {expected}"
        )


def _digest_place(content: bytes | bytearray) -> int:
    """Where the SHA-256 stands in the header. Raises ValueError if there is none."""
    size = int.from_bytes(content[:8], "little")
    found = _PLACE.search(content, 8, min(8 + size, len(content)))
    if found is None:
        raise ValueError("no checksum")
    return found.start(1)


def _serialized(arrays: Mapping[str, "NDArray[Any] | Tensor"], text: str) -> bytes:
    """The file's bytes, the arrays in the order of their names."""
    metadata = {"chainrule": text}
    ordered: dict[str, Any] = dict(sorted(arrays.items()))
    if all(isinstance(array, np.ndarray) for array in ordered.values()):
        import safetensors.numpy

        whole = {name: np.require(array, requirements="C") for name, array in ordered.items()}
        return safetensors.numpy.save(whole, metadata)
    import safetensors.torch
    import torch

    # copies: views of one buffer would share memory, which the format does not know
    copies = {
        name: torch.as_tensor(array).detach().cpu().clone().contiguous()
        for name, array in ordered.items()
    }
    try:
        return safetensors.torch.save(copies, metadata)
    except KeyError as error:
        raise InputError(
            f"an array holds {error.args[0]} entries; expected a kind that a .safetensors file can "
            "hold"
        ) from error
