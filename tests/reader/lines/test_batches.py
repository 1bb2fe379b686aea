"""Crops in batches: against all ways to divide them."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainrule.reader.lines.batches import BATCH, batches


def _cost(parts):
    """As `batches` states it: lines filled up to one of six numbers, columns to a multiple of 32,
    and a batch the time of 400 columns."""
    total = 0
    for widths in parts:
        lines = next(lines for lines in (1, 4, 8, 16, 24, 32) if lines >= len(widths))
        total += 400 + lines * 32 * -(-max(widths) // 32)
    return total


def _divided(widths):
    """All ways to cut a sequence in parts."""
    for cuts in range(2 ** (len(widths) - 1)):
        places = [i + 1 for i in range(len(widths) - 1) if cuts >> i & 1]
        yield [widths[a:b] for a, b in pairwise([0, *places, len(widths)])]


@given(st.lists(st.integers(13, 2000), min_size=1, max_size=10))
def test_no_other_batches_cost_less(widths):
    found = [[widths[place] for place in batch] for batch in batches(widths)]
    least = min(map(_cost, _divided(sorted(widths, reverse=True))))
    assert _cost(found) == least


@given(st.lists(st.integers(13, 2000), max_size=200))
def test_every_strip_is_in_one_batch_and_the_widest_are_first(widths):
    found = batches(widths)
    assert sorted(place for batch in found for place in batch) == list(range(len(widths)))
    assert all(1 <= len(batch) <= BATCH for batch in found)
    order = [widths[place] for batch in found for place in batch]
    assert order == sorted(widths, reverse=True)


def test_many_alike_fill_batches():
    rng = np.random.default_rng(0)
    found = batches(rng.integers(290, 320, 100).tolist())
    assert [len(batch) for batch in found] == [32, 32, 32, 4]
