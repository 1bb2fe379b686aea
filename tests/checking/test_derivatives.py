"""Numerical derivatives of any scalar function of named arrays."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import approx_fprime

from chainrule.checking.derivatives import (
    Comparison,
    compare,
    error_curve,
    numerical_derivative,
    worst_relative_error,
)
from chainrule.errors import InputError, ShapeError


def wave(arrays):
    """sin(sum A) exp(b) + sum A^2: its derivatives are known in closed form."""
    return np.sin(arrays["A"].sum()) * np.exp(arrays["b"]) + (arrays["A"] ** 2).sum()


def wave_derivatives(arrays):
    A, b = arrays["A"], arrays["b"]
    return {
        "A": np.cos(A.sum()) * np.exp(b) + 2 * A,
        "b": np.asarray(np.sin(A.sum()) * np.exp(b)),
    }


arrays_strategy = st.fixed_dictionaries(
    {
        "A": hnp.arrays(
            np.float64,
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
            elements=st.floats(-2, 2),
        ),
        "b": st.floats(-1, 1).map(np.asarray),
    }
)


@given(arrays_strategy)
def test_central_differences_meet_the_closed_form(arrays):
    found = numerical_derivative(wave, arrays)
    expected = wave_derivatives(arrays)
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].shape == arrays[name].shape
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-8)


@given(arrays_strategy)
def test_the_arrays_are_left_as_they_were(arrays):
    before = {name: array.copy() for name, array in arrays.items()}
    numerical_derivative(wave, arrays)
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], before[name])


def test_forward_differences_are_those_of_scipy():
    point = np.array([0.3, -1.2, 2.0])
    expected = approx_fprime(point, lambda a: wave({"A": a, "b": 0.5}), 1e-3)
    found = numerical_derivative(
        lambda arrays: wave({"A": arrays["A"], "b": 0.5}),
        {"A": point},
        delta=1e-3,
        method="forward",
    )
    np.testing.assert_allclose(found["A"], expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("method", "order", "factor"), [("forward", 2, sympy.S(1) / 2), ("central", 3, sympy.S(1) / 6)]
)
def test_the_truncation_error_is_the_next_term_of_taylor(method, order, factor):
    t = sympy.Symbol("t")
    expression = sympy.exp(sympy.sin(3 * t))
    power = order - 1
    leading = float(factor * expression.diff(t, order).subs(t, sympy.Rational(2, 5)))
    slope = float(expression.diff(t).subs(t, sympy.Rational(2, 5)))
    for delta in (1e-2, 1e-3):
        found = numerical_derivative(
            lambda arrays: np.exp(np.sin(3 * arrays["t"])),
            {"t": np.array(0.4)},
            delta=delta,
            method=method,
        )
        # the term after it is smaller by a factor of about delta times 10
        assert float(found["t"]) - slope == pytest.approx(leading * delta**power, rel=20 * delta)


def test_whole_numbers_and_float32_are_differentiated_in_float64():
    arrays = {"n": np.array([2, 3]), "f": np.array([0.5], np.float32)}
    found = numerical_derivative(lambda a: (a["n"] ** 3).sum() * a["f"][0], arrays)
    np.testing.assert_allclose(found["n"], [6.0, 13.5], rtol=1e-8)
    np.testing.assert_allclose(found["f"], [35.0], rtol=1e-8)


def test_the_relative_error_says_what_a_true_zero_means():
    table = compare({"a": np.array([2.0, 0.0, 0.0])}, {"a": np.array([1.0, 0.0, 1e-3])})
    np.testing.assert_array_equal(table["a"].absolute_error, [1.0, 0.0, 1e-3])
    np.testing.assert_array_equal(table["a"].relative_error, [0.5, 0.0, np.inf])
    assert worst_relative_error(table) == np.inf


def test_no_entries_no_error():
    empty = np.empty(0)
    assert worst_relative_error({}) == 0.0
    assert worst_relative_error({"a": Comparison(empty, empty, empty, empty)}) == 0.0


@pytest.mark.parametrize(("method", "power"), [("forward", 1), ("central", 2)])
def test_the_error_falls_with_its_power_then_rises(method, power):
    arrays = {"A": np.array([0.3, 0.8]), "b": np.array(0.2)}
    errors = error_curve(wave, arrays, wave_derivatives(arrays), [1e-2, 1e-3, 1e-12], method)
    assert np.log10(errors[0] / errors[1]) == pytest.approx(power, abs=0.05)
    assert errors[2] > 1e-6


@pytest.mark.parametrize("delta", [0.0, -1e-3, np.nan, np.inf])
def test_a_delta_that_is_no_step_is_refused(delta):
    with pytest.raises(InputError, match="delta"):
        numerical_derivative(wave, {"A": np.ones(1), "b": np.ones(())}, delta=delta)


@pytest.mark.parametrize("method", ["forward", "central"])
def test_a_delta_lost_in_rounding_is_refused(method):
    with pytest.raises(InputError, match="lost in the rounding"):
        numerical_derivative(
            lambda a: a["x"].sum(), {"x": np.array([1e9])}, delta=1e-9, method=method
        )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a["x"], r"shape \(2,\)"),
        (lambda a: None, "object"),
        (lambda a: 1j, "complex"),
        (lambda a: np.inf, "finite"),
    ],
)
def test_a_function_that_gives_no_finite_number_is_refused(function, message):
    with pytest.raises(InputError, match=message):
        numerical_derivative(function, {"x": np.ones(2)})


@pytest.mark.parametrize("array", [np.array([1j]), np.array(["a"]), np.array([np.nan])])
def test_an_array_of_anything_but_finite_reals_is_refused(array):
    with pytest.raises(InputError, match="x holds"):
        numerical_derivative(lambda a: 0.0, {"x": array})


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="'upward'"):
        numerical_derivative(lambda a: 0.0, {}, method="upward")


def test_derivatives_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        compare({"a": np.ones(3)}, {"a": np.ones(2)})
    with pytest.raises(ShapeError, match="'b'"):
        compare({"a": np.ones(3)}, {"b": np.ones(3)})
