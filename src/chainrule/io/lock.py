"""One run at a time in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from chainrule.errors import InputError
from chainrule.io.names import shown

_NAME = ".chainrule.lock"


@contextlib.contextmanager
def only_run(folder: Path, work: str) -> Iterator[None]:
    """Hold the folder for this process: a second run in it is refused.

    The system lets go of it however the process ends. Raises InputError if another run holds it.
    """
    path = folder / _NAME
    with path.open("a") as stream:
        if not _take(stream):
            raise InputError(
                f"folder {shown(folder)} is in use by another run of {work}; expected one at a "
                "time: wait for it, or choose another folder"
            )
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


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
