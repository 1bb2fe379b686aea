"""Arrays in a compressed model file: small enough for a package, nothing that can run."""

import lzma
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileError
from chainrule.io.model_file import read_model_file, write_model_file

_LARGEST = 2**30  # bytes of all arrays together; the largest of the package holds 0.04 of it


def write_packed(
    path: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, NDArray[Any]],
    settings: Mapping[str, Any],
) -> None:
    """Write `arrays`, each as the LZMA2 bytes of its values, with its type and shape and the
    `settings` as JSON. The same content gives the same bytes.

    Raises FileError.
    """
    compressed = {
        name: np.frombuffer(lzma.compress(np.ascontiguousarray(array).tobytes()), np.uint8)
        for name, array in arrays.items()
    }
    head = {
        "arrays": {name: [str(array.dtype), array.shape] for name, array in arrays.items()},
        "settings": dict(settings),
    }
    write_model_file(path, kind, compressed, head)


def read_packed(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays and settings of a file of that `kind`.

    Raises FileError if the file can't be read, is cut off, changed, of another kind, or says that
    it holds more than a gigabyte.
    """
    found = read_model_file(path, kind, f"a whole file of {kind}")
    described = found.settings["arrays"]
    sizes = {name: _size(dtype, shape) for name, (dtype, shape) in described.items()}
    if sum(sizes.values()) > _LARGEST:
        raise FileError(
            f"{path} says that it holds {sum(sizes.values()):,} bytes; expected at most "
            f"{_LARGEST:,}"
        )
    arrays = {}
    for name, (dtype, shape) in described.items():
        # no more is unpacked than the file says that there is
        values = lzma.LZMADecompressor().decompress(found.arrays[name].tobytes(), sizes[name] + 1)
        if len(values) != sizes[name]:
            raise FileError(f"{path} holds another {name!r} than it says; expected {kind}")
        arrays[name] = np.frombuffer(values, dtype).reshape(shape).copy()
    return arrays, found.settings["settings"]


def _size(dtype: str, shape: list[int]) -> int:
    """The bytes of an array; whole numbers without a largest, so that nothing overflows."""
    size = np.dtype(dtype).itemsize
    for length in shape:
        size *= length
    return size
