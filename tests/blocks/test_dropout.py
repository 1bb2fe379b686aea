"""Dropout: a function given its mask; the mask's statistics."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from chainrule.blocks import Dropout
from chainrule.errors import InputError


@given(st.floats(0, 0.9), st.booleans(), st.integers(0, 50))
def test_derivatives_given_the_mask(numbers, held, rate, training, seed):
    block = Dropout(rate, training)
    x = numbers(seed)(2, 3, 4, 4)
    mask = block.draw(tuple(x.shape), torch.Generator().manual_seed(seed))

    def reference(x, _):
        return torch.where(mask["mask"], x, 0.0) / (1 - rate) if training else x

    held(block, x, mask, reference, learned=set())


def test_the_rate_is_what_is_dropped():
    mask = Dropout(0.3).draw((100, 10, 10, 10), torch.Generator().manual_seed(0))["mask"]
    assert binomtest(int((~mask).sum()), mask.numel(), 0.3).pvalue > 1e-3
    assert bool(mask.any(0).all())  # no entry is dropped in every image


def test_the_same_generator_gives_the_same_mask():
    draws = [Dropout().draw((4, 4), torch.Generator().manual_seed(s))["mask"] for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_in_training_a_mask_is_needed():
    with pytest.raises(InputError, match="no mask in training; expected a generator"):
        Dropout().forward(torch.zeros(2, 2), {})


@pytest.mark.parametrize("rate", [-0.1, 1, float("nan"), "half"])
def test_a_bad_rate_is_refused(rate):
    with pytest.raises(InputError, match=f"`rate` is {rate!r}; expected"):
        Dropout(rate)
