"""Features as rows of a matrix, each of a picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from chainrule.images.listing import Skipped


@dataclass(frozen=True)
class Features:
    """`values[j]` are the features of picture `kept[j]`; the others could not be read."""

    values: Float32[np.ndarray, "m d"]
    kept: list[int]
    skipped: list[Skipped]


class Rows:
    """A matrix that is filled row by row, in any order; it is the only copy of its numbers."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._there: list[int] = []
        self._matrix = np.zeros((0, 0), dtype=np.float32)

    def put(self, i: int, row: Float32[np.ndarray, " d"]) -> None:
        if not self._there:
            self._matrix = np.empty((self._count, len(row)), dtype=np.float32)
        self._matrix[i] = row
        self._there.append(i)

    def kept(self) -> tuple[Float32[np.ndarray, "m d"], list[int]]:
        """The rows that were put, moved together, and which they are."""
        there = sorted(self._there)
        for j, i in enumerate(there):
            if i != j:
                self._matrix[j] = self._matrix[i]
        return self._matrix[: len(there)], there
