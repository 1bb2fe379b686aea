"""Files that appear whole or not at all."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import FileError, InputError
from chainrule.io.names import shown
from chainrule.io.temporary import temporary_name

_MADE: list[Path] = []  # folders, each before the one that it lies in


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there becomes `path` at the end.

    The bytes are flushed to the disk before the name changes, so a reader, a full disk or a
    killed process never sees half a file. If the block raises, `path` stays as it was. The
    temporary name keeps the suffix, because some writers choose the format by it. What killed
    processes of this machine have left in the folder is removed.

    Raises FileError if the folder cannot be written.
    """
    target = Path(path)
    try:
        with temporary_name(target.parent, target.suffix) as temporary:
            yield temporary
            _flush(temporary)
            temporary.replace(target)
            _flush(target.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{shown(target)} cannot be written: {error.strerror or error}") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all; file names that are no text as their own bytes.

    Raises FileError.
    """
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def write_json(path: str | os.PathLike[str], document: Any) -> None:
    """Write `document` as JSON, whole or not at all. Raises FileError; ValueError on a NaN."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder `path` if it is not there and check that files can be written in it.

    Raises FileError if it cannot be made, is no folder, or cannot be written.
    """
    folder = Path(path)
    try:
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        _MADE.extend(missing)
        with temporary_name(folder) as probe:
            probe.touch()
    except OSError as error:
        reason = error.strerror or error
        raise FileError(
            f"output folder {shown(folder)} cannot be written ({reason}); expected a folder, or a "
            "path where one can be made"
        ) from error
    return folder


def remove_empty_folders() -> None:
    """Remove the folders that `make_folder` made in this process and nothing was written into."""
    for folder in sorted(_MADE, key=lambda made: len(made.parts), reverse=True):
        with contextlib.suppress(OSError):  # something is in it
            folder.rmdir()
    _MADE.clear()


def check_output_file(path: str | os.PathLike[str], *suffixes: str) -> None:
    """Raise before the work is done if `path` cannot become a file whose name ends in one of these.

    Raises InputError for another suffix, FileError for a folder or where nothing can be written.
    """
    target = Path(path)
    if suffixes and target.suffix.lower() not in suffixes:
        raise InputError(
            f"{shown(target)}: expected a file name that ends in {' or '.join(suffixes)}"
        )
    if target.is_dir():
        raise FileError(f"{shown(target)} is a folder; expected a file name")
    make_folder(target.parent)


def _flush(path: Path) -> None:
    """fsync a file or a folder (where the system can flush a folder)."""
    if path.is_dir() and os.name == "nt":
        return
    # Windows flushes only what was opened for writing; a folder cannot be
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
