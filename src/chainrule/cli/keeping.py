"""What a stopped command has kept, for its last sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_kept: list[tuple[str, Path, int | None]] = []


@contextmanager
def keeps(sentence: str, place: Path, *, anew: bool = False) -> Iterator[None]:
    """While the block runs, a stop says this: where what was finished is, and how to go on.

    It is said only if there is something in `place`, a file or a folder; of a file that is made
    anew, only once what another run left there is replaced. When the block ends by itself, nothing
    more is promised.
    """
    promise = sentence, place, _written(place) if anew else None
    _kept.append(promise)
    yield
    _kept.remove(promise)


def resumed_from(checkpoint: Path) -> str:
    """What a stopped training says of its checkpoint."""
    return f"the last whole epoch is in {checkpoint}: the same command with --resume goes on"


def kept() -> str:
    """What the command that was stopped keeps; empty if it keeps nothing."""
    return "; ".join(
        sentence
        for sentence, place, before in _kept
        if _holds(place) and (before is None or _written(place) != before)
    )


def _written(place: Path) -> int | None:
    """When a file was written, in nanoseconds; none if it is not there."""
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return None


def _holds(place: Path) -> bool:
    try:
        if place.is_dir():
            return any(not path.name.startswith(".") for path in place.iterdir())
        return place.stat().st_size > 0
    except OSError:
        return False
