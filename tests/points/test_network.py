"""The two-layer network's output, loss and derivatives, against SymPy and PyTorch."""

import subprocess
import sys

import mpmath
import numpy as np
import pytest
import sympy
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.checking.derivatives import compare, numerical_derivative
from chainrule.errors import InputError, ShapeError
from chainrule.points.kernel import sgd_steps
from chainrule.points.network import derivatives, forward, loss, loss_derivative


def draw(d, h, seed):
    """A random example: x, y and the parameters."""
    generator = np.random.default_rng(seed)
    parameters = {
        "W_in": generator.normal(size=(h, d)),
        "b_in": generator.normal(size=h),
        "w_out": generator.normal(size=h),
        "b_out": np.asarray(generator.normal()),
    }
    return generator.normal(size=d), float(generator.choice([-1, 1])), parameters


sizes = {"d": st.integers(1, 12), "h": st.integers(1, 12), "seed": st.integers(0, 2**32)}


@pytest.mark.parametrize(("d", "h"), [(1, 1), (2, 1), (1, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("y", [-1, 1])
def test_the_closed_forms_are_the_symbolic_derivatives(d, h, y):
    W = sympy.Matrix(h, d, sympy.symbols(f"W:{h}:{d}", real=True))
    b = sympy.Matrix(sympy.symbols(f"b:{h}", real=True))
    w = sympy.Matrix(sympy.symbols(f"w:{h}", real=True))
    o = sympy.Symbol("o", real=True)
    x = sympy.Matrix(sympy.symbols(f"x:{d}", real=True))
    z = W * x + b
    y_hat = (w.T * z.applyfunc(lambda entry: sympy.Max(entry, 0)))[0] + o
    s = sympy.log(1 + sympy.exp(-y * y_hat))
    order = [*W, *b, *w, o]
    function = sympy.lambdify([*order, *x], [s.diff(symbol) for symbol in order], "mpmath")
    generator = np.random.default_rng([d, h, y + 1])
    for _ in range(5):
        values = generator.normal(size=len(order) + d)
        parameters = {
            "W_in": values[: h * d].reshape(h, d),
            "b_in": values[h * d : h * d + h],
            "w_out": values[h * d + h : h * d + 2 * h],
            "b_out": values[h * d + 2 * h],
        }
        found = derivatives(values[len(order) :], y, parameters)
        flat = np.concatenate([np.ravel(found[name]) for name in parameters])
        expected = [float(number) for number in function(*map(mpmath.mpf, values))]
        np.testing.assert_allclose(flat, expected, rtol=1e-12, atol=1e-15)


@given(**sizes)
def test_the_closed_forms_are_those_of_autograd(d, h, seed):
    x, y, parameters = draw(d, h, seed)
    leaves = {
        name: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for name, array in parameters.items()
    }
    H = torch.relu(leaves["W_in"] @ torch.tensor(x) + leaves["b_in"])
    s = torch.logaddexp(torch.zeros(()), -y * (leaves["w_out"] @ H + leaves["b_out"]))
    s.backward()
    found = derivatives(x, y, parameters)
    assert float(loss(forward(x, parameters).y_hat, y)) == pytest.approx(s.item(), rel=1e-12)
    for name, leaf in leaves.items():
        assert found[name].shape == parameters[name].shape
        np.testing.assert_allclose(found[name], leaf.grad.numpy(), rtol=1e-11, atol=1e-14)


@given(**sizes)
def test_central_differences_agree_away_from_the_kinks(d, h, seed):
    x, y, parameters = draw(d, h, seed)
    z = forward(x, parameters).z
    parameters["b_in"] += np.where(np.abs(z) < 0.01, 0.1, 0.0)
    numeric = numerical_derivative(
        lambda moved: loss(forward(x, moved).y_hat, y), parameters, delta=1e-5
    )
    exact = derivatives(x, y, parameters)
    for name, row in compare(exact, numeric).items():
        assert row.absolute_error.max() < 1e-8 * (1 + np.abs(exact[name]).max()), name


@given(**sizes, on_kink=st.booleans())
def test_one_compiled_step_follows_the_closed_form(d, h, seed, on_kink):
    x, y, parameters = draw(d, h, seed)
    if on_kink:
        parameters["W_in"][0], parameters["b_in"][0] = 0.0, 0.0  # z[0] is exactly 0
    rate = 0.1
    W_in, b_in, w_out = (parameters[name].copy() for name in ("W_in", "b_in", "w_out"))
    b_out = parameters["b_out"].reshape(1).copy()
    sgd_steps(W_in, b_in, w_out, b_out, x[None], np.array([y]), np.zeros(1, np.int64), rate)
    moved = {"W_in": W_in, "b_in": b_in, "w_out": w_out, "b_out": b_out[0]}
    for name, derivative in derivatives(x, y, parameters).items():
        expected = parameters[name] - rate * derivative
        np.testing.assert_allclose(moved[name], expected, rtol=1e-12, atol=1e-15)


@given(**sizes, n=st.integers(0, 5))
def test_many_points_at_once_are_the_points_one_by_one(d, h, seed, n):
    parameters = draw(d, h, seed)[2]
    X = np.random.default_rng(seed).normal(size=(n, d))
    together = forward(X, parameters)
    assert (together.z.shape, together.H.shape, together.y_hat.shape) == ((n, h), (n, h), (n,))
    for i, x in enumerate(X):
        np.testing.assert_allclose(together.y_hat[i], forward(x, parameters).y_hat, rtol=1e-12)


@given(st.floats(-1e4, 1e4), st.sampled_from([-1.0, 1.0]))
@example(1e4, 1.0)
@example(1e4, -1.0)
@example(-1e4, 1.0)
@example(0.0, 1.0)
@example(745.0, -1.0)
def test_the_loss_and_its_derivative_do_not_overflow(y_hat, y):
    with mpmath.workdps(50):
        e = mpmath.exp(-mpmath.mpf(y) * mpmath.mpf(y_hat))
        expected_loss = float(mpmath.log1p(e))
        expected_derivative = float(-y * e / (1 + e))
    # below 1e-300 numbers lose digits (they are denormal) and then become 0
    found = float(loss(np.asarray(y_hat), y))
    assert found == pytest.approx(expected_loss, rel=1e-14, abs=1e-300)
    found = float(loss_derivative(np.asarray(y_hat), y))
    assert found == pytest.approx(expected_derivative, rel=1e-14, abs=1e-300)


def test_one_trillionth_keeps_its_digits():
    """log(1 + e) with e = 1e-30 would be 0."""
    assert float(loss(np.asarray(30 * np.log(10)), 1.0)) == pytest.approx(1e-30, rel=1e-13)


def test_at_the_kink_the_derivative_is_taken_as_zero():
    parameters = {
        "W_in": np.array([[1.0], [1.0]]),
        "b_in": np.array([-2.0, -1.0]),
        "w_out": np.array([3.0, 1.0]),
        "b_out": np.asarray(0.5),
    }
    found = derivatives(np.array([2.0]), 1, parameters)  # z = (0, 1)
    assert found["W_in"][0, 0] == found["b_in"][0] == found["w_out"][0] == 0.0
    assert found["W_in"][1, 0] == 2 * found["b_in"][1] != 0.0


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("W_in", (3,), r"\(h, d\)"),
        ("W_in", (0, 2), r"\(h, d\)"),
        ("W_in", (3, 5), r"\(\.\.\., 5\)"),
        ("b_in", (2,), r"\(3,\)"),
        ("w_out", (3, 1), r"\(3,\)"),
        ("b_out", (1,), r"\(\)"),
    ],
)
def test_parameters_that_do_not_fit_are_named_with_both_shapes(name, shape, expected):
    x, y, parameters = draw(2, 3, 0)
    parameters[name] = np.zeros(shape)
    with pytest.raises(ShapeError, match=expected):
        derivatives(x, y, parameters)


@pytest.mark.parametrize("y", [0, 2, np.nan])
def test_another_label_is_refused(y):
    x, _, parameters = draw(2, 3, 0)
    with pytest.raises(InputError, match="expected -1 or 1"):
        derivatives(x, y, parameters)


def test_more_than_one_example_is_refused():
    _, y, parameters = draw(2, 3, 0)
    with pytest.raises(ShapeError, match=r"\(4, 2\)"):
        derivatives(np.zeros((4, 2)), y, parameters)


def test_an_output_that_overflows_is_refused():
    x, y, parameters = draw(2, 3, 0)
    parameters = {name: np.full_like(array, 1e200) for name, array in parameters.items()}
    with pytest.raises(InputError, match="not finite"):
        derivatives(np.abs(x), y, parameters)


def test_the_network_and_its_check_load_no_torch():
    modules = ["network", "gradient_table", "derivation", "example"]
    code = "; ".join(f"import chainrule.points.{module}" for module in modules)
    script = f"import sys; {code}; print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
