"""Flatten and fully connected against torch.autograd and central differences."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import Flatten, FullyConnected
from chainrule.errors import InputError, ShapeError


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.booleans())
def test_fully_connected(numbers, parameters, held, n, inputs, outputs, bias):
    block = FullyConnected(inputs, outputs, bias)
    held(
        block,
        numbers()(n, inputs),
        parameters(block),
        lambda x, params: F.linear(x, params["weight"], params.get("bias")),
    )


@given(st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple))
def test_flatten(numbers, held, shape):
    held(Flatten(), numbers()(*shape), {}, lambda x, _: x.reshape(len(x), -1))


def test_flatten_does_not_mind_the_order_in_memory(numbers):
    x = numbers()(2, 3, 4, 5)
    last = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(Flatten().forward(last, {})[0], Flatten().forward(x, {})[0])


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="`out_features` is 0; expected a whole number"):
        FullyConnected(3, 0)
    with pytest.raises(ShapeError, match=r"shape \(2, 4\); expected \(N, 3\)"):
        FullyConnected(3, 1).forward(torch.zeros(2, 4), {"weight": torch.zeros(1, 3)})
    with pytest.raises(ShapeError, match=r"shape \(2, 3, 1, 1\); expected \(N, 3\)"):
        FullyConnected(3, 1).shape((2, 3, 1, 1))
    with pytest.raises(ShapeError, match=r"^Flatten: the input has shape \(4,\)"):
        Flatten().shape((4,))
