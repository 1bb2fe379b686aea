"""How many jobs travel together."""

from collections import deque

SECONDS = 0.4  # of work in a bundle: sending one and its answer takes a millisecond or a few
_GROWTH = 4  # at most so many times as large as the one before
_RECENT = 0.2  # the weight of a new job in the mean of the times


class Bundles:
    """Hands out the jobs 0, 1, ..., count - 1 in bundles of so many seconds of work, about.

    They grow as it is seen how long a job takes, and shrink towards the end, so that no worker
    waits long for the last one.
    """

    def __init__(self, count: int, of_work: float = SECONDS) -> None:
        self._count, self._next, self._size, self._of_work = count, 0, 1, of_work
        self._seconds: float | None = None
        self._again: deque[int] = deque()
        self._alone: set[int] = set()

    def following(self, workers: int) -> list[int]:
        """The next bundle for one of so many workers; empty if none is left."""
        if self._again:
            return [self._again.popleft()]
        left = self._count - self._next
        size = min(self._wanted(), -(-left // (2 * workers)))
        first, self._next = self._next, self._next + size
        return list(range(first, self._next))

    def took(self, seconds: float) -> None:
        """A job was done in so much time."""
        mean = seconds if self._seconds is None else self._seconds
        self._seconds = mean + _RECENT * (seconds - mean)

    def once_more(self, k: int) -> None:
        """Hand the job out again, by itself."""
        self._again.append(k)
        self._alone.add(k)

    def is_alone(self, ks: list[int]) -> bool:
        """Whether the bundle is a job that is handed out again."""
        return len(ks) == 1 and ks[0] in self._alone

    def _wanted(self) -> int:
        if self._seconds is None:
            return 1
        wanted = int(self._of_work / max(self._seconds, 1e-6))
        self._size = max(1, min(wanted, _GROWTH * self._size))
        return self._size
