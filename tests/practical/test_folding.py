"""Chains of convolutions folded into one, against the chain and against SciPy."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import Convolution, ReLU
from chainrule.chain import Chain
from chainrule.errors import InputError
from chainrule.practical.folding import fold

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


def random_parameters(chain, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in chain.parameter_shapes().items()
    }


@st.composite
def chains(draw):
    channels = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    return Chain(
        [
            (
                f"conv{k}",
                Convolution(
                    channels[k],
                    channels[k + 1],
                    draw(pairs),
                    draw(pairs),
                    dilation=draw(pairs),
                    bias=draw(st.booleans()),
                ),
            )
            for k in range(len(channels) - 1)
        ]
    )


@given(chains(), st.integers(0, 5), st.integers(0, 5))
def test_one_convolution_equals_the_chain(chain, more_rows, more_columns):
    params = random_parameters(chain)
    one, folded = fold(chain, params)
    height, width = one.window.kernel
    shape = (2, one.in_channels, height + more_rows, width + more_columns)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = chain.apply(x, params)
    y = one.apply(x, folded)
    assert y.shape == expected.shape
    assert torch.allclose(y, expected, rtol=1e-11, atol=1e-11)


def test_the_filter_of_two_is_their_full_convolution():
    chain = Chain([("a", Convolution(1, 1, (3, 4), bias=False)), ("b", Convolution(1, 1, (2, 5)))])
    params = random_parameters(chain)
    _, folded = fold(chain, params)
    a, b = (params[f"{name}.weight"][0, 0].numpy() for name in "ab")
    expected = scipy.signal.convolve2d(a, b)
    assert np.allclose(folded["weight"][0, 0], expected, rtol=1e-12)
    assert torch.equal(folded["bias"], params["b.bias"])


def test_with_a_relu_between_the_outputs_differ():
    layers = [("a", Convolution(1, 3, 3)), ("b", Convolution(3, 1, 3))]
    chain = Chain(layers)
    params = random_parameters(chain)
    one, folded = fold(chain, params)
    x = torch.randn(1, 1, 9, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    bent = Chain([layers[0], ("relu", ReLU()), layers[1]])
    assert not torch.allclose(bent.apply(x, params), one.apply(x, folded), rtol=0.1)


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ([], "no layer"),
        ([("a", Convolution(1, 1, 3)), ("relu", ReLU())], "'relu' is ReLU"),
        ([("a", Convolution(1, 1, 3, padding=1))], "`padding` is 1"),
        ([("a", Convolution(2, 2, 3, groups=2))], "`groups` 2"),
    ],
)
def test_what_cannot_be_folded_is_refused(layers, what):
    chain = Chain(layers)
    with pytest.raises(InputError, match=what):
        fold(chain, random_parameters(chain))


def test_missing_parameters_are_named():
    with pytest.raises(InputError, match=r"`a\.weight` is missing"):
        fold(Chain([("a", Convolution(1, 1, 3))]), {})
