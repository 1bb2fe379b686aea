"""A layer written as formulas: the check says what is wrong with it, and it can do no harm."""

import pytest

from chainrule.checking import check_derivatives
from chainrule.checking.written import FUNCTIONS, Written
from chainrule.errors import InputError

SCALE = {"y": "w * x + b", "dx": "w * dy", "dw": "sum(dy * x)", "db": "sum(dy)"}
FILTER = {
    "y": "conv(x, w) + b", "dx": "conv(dy, swap(flip(w)))", "dw": "meet(dy, x)", "db": "sum(dy)",
}  # fmt: skip
RIGHT = [
    SCALE,
    FILTER,
    {"y": "where(x > 0, x, 0.1 * x)", "dx": "where(x > 0, dy, 0.1 * dy)"},
    {"y": "log(1 + exp(x))", "dx": "dy * sigmoid(x)"},
]


def checked(**formulas):
    layer = Written(**formulas)
    return check_derivatives(layer, *layer.point())


@pytest.mark.parametrize("formulas", RIGHT, ids=lambda f: f["y"])
def test_a_right_layer_is_right(formulas):
    assert checked(**formulas).verdict == "right"


@pytest.mark.parametrize(
    ("change", "parameter", "kind"),
    [
        ({"dx": "-w * dy"}, "x", "sign"),
        ({"dx": "w + 0 * x"}, "x", "not linear"),
        ({"dx": "dy"}, "x", "identity"),
        ({"dw": "mean(dy * x)"}, "weight", "factor"),
        ({"dw": "dy * x"}, "weight", "batch sum"),
        ({"db": "0 * sum(dy)"}, "bias", "zero"),
    ],
)
def test_a_wrong_one_is_told_by_its_kind(change, parameter, kind):
    found = checked(**SCALE | change)
    (mistake,) = found.mistakes
    assert (found.verdict, mistake.parameter, mistake.kind) == ("wrong", parameter, kind)


@pytest.mark.parametrize("dx", ["conv(dy, w)", "conv(dy, swap(w))", "conv(dy, flip(w))"])
def test_a_filter_that_is_not_turned_round_or_exchanged_is_wrong(dx):
    layer = Written(**FILTER | {"dx": dx})
    found = check_derivatives(layer, *layer.point(), conduct=False)
    assert {mistake.parameter for mistake in found.mistakes} == {"x"}


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ("__import__('os')", "y: found the function '__import__'; expected one of exp"),
        ("x.__class__", "y: found 'x.__class__'; expected numbers, names"),
        ("x[0]", "y: found 'x[0]'"),
        ("(lambda: 1)()", "y: found the function"),
        ("[x for x in x]", "y: found '[x for x in x]'"),
        ("x if x else x", "y: found"),
        ("'x' * 9", "y: found \"'x'\""),
        ("dy * x", "y: found the name 'dy'; expected one of b, w, x"),
        ("conv(x)", "y: found conv of 1 things; expected 2"),
        ("sum(x, dim=0)", "y: found the function 'sum'"),
        ("x +", "y: 'x +' cannot be read"),
        ("(" * 149 + "x", "cannot be read"),
        ("", "y: found nothing; expected a formula"),
        ("x" * 301, "y: found 301 characters; expected at most 300"),
        ("True * x", "y: found 'True'"),
    ],
)
def test_what_is_no_formula_gets_a_sentence(y, said):
    with pytest.raises(InputError) as error:
        Written(y=y, dx="dy")
    assert said in str(error.value)


@pytest.mark.parametrize("y", ["9 ** 9 ** 9 ** 9 * x", "1e999 * x", "log(x)"])
def test_numbers_beyond_all_bounds_get_a_sentence(y):
    with pytest.raises(InputError, match="NaN or infinity; expected finite numbers"):
        checked(y=y, dx="dy")


def test_a_shape_that_does_not_fit_gets_a_sentence():
    with pytest.raises(InputError, match="y: the shapes do not fit each other"):
        Written(y="x + conv(x, x)", dx="dy").forward(Written(y="x", dx="dy").point()[0], {})
    with pytest.raises(InputError, match="dw: found nothing; expected a formula"):
        Written(y="w * x", dx="w * dy")


def test_every_function_says_what_it_does():
    assert all(count in (1, 2, 3) and said for count, _, said in FUNCTIONS.values())
