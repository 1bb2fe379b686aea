"""File names in sentences, and names for files that are made."""

import os

_BYTES = 150  # of a name: file systems take 255, and an ending comes to it
# with any ending, names of devices on Windows, where no file can be called so
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    port + number for port in ("COM", "LPT") for number in "123456789¹²³"
}


def shown(path: str | os.PathLike[str]) -> str:
    """The path as it stands in a sentence: quoted if it holds a line break or the like.

    A name that is no text in the system's encoding is shown with escapes, so that it can always be
    printed.
    """
    text = os.fspath(path)
    return text if text.isprintable() else repr(text)


def safe_stem(stem: str) -> str:
    """A file's name without its ending, with what file systems and readers of names trip over
    replaced, and not too long. What needs no replacement stays as it is."""
    safe = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in stem)
    if safe.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        safe = "_" + safe
    return safe.encode()[:_BYTES].decode(errors="ignore")
