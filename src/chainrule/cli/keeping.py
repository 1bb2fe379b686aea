"""What a stopped command has kept, for its last sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

_kept: list[str] = []


@contextmanager
def keeps(sentence: str) -> Iterator[None]:
    """While the block runs, a stop says this: where what was finished is, and how to go on.

    When the block ends by itself, nothing more is promised.
    """
    _kept.append(sentence)
    yield
    _kept.remove(sentence)


def kept() -> str:
    """What the command that was stopped keeps; empty if it keeps nothing."""
    return "; ".join(_kept)
