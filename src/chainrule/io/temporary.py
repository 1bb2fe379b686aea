"""Temporary files and folders, which the next run removes if this one is killed."""

import contextlib
import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chainrule.errors import FileError

_NAME = re.compile(r"\.chainrule-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}(\.|$)")
_OURS: set[str] = set()
_LOOKED_AT: set[Path] = set()  # folders; looking at each time would be quadratic in their files


@contextlib.contextmanager
def temporary_name(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Give a name in a folder that is free; what is there at the end is removed.

    What killed processes of this machine have left in the folder under such names is removed, too.
    """
    name = f".chainrule-{_machine()}-{os.getpid()}-{secrets.token_hex(6)}{suffix}"
    _OURS.add(name)
    try:
        remove_left_over(folder)
        yield folder / name
    finally:
        _remove(folder / name)
        _OURS.discard(name)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder of the system's for temporary files, for this user alone; removed at the end.

    Raises FileError where none can be made.
    """
    try:
        place = Path(tempfile.gettempdir())
    except OSError as error:
        raise FileError(
            "no folder for temporary files can be written; expected the variable TMPDIR to name one"
        ) from error
    with temporary_name(place) as folder:
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise FileError(
                f"no temporary folder can be made in {place}: {error.strerror or error}"
            ) from error
        yield folder


def _machine() -> str:
    """What tells this machine's temporary files from another's in a shared folder."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def remove_left_over(folder: Path) -> None:
    """Remove what processes of this machine that are no more have left, once a folder."""
    if folder in _LOOKED_AT:
        return
    _LOOKED_AT.add(folder)
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            found = _NAME.match(path.name)
            if found and found[1] == _machine() and not _is_used(path.name, int(found[2])):
                _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_used(name: str, process: int) -> bool:
    if process == os.getpid():  # in a container every run may have the same number
        return name in _OURS
    if os.name == "nt":  # there os.kill ends the process that it asks
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is another user's
    return True
