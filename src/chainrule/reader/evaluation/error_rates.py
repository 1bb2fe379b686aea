"""Character and word error rates."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def edit_distance(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions that make `one` the `other`.

    Of the table D[i, j] of distances between the first i items of `one` and the first j of the
    other, neighbours differ by at most 1. So a column is two whole numbers: bit i of `up` is set
    where D[i + 1, j] = D[i, j] + 1, of `down` where it is one less; and so is a row, `right` and
    `left`. From column to column all bits are found at once. The items must be hashable.

    Source: Levenshtein, Binary codes capable of correcting deletions, insertions and reversals,
    1966; Myers, A fast bit-vector algorithm for approximate string matching, 1999, figure 8.
    """
    first, last = _differ(one, other)
    one, other = one[first : len(one) - last], other[first : len(other) - last]
    if not len(one):
        return len(other)
    places: dict[Any, int] = {}
    for i, item in enumerate(one):
        places[item] = places.get(item, 0) | 1 << i
    everywhere, lowest = (1 << len(one)) - 1, 1 << len(one) - 1
    up, down, distance = everywhere, 0, len(one)
    for item in other:
        same = places.get(item, 0) | down
        kept = ((same & up) + up ^ up) | same  # D[i + 1, j + 1] = D[i, j]
        right, left = down | ~(kept | up) & everywhere, kept & up
        distance += bool(right & lowest) - bool(left & lowest)
        right, left = right << 1 | 1, left << 1
        up, down = (left | ~(kept | right)) & everywhere, kept & right & everywhere
    return distance


def _differ(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """How many items both begin with, and then end with: to match them costs no edit more."""
    shorter = min(len(one), len(other))
    first = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    rest = shorter - first
    last = next((i for i in range(rest) if one[-1 - i] != other[-1 - i]), rest)
    return first, last


def edits(one: str, other: str) -> list[tuple[str, str]]:
    """The edits of a shortest way from `one` to the `other`: (of the other, of the one).

    "" stands where `one` has a character too many or too few. There are `edit_distance` of them.
    """
    table = np.zeros((len(one) + 1, len(other) + 1), np.int64)
    table[:, 0], table[0] = np.arange(len(one) + 1), np.arange(len(other) + 1)
    for i, item in enumerate(one, 1):
        for j, wanted in enumerate(other, 1):
            step = table[i - 1, j - 1] + (item != wanted)
            table[i, j] = min(table[i, j - 1] + 1, table[i - 1, j] + 1, step)
    i, j, found = len(one), len(other), []
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (one[i - 1] != other[j - 1]):
            i, j = i - 1, j - 1
            if one[i] != other[j]:
                found.append((other[j], one[i]))
        elif i and table[i, j] == table[i - 1, j] + 1:
            i -= 1
            found.append(("", one[i]))
        else:
            j -= 1
            found.append((other[j], ""))
    return found[::-1]


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
