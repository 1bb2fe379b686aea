"""Functions of one number against torch.autograd, central differences, and their kinks by hand."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import LeakyReLU, ReLU, ReLU6, Sigmoid, Softmax, Tanh
from chainrule.errors import InputError, ShapeError

shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("block", "reference"),
    [
        (ReLU(), F.relu),
        (ReLU6(), F.relu6),
        (LeakyReLU(), F.leaky_relu),
        (LeakyReLU(0.3), lambda x: F.leaky_relu(x, 0.3)),
        (Sigmoid(), torch.sigmoid),
        (Tanh(), torch.tanh),
        (Softmax(), lambda x: F.softmax(x, 1)),
    ],
)
@given(shapes, st.integers(0, 100))
def test_derivatives(distinct, held, block, reference, shape, seed):
    held(block, distinct(shape, seed), {}, lambda x, _: reference(x))


@pytest.mark.parametrize(
    ("block", "x", "y", "slope"),
    [
        (ReLU(), [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        (ReLU6(), [-1.0, 0.0, 5.0, 6.0, 7.0], [0.0, 0.0, 5.0, 6.0, 6.0], [0.0, 0.0, 1.0, 0.0, 0.0]),
        (LeakyReLU(0.5), [-2.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.5, 0.5, 1.0]),
    ],
)
def test_at_a_kink_the_stated_derivative_is_taken(block, x, y, slope):
    out, saved = block.forward(torch.tensor(x), {})
    assert out.tolist() == y
    assert block.backward(torch.ones(len(x)), {}, saved)[0].tolist() == slope


@pytest.mark.parametrize("block", [Sigmoid(), Tanh(), Softmax()])
def test_nothing_overflows_far_out(block):
    x = torch.tensor([[-1e4, 1e4], [1e4, -1e4]], dtype=torch.float64)
    y, saved = block.forward(x, {})
    dx, _ = block.backward(torch.ones_like(x), {}, saved)
    assert y.isfinite().all()
    assert dx.abs().max() < 1e-12


def test_a_negative_slope_is_refused():
    with pytest.raises(InputError, match=r"^LeakyReLU: `slope` is -0.1; expected a finite number"):
        LeakyReLU(-0.1)


def test_softmax_needs_classes():
    with pytest.raises(ShapeError, match=r"^Softmax: the input has shape \(3,\); expected \(N, K"):
        Softmax().shape((3,))
