"""Arrays in a compressed .safetensors file: small enough for a package, nothing that can run."""

import json
import lzma
import os
import struct
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileError
from chainrule.io.files import written_whole


def write_packed(
    path: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, NDArray[Any]],
    settings: Mapping[str, Any],
) -> None:
    """Write `arrays`, each as the LZMA2 bytes of its values, with its type and shape and the
    `settings` as JSON, with a SHA-256 over both. The same content gives the same bytes.

    Raises FileError.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    compressed = {
        name: np.frombuffer(lzma.compress(np.ascontiguousarray(array).tobytes()), np.uint8)
        for name, array in arrays.items()
    }
    head = {
        "kind": kind,
        "arrays": {name: [str(array.dtype), array.shape] for name, array in arrays.items()},
        "settings": dict(settings),
    }
    text = json.dumps(head, sort_keys=True, ensure_ascii=False)
    # one key only: safetensors keeps several in no fixed order
    metadata = {"chainrule": f"{_digest(text, arrays)} {text}"}
    try:
        document = save(compressed, metadata=metadata)
    except SafetensorError as error:
        raise FileError(f"{path} cannot be written: {error}") from error
    with written_whole(path) as temporary:
        temporary.write_bytes(document)


def read_packed(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and settings of a file of that `kind`.

    Raises FileError if the file can't be read, is cut off, or is of another kind.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        document = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        compressed = load(document)
        (length,) = struct.unpack("<Q", document[:8])
        metadata = json.loads(document[8 : 8 + length])["__metadata__"]["chainrule"]
        digest, text = metadata.split(" ", 1)
        head = json.loads(text)
        found = head["kind"]
    except (SafetensorError, struct.error, KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"{path} is no file of {kind}, or is cut off; expected a whole one"
        ) from error
    if found != kind:
        raise FileError(f"{path} is a file of {found}; expected one of {kind}")
    try:
        arrays = {
            name: np.frombuffer(lzma.decompress(compressed[name].tobytes()), dtype)
            .reshape(shape)
            .copy()
            for name, (dtype, shape) in head["arrays"].items()
        }
    except (lzma.LZMAError, EOFError, KeyError, ValueError, TypeError) as error:
        raise FileError(f"{path} is damaged ({error}); expected a whole file of {kind}") from error
    if _digest(text, arrays) != digest:
        raise FileError(f"{path} is damaged: its SHA-256 differs; expected a whole file of {kind}")
    return arrays, head["settings"]


def _digest(text: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = sha256(text.encode())
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
