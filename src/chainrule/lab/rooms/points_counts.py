"""The wrong points after each iteration, in files that grow while the curves are looked at."""

from pathlib import Path

import numpy as np
from jaxtyping import Int32

NAMES = ("train", "validation")
_BLOCK = 1024
_PIECE = 1 << 20  # iterations that are read at once


class CountsWriter:
    """Writes the counts of iterations 1, 2, ...; `known` is up to where they are there.

    A run that was rewound gives the same counts again: they are not written twice. A file that an
    earlier process has left is written anew from the first iteration.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._files = [(folder / f"{name}.i32").open("w+b") for name in NAMES]
        self.known = 0

    def write(
        self,
        first: int,
        train_wrong: Int32[np.ndarray, " T"],
        validation_wrong: Int32[np.ndarray, " T"],
    ) -> None:
        """Add the counts after the iterations first + 1, ..., first + T."""
        new = first + len(train_wrong) - self.known
        if new <= 0:
            return
        for stream, counts in zip(self._files, (train_wrong, validation_wrong), strict=True):
            stream.seek(4 * self.known)
            stream.write(counts[-new:].astype("<i4").tobytes())
            stream.flush()
        self.known += new

    def at(self, iteration: int) -> tuple[int | None, int | None]:
        """Both counts after an iteration; None at the start, where nothing is counted."""
        if not 1 <= iteration <= self.known:
            return None, None
        found = []
        for stream in self._files:
            stream.seek(4 * (iteration - 1))
            found.append(int(np.frombuffer(stream.read(4), "<i4")[0]))
        return found[0], found[1]

    def train(self, iterations: int) -> Int32[np.ndarray, " T"]:
        """The training points that are wrong after each of the first iterations."""
        return np.fromfile(self._files[0].name, "<i4", iterations).astype(np.int32)

    def close(self) -> None:
        """Let go of the files."""
        for stream in self._files:
            stream.close()


class Curves:
    """Reads the counts in any detail: the least and the most of each piece, or each count."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / f"{name}.i32" for name in NAMES]
        self._blocks = [np.empty((0, 2), np.int32) for _ in NAMES]

    @property
    def known(self) -> int:
        """How many iterations are there."""
        sizes = [path.stat().st_size // 4 if path.exists() else 0 for path in self._paths]
        return min(sizes)

    def at(self, iteration: int) -> tuple[int, int] | None:
        """Both counts after an iteration (from 1), if they are there."""
        if not 1 <= iteration <= self.known:
            return None
        train, validation = (self._read(k, iteration - 1, 1)[0] for k in range(2))
        return int(train), int(validation)

    def extremes(self, first: int, last: int, pieces: int) -> Int32[np.ndarray, "n 6"]:
        """Of the iterations first, ..., last (from 1) at most so many pieces.

        Each row: the first and the last iteration of a piece, the least and the most wrong training
        points after any of them, the same of the validation points.
        """
        last = min(last, self.known)
        first = max(first, 1)
        if last < first:
            return np.empty((0, 6), np.int32)
        count = min(pieces, last - first + 1)
        edges = np.linspace(first - 1, last, count + 1).round().astype(np.int64)
        if (last - first + 1) // count >= 2 * _BLOCK:  # whole blocks, for which all is known
            edges = np.unique(edges // _BLOCK * _BLOCK)
            edges[-1] = last
        rows = np.empty((len(edges) - 1, 6), np.int32)
        rows[:, 0], rows[:, 1] = edges[:-1] + 1, edges[1:]
        for k in range(2):
            rows[:, 2 + 2 * k : 4 + 2 * k] = self._of_edges(k, edges)
        return rows

    def _of_edges(self, k: int, edges: np.ndarray) -> np.ndarray:
        if edges[0] % _BLOCK or (edges[1:-1] % _BLOCK).any() or len(edges) < 3:
            counts = self._read(k, int(edges[0]), int(edges[-1] - edges[0]))
            starts = edges[:-1] - edges[0]
            parts = np.minimum.reduceat(counts, starts), np.maximum.reduceat(counts, starts)
            return np.stack(parts, axis=1)
        self._extend(k, int(edges[-1]))
        blocks = self._blocks[k]
        starts = edges[:-1] // _BLOCK
        end = int(edges[-1]) // _BLOCK
        rest = self._read(k, end * _BLOCK, int(edges[-1]) - end * _BLOCK)
        if len(rest):
            blocks = np.concatenate([blocks[:end], [[rest.min(), rest.max()]]])
            end += 1
        low = np.minimum.reduceat(blocks[:end, 0], starts)
        return np.stack([low, np.maximum.reduceat(blocks[:end, 1], starts)], axis=1)

    def _extend(self, k: int, to: int) -> None:
        """Know the extremes of all whole blocks up to an iteration."""
        found = [self._blocks[k]]
        done, end = len(found[0]) * _BLOCK, to // _BLOCK * _BLOCK
        while done < end:
            counts = self._read(k, done, min(_PIECE, end - done)).reshape(-1, _BLOCK)
            found.append(np.stack([counts.min(axis=1), counts.max(axis=1)], axis=1))
            done += counts.size
        self._blocks[k] = np.concatenate(found).astype(np.int32)

    def _read(self, k: int, start: int, count: int) -> np.ndarray:
        return np.fromfile(self._paths[k], "<i4", count, offset=4 * start)
