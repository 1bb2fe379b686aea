"""GELU, SiLU and softplus against other formulas, and SciPy's functions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from chainrule.blocks import GELU, SiLU, Softplus
from chainrule.errors import InputError

SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple)


@given(SHAPES, st.integers(0, 20))
def test_gelu(numbers, held, shape, seed):
    x = 2 * numbers(seed)(*shape)
    held(GELU(), x, {}, lambda x, _: x * (1 + torch.erf(x / math.sqrt(2))) / 2)


@given(SHAPES, st.integers(0, 20))
def test_gelus_approximation(numbers, held, shape, seed):
    """By exponentials: (1 + tanh u) / 2 = 1 / (1 + exp(-2 u))."""

    def reference(x, _):
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return x / (1 + torch.exp(-2 * u))

    held(GELU(tanh=True), 2 * numbers(seed)(*shape), {}, reference)


@given(SHAPES, st.integers(0, 20))
def test_silu(numbers, held, shape, seed):
    held(SiLU(), 3 * numbers(seed)(*shape), {}, lambda x, _: x / (1 + torch.exp(-x)))


@given(SHAPES, st.integers(0, 20), st.floats(0.25, 4))
def test_softplus(numbers, held, shape, seed, beta):
    def reference(x, _):
        return torch.log(1 + torch.exp(beta * x)) / beta

    held(Softplus(beta), 2 * numbers(seed)(*shape), {}, reference)


def test_against_scipy_from_end_to_end():
    x = np.linspace(-30, 30, 1001)
    y = {block: block(torch.from_numpy(x), {}).numpy() for block in (GELU(), SiLU(), Softplus())}
    np.testing.assert_allclose(y[GELU()], x * special.ndtr(x), rtol=1e-12)
    np.testing.assert_allclose(y[SiLU()], x * special.expit(x), rtol=1e-13)
    np.testing.assert_allclose(y[Softplus()], np.logaddexp(0, x), rtol=1e-13)


def test_the_approximation_is_near():
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    assert float((GELU(tanh=True)(x, {}) - GELU()(x, {})).abs().max()) < 1e-3


@pytest.mark.parametrize("block", [GELU(), GELU(tanh=True), SiLU(), Softplus(2.0)], ids=str)
def test_far_out_nothing_overflows(block):
    x = torch.tensor([-1e4, 1e4], dtype=torch.float32)
    y, saved = block.forward(x, {})
    dx, _ = block.backward(torch.ones(2), {}, saved)
    assert y.tolist() == [0.0, 1e4]
    assert dx.tolist() == [0.0, 1.0]


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match=r"^Softplus: `beta` is 0; expected a number above 0"):
        Softplus(0)
    with pytest.raises(InputError, match=r"^GELU: `tanh` is 1; expected true or false"):
        GELU(1)
