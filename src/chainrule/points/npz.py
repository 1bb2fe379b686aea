"""Arrays of NPZ and NPY files, whatever has happened to them."""

import contextlib
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.io.names import shown

_LARGEST = 2**31  # bytes of all arrays of a file


def read_npz(path: str | os.PathLike[str], largest: int = _LARGEST) -> dict[str, np.ndarray]:
    """The arrays by name, `largest` bytes at most, without ever unpickling. Raises FileError."""
    with _said(path, "NPZ"), zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > largest:
            raise FileError(
                f"{shown(path)} unpacks to {size:,} bytes; expected at most {largest:,} of a file "
                "of this size"
            )
        # opened here, because np.load leaves open what it can't read
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    for name, array in found.items():
        if not isinstance(array, np.ndarray):  # NumPy gives the bytes of a file that is no array
            raise FileError(
                f"{shown(path)}: found {name!r}, which is no array; expected arrays only"
            )
    return found


def read_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """The array, without ever unpickling. Raises FileError."""
    with _said(path, "NPY"), Path(path).open("rb") as stream:
        array = np.load(stream, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it is an archive of several")
        return array


@contextlib.contextmanager
def _said(path: str | os.PathLike[str], kind: str) -> Iterator[None]:
    """Whatever reading raises as one sentence."""
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # a flipped bit says: packed in a way nobody knows
        RuntimeError,  # or: encrypted
        MemoryError,  # a flipped bit in a shape
        AttributeError,  # a single array or nothing at all is no archive
        TypeError,
        ValueError,
        KeyError,
        OverflowError,
        SyntaxError,  # in the words that say an array's shape and kind
        tokenize.TokenError,
        RecursionError,
        struct.error,
    ) as error:
        if "allow_pickle" in str(error):
            raise FileError(
                f"{shown(path)}: found an array of dtype object, which is stored as a program "
                "(pickle) that is not run; expected numbers or text: array.astype(str)"
            ) from error
        raise FileError(
            f"{shown(path)} was cut off or is no {kind} file ({error}); expected plain arrays of "
            "numbers or text"
        ) from error
