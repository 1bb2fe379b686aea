"""Several threads that read lines, for many pictures at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import torch

from chainrule.io.pictures import PictureSource
from chainrule.reader.reader import Reader

_TOGETHER = 1024  # lines, of which the crops and the probabilities are kept at a time
_PATIENCE = 1200  # seconds in which the threads must have begun: the first one may compile


class ReaderPool:
    """A reader in so many threads: in a `with` block `texts` gives what `Reader.texts` gives.

    One batch of lines is one thread's work, with no threads inside of it: nearly all of that is in
    compiled loops and PyTorch's, which let the other threads run, and nothing has to be sent as it
    would between processes.
    """

    def __init__(self, reader: Reader, threads: int, *, many: bool = True) -> None:
        """many: whether so much is read that to prepare for all shapes of lines is worth it."""
        self.reader, self.threads, self.many = reader, threads, many
        self._executor: ThreadPoolExecutor | None = None

    def __enter__(self) -> "ReaderPool":
        self._executor = ThreadPoolExecutor(self.threads)
        all_there = Barrier(self.threads)
        list(self._executor.map(self._begin, [all_there] * self.threads))
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def texts(self, pictures: Sequence[PictureSource]) -> list[str]:
        """The texts of pictures of one line each, "" where nothing is read."""
        assert self._executor is not None
        found: list[str] = []
        for first in range(0, len(pictures), _TOGETHER):
            part = pictures[first : first + _TOGETHER]
            found += self.reader.texts(part, each=self._executor.map)
        return found

    def _begin(self, all_there: Barrier) -> None:
        torch.set_num_threads(1)  # of this thread's operations; what is prepared is so for one
        self.reader.prepare(all_shapes=self.many)
        all_there.wait(_PATIENCE)
