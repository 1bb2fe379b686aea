"""Character and word error rates."""

from collections.abc import Sequence
from typing import Any


def edit_distance(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions that make `one` the `other`.

    Source: Levenshtein, Binary codes capable of correcting deletions, insertions and reversals,
    1966.
    """
    row = list(range(len(other) + 1))
    for done, item in enumerate(one, 1):
        corner, row[0] = row[0], done
        for place, wanted in enumerate(other, 1):
            corner, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, corner + (item != wanted)),
            )
    return row[-1]


def character_error_rate(read: Sequence[str], true: Sequence[str]) -> float:
    """The edits from what was read to the truth, over the truth's characters; all lines together.

    Can be above 1. The truths must hold a character.
    """
    edits = sum(edit_distance(one, other) for one, other in zip(read, true, strict=True))
    return edits / sum(map(len, true))


def word_error_rate(read: Sequence[str], true: Sequence[str]) -> float:
    """The same with words, which are what white space parts, in place of characters."""
    pairs = [(one.split(), other.split()) for one, other in zip(read, true, strict=True)]
    return sum(edit_distance(*pair) for pair in pairs) / sum(len(other) for _, other in pairs)
