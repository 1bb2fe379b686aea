"""Standard output and error that take every name, and say it when they cannot be written."""

import os
import sys
from typing import Any, TextIO

from chainrule.errors import FileError


class ReaderGoneError(Exception):
    """The reader of standard output has gone (`| head`): it has seen enough.

    No OSError, because Typer ends the program with exit code 1 on a broken pipe.
    """


class StandardOutput:
    """Standard output, of which a failed write is a FileError and not a traceback."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write as any text stream does. Raises FileError, ReaderGoneError."""
        if self._stream is None:
            raise FileError("standard output is closed; expected one that can be written")
        try:
            return self._stream.write(text)
        except OSError as error:
            raise _failed(error) from error

    def flush(self) -> None:
        """Flush as any text stream does. Raises FileError, ReaderGoneError."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            raise _failed(error) from error

    def isatty(self) -> bool:
        """Whether it is a terminal; a closed one is none."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard() -> None:
    """Have names that the terminal's encoding lacks written with escapes, and failed writes said.

    For the command line's own process only.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = StandardOutput(sys.stdout)


def abandon() -> None:
    """Let nothing more be written to standard output, not even when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _failed(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError()
    return FileError(f"standard output cannot be written: {error.strerror or error}")
