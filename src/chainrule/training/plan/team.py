"""Threads that share a batch: each does the same job for its own images."""

import threading
from collections.abc import Callable
from typing import Any

_Lock = Any

_LOOK = 0.5  # seconds after which who waits for another looks whether that one has failed


class _OtherFailedError(Exception):
    """Another thread of the team failed: whoever waits for it stops, too."""


class Team:
    """`size` threads, the caller's one of them.

    The work of one batch takes a millisecond or a few, so they must not cost much to start or to
    wait for: each waits for a lock, which the operating system hands on in microseconds.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._job: Callable[[int], None] = lambda i: None
        self._failed: list[BaseException] = []
        self._closed = False
        self._go, self._done = ([_taken() for _ in range(size)] for _ in range(2))
        self._meet_anew()
        self.threads = [
            threading.Thread(target=self._work, args=(i,), name=f"chainrule-batch-{i}", daemon=True)
            for i in range(1, size)
        ]
        for thread in self.threads:
            thread.start()

    def run(self, job: Callable[[int], None]) -> None:
        """Call job(i) in each thread i; return when all are done. Raises what one raises."""
        self._job = job
        for i in range(1, self.size):
            self._go[i].release()
        try:
            self._try(0)
        finally:
            for i in range(1, self.size):
                self._done[i].acquire()
        if self._failed:
            first = self._failed[0]  # who failed first is why the others did
            self._failed.clear()
            self._meet_anew()
            raise first

    def meet(self, i: int) -> None:
        """Wait, in a job, until all threads are here."""
        met = self._met[self._meetings[i] % 2]
        self._meetings[i] += 1
        others = [j for j in range(self.size) if j != i]
        for j in others:
            met[i][j].release()
        for j in others:
            while not met[j][i].acquire(timeout=_LOOK):
                if self._failed:
                    raise _OtherFailedError

    def close(self) -> None:
        """End the threads."""
        self._closed = True
        for i in range(1, self.size):
            self._go[i].release()

    def _meet_anew(self) -> None:
        # a pair for each two threads: one may be at a meeting point while the other leaves the last
        self._met = [_locks(self.size) for _ in range(2)]
        self._meetings = [0] * self.size

    def _work(self, i: int) -> None:
        while True:
            self._go[i].acquire()
            if self._closed:
                return
            try:
                self._try(i)
            finally:
                self._done[i].release()

    def _try(self, i: int) -> None:
        try:
            self._job(i)
        except BaseException as error:
            self._failed.append(error)


def _taken() -> _Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def _locks(size: int) -> list[list[_Lock]]:
    return [[_taken() for _ in range(size)] for _ in range(size)]
