"""Files that lie elsewhere, by fsspec's addresses: s3://, gs://, http://, memory:// and so on."""

import re
from typing import Any

from chainrule.errors import FileError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether it is an address and no path of this machine."""
    return _ADDRESS.match(text) is not None


def read_address(address: str, most: int) -> bytes:
    """The bytes of a file, at most `most` of them and one more. Raises FileError."""
    import fsspec

    try:
        with fsspec.open(address, "rb") as file:
            content: bytes = file.read(most + 1)
    except Exception as error:  # what the many kinds of storage raise has no common base
        raise FileError(f"{address} cannot be read: {_reason(error)}") from error
    return content


def list_address(address: str) -> list[str]:
    """The addresses of all files under one, sorted. Raises FileError."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
        found = system.find(path)
        if not found and not system.exists(path):  # which `find` does not mind
            raise FileNotFoundError("nothing is there")
    except Exception as error:  # as above
        raise FileError(f"{address} cannot be listed: {_reason(error)}") from error
    return sorted(str(system.unstrip_protocol(name)) for name in found)


def _reason(error: Any) -> str:
    return " ".join(str(error).split()) or type(error).__name__
