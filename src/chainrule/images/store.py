"""Features that were computed before, found by the picture's content and the network."""

import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from chainrule.errors import FileError
from chainrule.io.files import make_folder


class FeatureStore:
    """A file of features. Each batch is in it whole or not at all, so a killed run can go on.

    `model` names the network with its weights and its precision; pictures are known by a hash of
    their bytes, so that one that has changed is never taken for what it was.
    """

    def __init__(self, folder: Path, model: str) -> None:
        """Raises FileError if `folder` cannot be written or holds a file that is no such store."""
        self._path = make_folder(folder) / "features.sqlite"
        self._model = model
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(self._path, timeout=60, check_same_thread=False)
            with self._db:
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS features "
                    "(model TEXT, picture BLOB, value BLOB, PRIMARY KEY (model, picture))"
                )
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def get(self, picture: bytes) -> Float32[np.ndarray, " d"] | None:
        """The features of the picture with this hash, or None."""
        query = "SELECT value FROM features WHERE model = ? AND picture = ?"
        try:
            with self._lock:
                row = self._db.execute(query, (self._model, picture)).fetchone()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return np.frombuffer(row[0], dtype="<f4") if row else None

    def put(self, features: Mapping[bytes, Float32[np.ndarray, " d"]]) -> None:
        """Add the features of some pictures, all or none."""
        rows = [
            (self._model, key, value.astype("<f4").tobytes()) for key, value in features.items()
        ]
        try:
            with self._lock, self._db:
                self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        self._db.close()

    def _failed(self, error: sqlite3.Error) -> FileError:
        return FileError(
            f"the store of features {self._path} cannot be used ({error}); expected a file that "
            "chainrule wrote: remove it, or choose another cache folder"
        )


def default_cache_folder() -> Path:
    """Where features are kept: $XDG_CACHE_HOME/chainrule, or ~/.cache/chainrule."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "chainrule"
