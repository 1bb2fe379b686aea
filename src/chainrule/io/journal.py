"""What a long run has finished, a line a piece of work, so that a killed run goes on from there."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.io.names import shown

FORMAT = 2


class Journal:
    """A file of JSON lines, each with a checksum. The first says what the run is.

    kind: of what work, for the sentences. run: what must be the same for the work to go on, as JSON
    values. A last line that a killed process cut off is dropped; any other change is refused.
    Raises FileError if the file cannot be read, was changed, or is of another run.
    """

    def __init__(self, path: Path, kind: str, run: dict[str, Any]) -> None:
        self._path, self._kind = path, kind
        self._head = {"chainrule": FORMAT, "kind": kind, "run": run}
        self.records: list[dict[str, Any]] = []
        self._there = path.exists() and path.stat().st_size > 0
        if self._there:
            self._read()

    def append(self, record: dict[str, Any]) -> None:
        """Add a record. Raises FileError."""
        lines = [record] if self._there else [self._head, record]
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write("".join(_line(entry) for entry in lines))
        except OSError as error:
            raise FileError(
                f"{shown(self._path)} cannot be written: {error.strerror or error}"
            ) from error
        self._there = True
        self.records.append(record)

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                f"{shown(self._path)} cannot be read ({error}); expected a journal of {self._kind}"
            ) from error
        whole, _, cut = text.rpartition("\n")
        lines = whole.split("\n") if whole else []
        entries = [self._entry(number, line) for number, line in enumerate(lines, 1)]
        if cut and not entries and not _line(self._head).startswith(cut[:200]):
            raise FileError(
                f"{shown(self._path)} is no journal; expected a journal of {self._kind}"
            )
        if cut:
            os.truncate(self._path, len((whole + "\n").encode()) if whole else 0)
        if not entries:
            self._there = False
            return
        head, *self.records = entries
        if head.get("kind") != self._kind or head.get("chainrule") != FORMAT:
            raise FileError(
                f"{shown(self._path)} is no journal of {self._kind} of this version; expected one: "
                "choose another folder"
            )
        if head["run"] != self._head["run"]:
            raise FileError(
                f"{shown(self._path)} is of another run of {self._kind} (other data, seed or "
                "settings); expected the same: choose another folder"
            )

    def _entry(self, number: int, line: str) -> dict[str, Any]:
        digest, _, text = line.partition(" ")
        try:
            if digest != _digest(text):
                raise ValueError("its checksum does not match")
            entry = json.loads(text)
            if not isinstance(entry, dict):
                raise ValueError("it is no record")
        except (ValueError, RecursionError) as error:
            raise FileError(
                f"{shown(self._path)}, line {number} was changed ({error}); expected a journal of "
                f"{self._kind}"
            ) from error
        return entry


def _line(entry: dict[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True, allow_nan=False)
    return f"{_digest(text)} {text}\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
