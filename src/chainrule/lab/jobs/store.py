"""The store of runs: SQLite, so that a lab that was killed lists them, and goes on."""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.io.names import shown

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, token TEXT NOT NULL, made REAL NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, room TEXT NOT NULL, kind TEXT NOT NULL,
    settings TEXT NOT NULL, state TEXT NOT NULL, said TEXT NOT NULL, done INTEGER NOT NULL,
    result TEXT NOT NULL, made REAL NOT NULL, changed REAL NOT NULL);
CREATE INDEX IF NOT EXISTS runs_of_owner ON runs (owner, changed);
CREATE TABLE IF NOT EXISTS files (
    run TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    seen TEXT NOT NULL, PRIMARY KEY (run, number));
CREATE INDEX IF NOT EXISTS files_by_name ON files (run, name);
CREATE TABLE IF NOT EXISTS numbers (run TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""
_RUNNING = ("running", "paused")


@dataclass(frozen=True)
class Record:
    """A run as it is kept. done: iterations or pieces of work; said: a sentence on how it ended;
    result: JSON values of its own kind, with the digests of what it made."""

    id: str
    owner: str
    room: str
    kind: str
    settings: dict[str, Any]
    state: str
    said: str
    done: int
    result: dict[str, Any]
    made: float
    changed: float

    @property
    def document(self) -> dict[str, Any]:
        """What the page is told."""
        shared = ("id", "room", "kind", "settings", "state", "said", "done", "result", "changed")
        return {name: getattr(self, name) for name in shared}


@dataclass(frozen=True)
class Kept:
    """A file that was given to a run: `name` is what its giver calls it, `seen` what was found out
    about it. It lies under its number: no name ever becomes a path."""

    number: int
    name: str
    bytes: int
    seen: dict[str, Any]


class Store:
    """Runs and sessions in one file of `folder`; each change is whole or not there.

    Raises FileError where the disk is full or the file is no store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        with self._asked():
            self._base = sqlite3.connect(
                folder / "lab.sqlite", isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.executescript(_SCHEMA)

    def close(self) -> None:
        """Write all to the disk and let go of the file."""
        with self._asked():
            self._base.close()

    def add_session(self, session: str, token: str) -> None:
        """Let a session in by the hash of the token that it came with."""
        with self._asked():
            self._base.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (session, token, time.time())
            )

    def has_session(self, session: str, token: str) -> bool:
        """Whether a session came in by this token."""
        with self._asked():
            found = self._base.execute(
                "SELECT 1 FROM sessions WHERE id = ? AND token = ?", (session, token)
            )
            return found.fetchone() is not None

    def add(self, record: Record) -> None:
        """Keep a new run."""
        row = (
            record.id, record.owner, record.room, record.kind, json.dumps(record.settings),
            record.state, record.said, record.done, json.dumps(record.result), record.made,
            record.changed,
        )  # fmt: skip
        with self._asked():
            self._base.execute(f"INSERT INTO runs VALUES ({','.join('?' * 11)})", row)

    def change(self, run: str, **values: Any) -> None:
        """Write new values of state, said, done, settings or result of a run."""
        named = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in values.items()}
        columns = ", ".join(f"{name} = ?" for name in (*named, "changed"))
        with self._asked():
            self._base.execute(
                f"UPDATE runs SET {columns} WHERE id = ?", (*named.values(), time.time(), run)
            )

    def get(self, run: str, owner: str) -> Record | None:
        """A run of this owner."""
        found = self._rows("id = ? AND owner = ?", (run, owner))
        return found[0] if found else None

    def listed(self, owner: str, room: str | None = None, most: int = 200) -> list[Record]:
        """The newest runs of an owner, the last changed first."""
        where, values = ("", ()) if room is None else (" AND room = ?", (room,))
        return self._rows(f"owner = ?{where} ORDER BY changed DESC LIMIT {most}", (owner, *values))

    def ids(self) -> set[str]:
        """The names of all runs, of every owner."""
        with self._asked():
            return {name for (name,) in self._base.execute("SELECT id FROM runs")}

    def count(self, owner: str) -> int:
        """How many runs an owner has."""
        with self._asked():
            found = self._base.execute("SELECT count(*) FROM runs WHERE owner = ?", (owner,))
            return int(found.fetchone()[0])

    def done(self, owner: str, kind: str) -> int:
        """How much all runs of a kind of this owner have done together."""
        with self._asked():
            found = self._base.execute(
                "SELECT total(done) FROM runs WHERE owner = ? AND kind = ?", (owner, kind)
            )
            return int(found.fetchone()[0])

    def remove(self, run: str) -> None:
        """Forget a run, and the files that were given to it."""
        with self._asked(), self._whole():
            self._base.execute("DELETE FROM runs WHERE id = ?", (run,))
            self._base.execute("DELETE FROM files WHERE run = ?", (run,))
            self._base.execute("DELETE FROM numbers WHERE run = ?", (run,))

    def add_files(
        self,
        run: str,
        files: Sequence[tuple[str, int, dict[str, Any]]],
        place: Callable[[list[int]], None] | None = None,
    ) -> tuple[list[int], list[int]]:
        """Note files by their names, bytes and what was seen, all of them or none.

        Gives their numbers, which no other file of the run ever had: what is still on its way to
        one that was dropped must not come to another. And the numbers of those that they replace,
        which had the same names. place(numbers) puts them where they lie before they are noted.
        """
        with self._asked(), self._whole():
            numbers, replaced = [], []
            for name, size, seen in files:
                replaced += self._forget_named(run, name)
                numbers.append(self._next_number(run))
                row = (run, numbers[-1], name, size, json.dumps(seen))
                self._base.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
            if place is not None:
                place(numbers)
        return numbers, replaced

    def _forget_named(self, run: str, name: str) -> list[int]:
        found = self._base.execute(
            "DELETE FROM files WHERE run = ? AND name = ? RETURNING number", (run, name)
        )
        return [int(row[0]) for row in found.fetchall()]

    def _next_number(self, run: str) -> int:
        found = self._base.execute(
            "INSERT INTO numbers SELECT ?, coalesce(max(number), 0) + 1 FROM files "
            "WHERE run = ? ON CONFLICT (run) DO UPDATE SET last = last + 1 RETURNING last",
            (run, run),
        )
        return int(found.fetchall()[0][0])

    def files(self, run: str) -> list[Kept]:
        """The files of a run, in the order in which they came."""
        with self._asked():
            found = self._base.execute(
                "SELECT number, name, bytes, seen FROM files WHERE run = ? ORDER BY number", (run,)
            ).fetchall()
        return [Kept(number, name, size, json.loads(seen)) for number, name, size, seen in found]

    def file(self, run: str, number: int) -> Kept | None:
        """A file of a run by its number."""
        with self._asked():
            row = self._base.execute(
                "SELECT number, name, bytes, seen FROM files WHERE run = ? AND number = ?",
                (run, number),
            ).fetchone()
        return Kept(row[0], row[1], row[2], json.loads(row[3])) if row else None

    def file_named(self, run: str, name: str) -> int | None:
        """The number of a run's file of this name, if there is one."""
        with self._asked():
            found = self._base.execute(
                "SELECT number FROM files WHERE run = ? AND name = ?", (run, name)
            ).fetchone()
            return int(found[0]) if found else None

    def see_file(self, run: str, number: int, found: dict[str, Any]) -> dict[str, Any]:
        """Note what was found out about a file beside what is known of it by now, None to forget
        a value; give all that is known."""
        place = (run, number)
        with self._asked():
            row = self._base.execute(
                "SELECT seen FROM files WHERE run = ? AND number = ?", place
            ).fetchone()
            known = {**(json.loads(row[0]) if row else {}), **found}
            seen = {name: value for name, value in known.items() if value is not None}
            self._base.execute(
                "UPDATE files SET seen = ? WHERE run = ? AND number = ?",
                (json.dumps(seen), *place),
            )
        return seen

    def drop_file(self, run: str, number: int) -> None:
        """Forget a file of a run."""
        with self._asked():
            self._base.execute("DELETE FROM files WHERE run = ? AND number = ?", (run, number))

    def used(self, owner: str) -> tuple[int, int]:
        """How many files all runs of this owner have, and their bytes."""
        with self._asked():
            found = self._base.execute(
                "SELECT count(*), total(bytes) FROM files JOIN runs ON run = id WHERE owner = ?",
                (owner,),
            )
            count, size = found.fetchone()
            return int(count), int(size)

    def interrupt(self) -> None:
        """At the start: what ran when the lab was ended or killed is interrupted."""
        marks = ",".join("?" * len(_RUNNING))
        with self._asked():
            self._base.execute(
                f"UPDATE runs SET state = 'interrupted' WHERE state IN ({marks})", _RUNNING
            )

    def _rows(self, where: str, values: tuple[Any, ...]) -> list[Record]:
        with self._asked():
            rows = self._base.execute(f"SELECT * FROM runs WHERE {where}", values).fetchall()
        return [_record(row) for row in rows]

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All changes within, or none."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled it back already
                self._base.execute("ROLLBACK")
            raise

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise FileError(
                f"{shown(self.folder / 'lab.sqlite')} cannot be used: {error}"
            ) from error


def _record(row: tuple[Any, ...]) -> Record:
    values = dict(zip(Record.__dataclass_fields__, row, strict=True))
    return Record(**{**values, "settings": json.loads(row[4]), "result": json.loads(row[8])})
