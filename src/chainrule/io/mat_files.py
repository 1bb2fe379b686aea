"""MATLAB files, read in a process of their own: what is in them can break or fill only that one.

SciPy's reader is C code that believes the file: one bit changed may end the process, and a file of
a megabyte may ask for gigabytes.
"""

import json
import os
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from chainrule.errors import FileError
from chainrule.io.names import shown

UNPACKED = 256 << 20
"""Bytes that any file may unpack to; a larger file, `RATIO` times its size."""

RATIO = 8
_SECONDS = 300.0
_BASE = 2 << 30  # bytes of address space for Python and SciPy themselves
_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15  # MATLAB's miMATRIX and miCOMPRESSED
_BLOCK = 1 << 20


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file of versions 5 to 7, by name.

    Structs are dictionaries (arrays of them lists), cells are lists, text is str, and numbers are
    arrays. A compressed file holds checksums; in one that is not, a number that was changed cannot
    be told from another. Raises FileError if the file cannot be read, is damaged, is of version
    7.3, or unpacks to more than `UNPACKED` bytes and `RATIO` times its size.
    """
    if not path.is_file():
        raise FileError(f"{shown(path)} is not there; expected a MATLAB file")
    unpacked = _check_unpacked_size(path)
    arguments = [str(path), str(_BASE + 8 * unpacked)]
    with subprocess.Popen(
        [sys.executable, "-m", "chainrule.io.mat_child", *arguments],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        ending = threading.Timer(_SECONDS, process.kill)
        ending.start()
        try:
            content = _put_together(process.stdout)
        except (ValueError, RecursionError):  # it ended early, or was never a file of MATLAB's
            content = None
            process.wait()
        finally:
            late = ending.finished.is_set()
            ending.cancel()
            process.kill()
    if late:
        raise FileError(f"{shown(path)} was not read in {_SECONDS:.0f} s; expected a MATLAB file")
    if process.returncode == VERSION_7_3:
        raise FileError(
            f"{shown(path)} is a MATLAB file of version 7.3; expected version 7 or older "
            "(save it with '-v7')"
        )
    if content is None:
        raise FileError(f"{shown(path)} is damaged or no MATLAB file")
    return content


VERSION_7_3 = 3
"""With what the child ends for a file of that version."""


def _put_together(stream: IO[bytes] | None) -> dict[str, Any]:
    """What the child wrote: a line of JSON, then the arrays of which it tells, one after the other.

    Through a pipe: no file of it is left by whatever ends us, and none must be written. Raises
    ValueError where it ends early.
    """
    assert stream is not None
    head = json.loads(stream.readline())
    arrays = [_array(stream, kind, shape) for kind, shape in head["arrays"]]

    def value(node: Any) -> Any:
        if isinstance(node, list):
            return [value(inner) for inner in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"array"}:
            return arrays[node["array"]]
        return {name: value(inner) for name, inner in node["struct"].items()}

    whole: dict[str, Any] = value(head["tree"])
    return whole


def _array(stream: IO[bytes], kind: str, shape: list[int]) -> Any:
    """An array as MATLAB has it, the first index the fastest."""
    turned = np.empty(shape[::-1], kind)
    if stream.readinto(turned.reshape(-1).view(np.uint8)) != turned.nbytes:  # type: ignore[attr-defined]
        raise ValueError("an array was cut off")
    return turned.T


def _check_unpacked_size(path: Path) -> int:
    """What the compressed elements unpack to, and the others hold; raise FileError if too much."""
    try:
        size = path.stat().st_size
        allowed, total = max(UNPACKED, RATIO * size), 0
        with path.open("rb") as file:
            header = file.read(_HEADER)
            order = "big" if header[126:128] == b"MI" else "little"
            if 2 in header[124:126]:
                return 0  # version 7.3, which the child says
            while len(head := file.read(8)) == 8:
                kind, length = (int.from_bytes(head[i : i + 4], order) for i in (0, 4))  # type: ignore[arg-type]
                if kind not in (_MATRIX, _COMPRESSED):  # version 4 has no structs: no network
                    raise FileError(f"{shown(path)} is damaged or no MATLAB file")
                if kind == _MATRIX:
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
    except FileError:
        raise
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
