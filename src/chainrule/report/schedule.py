"""What to do next, and how long all of it will take."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

_PRIOR = 5.0  # seconds of work that the estimates are believed at first


@dataclass(frozen=True)
class Piece:
    """A piece of work: what must be there before, and about how many seconds it takes one core."""

    needs: tuple[str, ...]
    seconds: float


@dataclass
class Schedule:
    """The pieces by name, done by so many workers.

    Pieces begin in their order, unless the longest chain of work would then be all that is left at
    the end. The time that is left follows from the estimated seconds of what is left, once they
    have been scaled by how fast the work that was done so far went.
    """

    pieces: Mapping[str, Piece]
    workers: int
    clock: Callable[[], float]
    shares: dict[str, float] = field(default_factory=dict)  # of each piece begun, how much is done
    _first: dict[str, tuple[float, float]] = field(default_factory=dict)  # when, and at what share
    _spent: float = 0.0  # seconds that workers were at work on pieces that are done
    _gained: float = 0.0  # estimated seconds of work that they did in them

    def next(self) -> str | None:
        """The piece to begin now; None if all that could be begun is."""
        done = {name for name, share in self.shares.items() if share >= 1}
        ready = [
            name
            for name, piece in self.pieces.items()
            if name not in self.shares and done.issuperset(piece.needs)
        ]
        if not ready:
            return None
        longest = max(ready, key=self._chain)
        critical = self._chain(longest) >= sum(self._left().values()) / self.workers
        return longest if critical else ready[0]

    def begin(self, name: str) -> None:
        """A worker begins a piece."""
        self.shares[name] = 0.0
        self._first[name] = self.clock(), 0.0

    def progress(self, name: str, share: float) -> None:
        """So much of a piece is done. What is done at its first word was done by an earlier run."""
        if self.shares[name] == 0 and share < 1:
            self._first[name] = self._first[name][0], self._already(name, share)
        self.shares[name] = max(self.shares[name], min(share, 0.999))

    def finish(self, name: str) -> None:
        """A piece is done."""
        self._spent += self.clock() - self._first[name][0]
        self._gained += self.pieces[name].seconds * (1 - self._first[name][1])
        self.shares[name] = 1.0

    @property
    def done(self) -> float:
        """The share of all work that is done."""
        total = sum(piece.seconds for piece in self.pieces.values())
        return sum(self.pieces[n].seconds * share for n, share in self.shares.items()) / total

    @property
    def finished(self) -> bool:
        """Is all done?"""
        return len(self.shares) == len(self.pieces) and min(self.shares.values(), default=1) >= 1

    def seconds_left(self) -> float:
        """How long the rest will take, by playing it through."""
        return self._played(self._left()) / self._speed()

    def _left(self) -> dict[str, float]:
        """The estimated seconds of what is not done."""
        return {
            name: piece.seconds * (1 - self.shares.get(name, 0.0))
            for name, piece in self.pieces.items()
            if self.shares.get(name, 0.0) < 1
        }

    def _already(self, name: str, share: float) -> float:
        """The share that was there at the first word: what the piece cannot have done itself."""
        since = self.clock() - self._first[name][0]
        own = since / self.pieces[name].seconds
        return share if share > 4 * own + 0.02 else 0.0

    def _speed(self) -> float:
        """Estimated seconds of work done in a second of a worker's time."""
        now = self.clock()
        spent, gained = self._spent + _PRIOR, self._gained + _PRIOR
        for name, share in self.shares.items():
            begun, before = self._first[name]
            if share < 1:
                spent += now - begun
                gained += self.pieces[name].seconds * max(0.0, share - before)
        return max(gained / spent, 1e-3)

    def _played(self, left: Mapping[str, float]) -> float:
        """When the last of `left` ends if the workers take them in their order."""
        ends = {name: 0.0 for name in self.pieces if name not in left}
        begun = [name for name in left if name in self.shares]
        waiting = [*begun, *sorted((n for n in left if n not in begun), key=self._chain)[::-1]]
        free = [0.0] * self.workers
        while waiting:
            # of those whose needs are (or will be) there, the one that can begin first
            ready = [n for n in waiting if all(need in ends for need in self.pieces[n].needs)]
            at = heapq.heappop(free)
            name = min(ready, key=lambda n: max(at, self._there(n, ends)))
            waiting.remove(name)
            ends[name] = max(at, self._there(name, ends)) + left[name]
            heapq.heappush(free, ends[name])
        return max(ends.values(), default=0.0)

    def _there(self, name: str, ends: Mapping[str, float]) -> float:
        return max((ends[need] for need in self.pieces[name].needs), default=0.0)

    def _chain(self, name: str) -> float:
        """The seconds of the longest chain of work that begins with this piece."""
        after = [self._chain(n) for n, piece in self.pieces.items() if name in piece.needs]
        return self.pieces[name].seconds + max(after, default=0.0)


def needed(pieces: Mapping[str, Piece], names: Sequence[str]) -> dict[str, Piece]:
    """The named pieces with all that they need, in the order of `pieces`."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += pieces[name].needs
    return {name: piece for name, piece in pieces.items() if name in wanted}
