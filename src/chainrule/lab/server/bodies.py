"""What a request brings: counted while it is read, and refused as soon as it is too much."""

import json
from pathlib import Path
from typing import Any

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
