"""MATLAB files, read in a process of their own: what is in them can break or fill only that one.

SciPy's reader is C code that believes the file: one bit changed may end the process, and a file of
a megabyte may ask for gigabytes.
"""

import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FileError
from chainrule.io.names import shown

UNPACKED = 256 << 20
"""Bytes that any file may unpack to; a larger file, `RATIO` times its size."""

RATIO = 8
_SECONDS = 300.0
_BASE = 2 << 30  # bytes of address space for Python and SciPy themselves
_HEADER = 128
_COMPRESSED = 15  # MATLAB's miCOMPRESSED
_BLOCK = 1 << 20


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file of version 7 or older, by name.

    Structs are dictionaries (arrays of them lists), cells are lists, text is str, and numbers are
    arrays. Raises FileError if the file cannot be read, is damaged, is of version 7.3, or unpacks
    to more than `UNPACKED` bytes and `RATIO` times its size.
    """
    if not path.is_file():
        raise FileError(f"{shown(path)} is not there; expected a MATLAB file")
    unpacked = _check_unpacked_size(path)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(path), folder, str(_BASE + 8 * unpacked)]
        try:
            result = subprocess.run(
                [sys.executable, "-m", "chainrule.io.mat_child", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FileError(
                f"{shown(path)} was not read in {_SECONDS:.0f} s; expected a MATLAB file"
            ) from error
        if result.returncode == VERSION_7_3:
            raise FileError(
                f"{shown(path)} is a MATLAB file of version 7.3; expected version 7 or older "
                "(save it with '-v7')"
            )
        if result.returncode != 0:
            raise FileError(f"{shown(path)} is damaged or no MATLAB file")
        return _put_together(Path(folder))


VERSION_7_3 = 3
"""With what the child ends for a file of that version."""


def _put_together(folder: Path) -> dict[str, Any]:
    tree = json.loads((folder / "tree.json").read_text("utf-8"))
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:

        def value(node: Any) -> Any:
            if isinstance(node, list):
                return [value(inner) for inner in node]
            if not isinstance(node, dict):
                return node
            if set(node) == {"array"}:
                return arrays[node["array"]]
            return {name: value(inner) for name, inner in node["struct"].items()}

        whole: dict[str, Any] = value(tree)
        return whole


def _check_unpacked_size(path: Path) -> int:
    """What the compressed elements unpack to, and the others hold; raise FileError if too much."""
    try:
        size = path.stat().st_size
        allowed, total = max(UNPACKED, RATIO * size), 0
        with path.open("rb") as file:
            order = "big" if file.read(_HEADER)[126:128] == b"MI" else "little"
            while len(head := file.read(8)) == 8:
                kind, length = (int.from_bytes(head[i : i + 4], order) for i in (0, 4))  # type: ignore[arg-type]
                if kind != _COMPRESSED:
                    total += length
                    file.seek(length, 1)
                    continue
                unpack, left = zlib.decompressobj(), length
                while left > 0 and (block := file.read(min(_BLOCK, left))):
                    left -= len(block)
                    while block:
                        total += len(unpack.decompress(block, _BLOCK))
                        block = unpack.unconsumed_tail
                        _check(path, total, allowed)
                if left > 0:
                    break
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    except zlib.error as error:
        raise FileError(f"{shown(path)} is damaged or no MATLAB file") from error
    return min(total, allowed)


def _check(path: Path, total: int, allowed: int) -> None:
    if total > allowed:
        raise FileError(
            f"{shown(path)} unpacks to more than {allowed:,} bytes; expected a network's weights, "
            "which hardly pack"
        )
