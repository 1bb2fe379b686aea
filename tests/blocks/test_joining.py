"""Sums and concatenations of several inputs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import Concatenation, Sum
from chainrule.errors import ShapeError


@given(st.integers(1, 4), st.lists(st.integers(1, 3), min_size=2, max_size=4), st.integers(0, 20))
def test_sum(numbers, count, shape, seed):
    x = tuple(numbers(seed + i)(*shape) for i in range(count))
    before = [part.clone() for part in x]
    y, saved = Sum().forward(x, {})
    torch.testing.assert_close(y, torch.stack(x).sum(0))
    dx, dparams = Sum().backward(y, {}, saved)
    assert dparams == {}
    assert len(dx) == count
    assert all(torch.equal(part, y) for part in dx)
    assert all(torch.equal(one, other) for one, other in zip(x, before, strict=True))


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.booleans(), st.integers(0, 20))
def test_concatenation(numbers, channels, rows, seed):
    x = tuple(numbers(seed)(2, c) if rows else numbers(seed)(2, c, 3, 2) for c in channels)
    block = Concatenation()
    y, saved = block.forward(x, {})
    assert tuple(y.shape) == block.shape(tuple(tuple(part.shape) for part in x))
    start = 0
    dx, _ = block.backward(y, {}, saved)
    for part, given_back in zip(x, dx, strict=True):
        assert torch.equal(y[:, start : start + part.shape[1]], part)
        assert torch.equal(given_back, part)
        start += part.shape[1]


@pytest.mark.parametrize("block", [Sum(), Concatenation()], ids=str)
def test_one_tensor_is_not_several(block):
    assert block.several_inputs
    with pytest.raises(ShapeError, match=r"shape \(2, 3\); expected a tuple of several inputs"):
        block.shape((2, 3))


def test_shapes_that_do_not_fit_are_refused():
    x = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 5)
    with pytest.raises(ShapeError, match=r"\(2, 3, 4, 4\), \(2, 3, 4, 5\); expected one shape"):
        Sum().forward(x, {})
    with pytest.raises(ShapeError, match="expected shapes that differ in their channels alone"):
        Concatenation().forward(x, {})
