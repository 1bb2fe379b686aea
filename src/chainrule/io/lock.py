"""One run at a time in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from chainrule.errors import FileError, InputError
from chainrule.io.names import shown

_NAME = ".chainrule.lock"


@contextlib.contextmanager
def only_run(folder: Path, work: str) -> Iterator[None]:
    """Hold the folder for this process: a second run in it is refused.

    The system lets go of it however the process ends. Raises InputError if another run holds it,
    FileError if the folder cannot be written.
    """
    path = folder / _NAME
    while True:
        with _opened(path) as stream:
            if not _take(stream):
                raise InputError(
                    f"folder {shown(folder)} is in use by another run of {work}; expected one at a "
                    "time: wait for it, or choose another folder"
                )
            if not _is_at(path, stream):  # its last holder has just removed it
                continue
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    path.unlink()
            return


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("a")
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be written: {error.strerror or error}") from error


def _is_at(path: Path, stream: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _take(stream: IO[str]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
