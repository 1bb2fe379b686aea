"""What a stopped command has kept, for its last sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_kept: list[tuple[str, Path]] = []


@contextmanager
def keeps(sentence: str, place: Path) -> Iterator[None]:
    """While the block runs, a stop says this: where what was finished is, and how to go on.

    It is said only if there is something in `place`, a file or a folder. When the block ends by
    itself, nothing more is promised.
    """
    _kept.append((sentence, place))
    yield
    _kept.remove((sentence, place))


def kept() -> str:
    """What the command that was stopped keeps; empty if it keeps nothing."""
    return "; ".join(sentence for sentence, place in _kept if _holds(place))


def _holds(place: Path) -> bool:
    try:
        if place.is_dir():
            return any(not path.name.startswith(".") for path in place.iterdir())
        return place.stat().st_size > 0
    except OSError:
        return False
