"""Arguments: what is right passes as a plain number, what is wrong gets the one sentence."""

import fractions
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.io import checks


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_of_any_kind(value):
    assert checks.whole_number("n", value) == value
    if abs(value) < 2**53:
        assert checks.whole_number("n", float(value)) == value
    if abs(value) < 2**31:
        found = checks.whole_number("n", np.int32(value))
        assert found == value
        assert type(found) is int


@pytest.mark.parametrize(
    "value", [1.5, math.nan, math.inf, "3", None, True, np.float64(0.5), 3j, [3], np.arange(2)]
)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(InputError, match=r"^n: found .*; expected a whole number of at least 1$"):
        checks.whole_number("n", value, 1)


def test_the_range_is_in_the_sentence():
    with pytest.raises(InputError, match=r"^n: found 0; expected a whole number from 1 to 5,000$"):
        checks.whole_number("n", 0, 1, 5000)
    with pytest.raises(InputError, match=r"^seed: found -3; expected a whole number from 0 to 18"):
        checks.seed_number(-3)
    with pytest.raises(InputError, match=r"^seed: found 1844"):
        checks.seed_number(2**64)
    assert checks.seed_number(2**64 - 1) == 2**64 - 1


def test_numbers():
    assert checks.finite_number("x", fractions.Fraction(1, 2)) == 0.5
    assert checks.finite_number("x", np.float32(0.5), 0, 1) == 0.5
    with pytest.raises(InputError, match=r"^x: found 2; expected a finite number from 0 to 1$"):
        checks.finite_number("x", 2, 0, 1)
    for bad in (0, -1, math.inf, math.nan, "1", True):
        with pytest.raises(InputError, match=r"^rate: found .*; expected a finite number above 0$"):
            checks.positive_number("rate", bad)


def test_names_and_flags():
    assert checks.one_of("kind", "blur", ["blur", "noise"]) == "blur"
    with pytest.raises(InputError, match=r"^kind: found 'blurr', did you mean 'blur'\?"):
        checks.one_of("kind", "blurr", ["blur", "noise"])
    assert checks.flag("on", True) is True
    with pytest.raises(InputError, match=r"^on: found 1; expected true or false$"):
        checks.flag("on", 1)
