"""Several processes that read lines, for many pictures at a time."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.reader.read import BATCH, Reader

_PATIENCE = 120  # seconds in which the processes must have begun


class ReaderPool:
    """A reader in so many processes: in a `with` block `texts` gives what `Reader.texts` gives.

    Threads would wait for one another: half of the work on a line is in small steps of Python.
    """

    def __init__(self, reader: Reader, processes: int) -> None:
        self.reader, self.processes = reader, processes
        self._pool: Pool | None = None

    def __enter__(self) -> "ReaderPool":
        context = multiprocessing.get_context("spawn")
        all_there = context.Barrier(self.processes + 1)
        self._pool = context.Pool(self.processes, _begin, (self.reader, all_there))
        all_there.wait(_PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()
            self._pool = None

    def texts(self, pictures: Sequence[NDArray[np.uint8]]) -> list[str]:
        """The texts of grey pictures (height, width) of one line each. Raises InputError."""
        assert self._pool is not None
        # about equally wide ones together; the widest, which take longest, first
        order = np.argsort([-picture.shape[1] / picture.shape[0] for picture in pictures])
        parts = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
        found = [""] * len(pictures)
        read = self._pool.imap(_texts, [[pictures[place] for place in part] for part in parts])
        for part, texts in zip(parts, read, strict=True):
            for place, text in zip(part, texts, strict=True):
                found[place] = text
        return found


_reader: Reader | None = None  # a process's own


def _begin(reader: Reader, all_there: Barrier) -> None:
    global _reader  # noqa: PLW0603 - what a process keeps between its jobs
    torch.set_num_threads(1)
    _reader = reader
    line = np.full((32, 64), 255, np.uint8)
    line[8:24, 8:56:6] = 0
    # whatever is compiled or prepared at its first use is so now
    reader.texts([line])
    reader.prepare()
    all_there.wait(_PATIENCE)


def _texts(pictures: Sequence[NDArray[np.uint8]]) -> list[str]:
    assert _reader is not None
    return _reader.texts(pictures)
