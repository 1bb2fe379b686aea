"""What a request brings: counted while it is read, and refused as soon as it is too much."""

import json
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import Request

from chainrule.errors import InputError

_MOST_JSON = 1 << 20


async def body(request: Request, most: int) -> bytes:
    """The raw body. Raises InputError as soon as it is longer than `most` bytes."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise InputError(f"the upload has more than {most:,} bytes; expected at most so many")
    return bytes(content)


async def body_to(request: Request, path: Path, most: int) -> int:
    """Write the raw body to a file as it comes; give its bytes. Raises InputError as `body`."""
    size = 0
    with path.open("wb") as file:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise InputError(f"the file has more than {most:,} bytes; expected at most so many")
            file.write(part)
    return size


class Pieces:
    """A raw body that is read in pieces whose sizes are known."""

    def __init__(self, request: Request) -> None:
        self._parts = request.stream()
        self._held = bytearray()

    async def line(self, most: int) -> bytes:
        """Up to the first end of a line. Raises InputError if that is farther than `most` bytes."""
        while (end := self._held.find(b"\n")) < 0 and len(self._held) <= most:
            await self._more()
        if end < 0 or end > most:
            raise InputError(
                f"the first line has more than {most:,} bytes; expected at most so many"
            )
        return bytes(self._taken(end + 1)[:-1])

    async def to(self, file: BinaryIO, size: int) -> None:
        """Write the next `size` bytes to a file. Raises InputError if there are fewer."""
        while size:
            if not self._held:
                await self._more()
            part = self._taken(size)
            size -= len(part)
            file.write(part)

    async def end(self) -> None:
        """Raises InputError if there is more."""
        async for part in self._parts:
            self._held += part
            if self._held:
                break
        if self._held:
            raise InputError("the upload goes on after its last file; expected its end")

    def _taken(self, most: int) -> bytearray:
        part = self._held[:most]
        del self._held[:most]
        return part

    async def _more(self) -> None:
        try:
            self._held += await anext(self._parts)
        except StopAsyncIteration as error:
            raise InputError("the upload ends too early; expected all that it says") from error


async def document(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises InputError."""
    content = await body(request, _MOST_JSON)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the request is no JSON ({error}); expected one object") from error
    if not isinstance(found, dict):
        raise InputError(f"the request is a JSON {type(found).__name__}; expected one object")
    return found


def whole(request: Request, name: str, default: int | None = None) -> int:
    """A whole number from the address. Raises InputError."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InputError(f"{name}: found {text!r}; expected a whole number")
    return int(text)
