"""Arrays of an NPZ file, whatever has happened to it."""

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from chainrule.errors import FileError


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays by name, without ever unpickling. Raises FileError."""
    try:
        # opened here, because np.load leaves open what it can't read
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,  # a flipped bit says: encrypted, or packed in a way nobody knows
        MemoryError,  # a flipped bit in a shape
        AttributeError,  # a single array or nothing at all is no archive
        TypeError,
        ValueError,
    ) as error:
        raise FileError(
            f"{path} was cut off or is no NPZ file ({error}); expected plain arrays of numbers or "
            "text"
        ) from error
