"""Files read whole, up to a bound: what is longer is not what was asked for."""

import errno
import os
import stat
from pathlib import Path

MOST = 256 << 20
"""Bytes of a text that is read whole, where the caller does not say another bound."""


def read_content(path: str | os.PathLike[str], most: int = MOST) -> bytes:
    """The bytes of a file or a pipe.

    Raises OSError, also for more than `most` bytes and for what has no end (a device).
    """
    with Path(path).open("rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            raise OSError(errno.EINVAL, "it is a device")
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
        # of a pipe no size is known: read as much as is allowed, and one byte more
        content = file.read() if stat.S_ISREG(found.st_mode) else file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def read_text(path: str | os.PathLike[str], encoding: str = "utf-8", most: int = MOST) -> str:
    """The text of a file, its lines ended by one "\\n". Raises OSError, UnicodeDecodeError."""
    text = read_content(path, most).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")
