"""What goes between the server and a worker: JSON values, and bytes beside them."""

import json
from typing import Any


def packed(values: dict[str, Any], content: bytes = b"") -> bytes:
    """One message: a line of JSON, then the bytes."""
    return json.dumps(values, allow_nan=False).encode() + b"\n" + content


def unpacked(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The values and the bytes of a message."""
    line, _, content = message.partition(b"\n")
    return json.loads(line), content
