"""Files that appear whole or not at all."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import FileError


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there becomes `path` at the end.

    The bytes are flushed to the disk before the name changes, so a reader, a full disk or a
    killed process never sees half a file. If the block raises, `path` stays as it was. The
    temporary name keeps the suffix, because some writers choose the format by it.

    Raises FileError if the folder cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem}.{secrets.token_hex(6)}{target.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
        _flush(target.parent)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all. Raises FileError."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], document: Any) -> None:
    """Write `document` as JSON, whole or not at all. Raises FileError; ValueError on a NaN."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder `path` if it is not there and check that files can be written in it.

    Raises FileError if it cannot be made, is no folder, or cannot be written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(6)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise FileError(
            f"output folder {folder} cannot be written ({reason}); expected a folder, or a path "
            "where one can be made"
        ) from error
    return folder


def _flush(path: Path) -> None:
    """fsync a file or a folder (where the system can flush a folder)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
