"""The text of a file, whatever packed it and in whatever encoding it was written."""

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, cast

from chainrule.errors import FileError
from chainrule.io.names import shown
from chainrule.io.texts import read_content

_LARGEST = 2**31  # bytes of a text once unpacked,
_TIMES, _ALWAYS = 20, 2**28  # and so many times its packed size, if that is more than so many bytes
_CHUNK = 2**20
_MARKS = (  # the longer first: UTF-32's begins as UTF-16's
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def decoded(path: Path) -> tuple[str, list[str]]:
    """The text of the file, and what was assumed of it, each a sentence without a full stop.

    Raises FileError if it is no text, or unpacks to more than 2 GiB, or to more than 256 MiB and
    more than 20 times its size: it is not unpacked further.
    """
    try:
        content: bytes | bytearray = read_content(path, 2 << 30)
        packed = _unpacking(content)
        if packed is not None:
            content = _unpacked(path, packed, most_unpacked(len(content)))
    except FileError:
        raise
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{shown(path)} cannot be read: {reason}") from error
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(c < " " and c not in "\t\n\r\f" for c in text[:10_000]):
            break
        taken = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}.get(encoding)
        return text, [f"the text is no UTF-8; it is taken as {taken}"] if taken else []
    raise FileError(f"{shown(path)}: found bytes that are no text; expected a table as text")


def _unpacking(content: bytes | bytearray) -> IO[bytes] | None:
    """A stream that unpacks the content, if it begins as one of the usual ways to pack does."""
    stream = io.BytesIO(content)
    if content.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(stream))
    if content.startswith(b"BZh"):
        return bz2.open(stream)
    if content.startswith(b"\xfd7zXZ\0"):
        return lzma.open(stream)
    return None


def most_unpacked(size: int) -> int:
    """How many bytes a packed table of `size` bytes may hold."""
    return min(_LARGEST, max(_ALWAYS, _TIMES * size))


def _unpacked(path: Path, packed: IO[bytes], largest: int) -> bytearray:
    """What a stream unpacks, a piece at a time. Raises FileError once it is more than `largest`."""
    content = bytearray()
    with packed:
        while piece := packed.read(_CHUNK):
            content += piece
            if len(content) > largest:
                raise FileError(
                    f"{shown(path)}: found more than {largest:,} bytes once unpacked; expected at "
                    "most so many of a file of this size (unpack it first if it is a table)"
                )
    return content


def _encodings(content: bytes | bytearray) -> list[str]:
    """The encodings to try in turn; none if the content cannot be text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return [encoding]
    even, odd = content[:1000:2].count(0), content[1:1000:2].count(0)
    if not even and not odd:
        # the bytes in which the two differ are signs in the one, and nothing in the other
        windows = any(0x80 <= byte < 0xA0 for byte in set(content))
        return ["utf-8-sig", *(["cp1252"] if windows else []), "latin-1"]
    # without a mark: the high bytes of Western text are 0, all on one side
    share = len(content[:1000]) / 4
    if even == 0 and odd > share:
        return ["utf-16-le"]
    return ["utf-16-be"] if odd == 0 and even > share else []
