"""Many files in one upload: [[name, size], ...] as a line of JSON, then their bytes in this order.

A request costs a browser several milliseconds, whatever it brings.
"""

import contextlib
import json
from typing import Any

from starlette.requests import Request

from chainrule.errors import InputError
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.rooms.albums import Albums, Written, checked_name
from chainrule.lab.server.bodies import Pieces

_MOST_FILES = 1_000
_MOST_LINE = 4 << 20  # bytes


async def take_bundle(
    request: Request, albums: Albums, album: Record, most: int
) -> tuple[list[Kept | str | None], str]:
    """Keep the files of an upload, which have at most so many bytes together.

    Gives what became of each: kept, None for a system's clutter, or why its name is none; and the
    sentence why no more of them were taken, if that is so. An upload that is cut off leaves
    nothing. Raises InputError if it is no bundle, FileError where the disk is full.
    """
    pieces = Pieces(request)
    listed = _listed(await pieces.line(_MOST_LINE), most)
    files: list[Written | str] = []
    with albums.keeping("the pictures"), contextlib.ExitStack() as left:
        for name, size in listed:
            path = albums.new_file(album.id)
            left.callback(path.unlink, missing_ok=True)
            with path.open("wb") as file:
                await pieces.to(file, size)
            try:
                files.append(Written(checked_name(name), path, size))
            except InputError as error:
                files.append(str(error))
        await pieces.end()
        fit, stopped = _within_quotas(files, albums, album.owner)
        kept = iter(albums.take_all(album, [f for f in fit if isinstance(f, Written)]))
        return [f if isinstance(f, str) else next(kept) for f in fit], stopped


def _within_quotas(
    files: list[Written | str], albums: Albums, owner: str
) -> tuple[list[Written | str], str]:
    """The first of them that a session may still have, and why not the next."""
    count, used = albums.used(owner)
    for i, file in enumerate(files):
        if isinstance(file, str):
            continue
        if stopped := albums.too_much(count, used, file.size):
            return files[:i], stopped
        count, used = count + 1, used + file.size
    return files, ""


def _listed(line: bytes, most: int) -> list[tuple[str, int]]:
    try:
        listed: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the first line is no JSON ({error}); expected a list") from error
    if not (
        isinstance(listed, list)
        and len(listed) <= _MOST_FILES
        and all(isinstance(entry, list) and len(entry) == 2 for entry in listed)
        and all(isinstance(name, str) and type(size) is int and size >= 0 for name, size in listed)
    ):
        raise InputError(
            f"the first line: expected a list of at most {_MOST_FILES:,} entries, each a name and "
            "a number of bytes"
        )
    together = sum(size for _, size in listed)
    if together > most:
        raise InputError(f"the files have {together:,} bytes; expected at most {most:,} together")
    return [(name, size) for name, size in listed]
