"""Features that were computed before, found by the picture's content and the network."""

import os
import sqlite3
import threading
import warnings
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from platformdirs import user_cache_path

from chainrule.errors import FileError
from chainrule.io.files import make_folder
from chainrule.io.names import shown

_FAILURES = (sqlite3.Error, UnicodeDecodeError)  # a damaged name is no text in SQLite's message
_CHECK = 8  # bytes of a checksum at the end of each row


class CacheWarning(UserWarning):
    """Computed features cannot be kept, or read again: the work goes on without."""


class FeatureStore:
    """A file of features. Each batch is in it whole or not at all, so a killed run can go on.

    `model` names the network with its weights and its precision; pictures are known by a hash of
    their bytes, so that one that has changed is never taken for what it was. Each row has a
    checksum: one that was damaged is computed again.

    Where the file cannot be made, read or written, a CacheWarning says so once, and the store is
    empty and stays so.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._model = model.encode()
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        try:
            path = make_folder(folder) / "features.sqlite"
            self._db = sqlite3.connect(path, timeout=60, check_same_thread=False)
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS checked_features "
                    "(model BLOB, picture BLOB, value BLOB, PRIMARY KEY (model, picture))"
                )
        except (*_FAILURES, FileError) as error:
            self._give_up(folder, error)
        self._folder = folder

    def get(self, picture: bytes) -> Float32[np.ndarray, " d"] | None:
        """The features of the picture with this hash, or None."""
        query = "SELECT value FROM checked_features WHERE model = ? AND picture = ?"
        with self._lock:
            if self._db is None:
                return None
            try:
                row = self._db.execute(query, (self._model, picture)).fetchone()
            except _FAILURES as error:
                self._give_up(self._folder, error)
                return None
        if row is None or not isinstance(row[0], bytes):
            return None
        value, check = row[0][:-_CHECK], row[0][-_CHECK:]
        whole = self._check(picture, value) == check and len(value) % 4 == 0
        return np.frombuffer(value, dtype="<f4") if whole else None

    def put(self, features: Mapping[bytes, Float32[np.ndarray, " d"]]) -> None:
        """Add the features of some pictures, all or none."""
        rows = []
        for picture, row in features.items():
            value = row.astype("<f4").tobytes()
            rows.append((self._model, picture, value + self._check(picture, value)))
        query = "INSERT OR REPLACE INTO checked_features VALUES (?, ?, ?)"
        with self._lock:
            if self._db is None:
                return
            try:
                with self._db:
                    self._db.executemany(query, rows)
            except _FAILURES as error:
                self._give_up(self._folder, error)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _check(self, picture: bytes, value: bytes) -> bytes:
        return blake2b(self._model + picture + value, digest_size=_CHECK).digest()

    def _give_up(self, folder: Path, error: Exception) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        warnings.warn(
            f"computed features cannot be kept in {shown(folder)} ({error}): going on without",
            CacheWarning,
            stacklevel=2,
        )


def default_cache_folder() -> Path:
    """Where features are kept: the system's folder for caches ($XDG_CACHE_HOME, or ~/.cache).

    A user without a home has none: nothing can be kept in what is returned then.
    """
    nowhere = Path(os.devnull) / "chainrule"
    try:
        folder = user_cache_path("chainrule", appauthor=False)
    except RuntimeError:  # newer versions say so, older ones give a folder in "~"
        return nowhere
    return folder if folder.is_absolute() else nowhere
