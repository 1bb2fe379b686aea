"""The original report's Table 1, to every printed digit, and the commands that show it."""

import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.checking.derivatives import worst_relative_error
from chainrule.points.derivation import derivation
from chainrule.points.derivative_figures import error_against_delta
from chainrule.points.example import Example, printed_example, report_example
from chainrule.points.files import save_weights
from chainrule.points.gradient_table import (
    DELTAS,
    deltas_for,
    error_curves,
    gradient_table,
    units_near_kink,
)
from chainrule.points.network import derivatives

# what the original prints, digit for digit
PRINTED_EXAMPLE = {
    "x": ["0.1270", "0.9134"],
    "W_in": [["0.6324", "0.5469"], ["0.0975", "0.9575"], ["0.2785", "0.9649"]],
    "b_in": ["0.1576", "0.9706", "0.9572"],
    "w_out": ["0.4854", "0.8003", "0.1419"],
    "b_out": "0.4218",
}
PRINTED_DERIVATIVES = {
    "W_in": [["-0.0045", "-0.0326"], ["-0.0075", "-0.0538"], ["-0.0013", "-0.0095"]],
    "b_in": ["-0.0357", "-0.0589", "-0.0104"],
    "w_out": ["-0.0543", "-0.1368", "-0.1380"],
    "b_out": "-0.0736",
}
PRINTED_ERRORS = {
    "W_in": (1e-4, [["0.0013", "0.0670"], ["0.0035", "0.1822"], ["0.0001", "0.0057"]]),
    "b_in": (1e-4, ["0.0803", "0.2184", "0.0069"]),
    "w_out": (1e-3, ["0.0185", "0.1176", "0.1197"]),
    "b_out": (1e-5, "3.4098"),
}


def four_decimals(value):
    """The number, or the nested list of numbers, as printed with four decimals."""
    if isinstance(value, list):
        return [four_decimals(entry) for entry in value]
    return f"{value:.4f}"


@pytest.fixture(scope="module")
def table_1(command):
    result = command("points", "check", "--json")
    assert result.returncode == 0
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_the_example_is_the_printed_one():
    example = report_example()
    assert four_decimals(example.x.tolist()) == PRINTED_EXAMPLE["x"]
    assert example.y == 1
    for name, array in example.parameters.items():
        assert four_decimals(array.tolist()) == PRINTED_EXAMPLE[name]
        np.testing.assert_array_equal(
            printed_example().parameters[name], np.array(PRINTED_EXAMPLE[name], float)
        )


def test_the_document_has_its_fields(table_1):
    assert set(table_1) == {"delta", "method", "arrays"}
    assert (table_1["delta"], table_1["method"]) == (1e-3, "forward")
    assert list(table_1["arrays"]) == ["W_in", "b_in", "w_out", "b_out"]
    for row in table_1["arrays"].values():
        assert set(row) == {"true", "approximate", "absolute_error", "relative_error"}


@pytest.mark.parametrize("name", PRINTED_DERIVATIVES)
def test_table_1_comes_out_to_every_printed_digit(table_1, name):
    row = table_1["arrays"][name]
    assert four_decimals(row["true"]) == PRINTED_DERIVATIVES[name]
    scale, errors = PRINTED_ERRORS[name]
    assert four_decimals((np.array(row["absolute_error"]) / scale).tolist()) == errors


def test_the_relative_errors_of_table_1(table_1):
    relative = {name: row["relative_error"] for name, row in table_1["arrays"].items()}
    assert f"{relative['b_out']:.4e}" == "4.6305e-04"
    every = np.concatenate([np.ravel(errors) for errors in relative.values()])
    assert every.min() == pytest.approx(1e-5, rel=0.5)
    assert every.max() == pytest.approx(1e-3, rel=0.5)


def test_the_printed_decimals_do_not_give_every_digit(command):
    """Which is why the default example has all its digits."""
    result = command("points", "check", "--example", "printed", "--json")
    arrays = json.loads(result.stdout)["arrays"]
    example = printed_example()
    for name, array in derivatives(example.x, example.y, example.parameters).items():
        np.testing.assert_array_equal(arrays[name]["true"], array)
    scale, printed = PRINTED_ERRORS["b_out"]
    assert four_decimals(arrays["b_out"]["absolute_error"] / scale) != printed


def test_the_stated_delta_does_not_give_the_printed_errors():
    """The original states 1e-4; the error of a forward difference is half of delta times s''."""
    row = gradient_table(report_example(), delta=1e-4, method="forward")["b_out"]
    assert float(row.absolute_error) == pytest.approx(3.4098e-6, rel=1e-3)


def test_central_differences_reach_eight_digits_at_every_entry(command):
    document = json.loads(command("points", "check", "--method", "central", "--json").stdout)
    for row in document["arrays"].values():
        assert np.max(row["relative_error"]) < 1e-8


def test_the_text_shows_every_entry_of_the_document(command, table_1):
    text = command("points", "check").stdout
    for name, row in table_1["arrays"].items():
        true, error = np.array(row["true"]), np.array(row["absolute_error"])
        for i in np.ndindex(true.shape):
            entry = name + (f"[{','.join(str(k + 1) for k in i)}]" if i else "")
            line = next(line for line in text.splitlines() if line.startswith(f"{entry} "))
            assert f"{true[i]:.8f}" in line
            assert f"{error[i]:.4e}" in line


def test_the_best_deltas_lie_between_rounding_and_truncation():
    deltas, curves = DELTAS, error_curves(report_example())
    best = {method: deltas[np.argmin(errors)] for method, errors in curves.items()}
    # the balance of the two errors: square and cube root of the rounding unit
    assert 1e-9 < best["forward"] < 1e-6
    assert 1e-6 < best["central"] < 1e-4
    right = deltas > 1e-3
    for method, power in (("forward", 1), ("central", 2)):
        slope = np.polyfit(np.log(deltas[right]), np.log(curves[method][right]), 1)[0]
        assert slope == pytest.approx(power, abs=0.05)
        left = deltas < 1e-9
        slope = np.polyfit(np.log(deltas[left]), np.log(curves[method][left]), 1)[0]
        assert slope == pytest.approx(-1, abs=0.2)


def test_the_picture_marks_the_best_delta_of_each_method():
    deltas, curves = DELTAS, error_curves(report_example())
    axes = error_against_delta(deltas, curves).axes[0]
    marked = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [line.get_xdata()[0] for line in marked] == [
        deltas[np.argmin(curves[method])] for method in ("forward", "central")
    ]
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_files_of_the_check(command, tmp_path, table_1):
    result = command("points", "check", "--out", tmp_path / "new" / "folder")
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "new" / "folder"
    assert json.loads((folder / "gradient_table.json").read_text()) == table_1
    assert (folder / "error_against_delta.svg").read_text().startswith("<?xml")
    assert (folder / "error_against_delta.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.iterdir())) == 3


@given(d=st.integers(1, 6), h=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_any_example_passes_unless_a_unit_is_near_its_kink(d, h, seed):
    generator = np.random.default_rng(seed)
    example = Example(
        x=generator.uniform(0.5, 2, d) * generator.choice([-1, 1], d),
        y=float(generator.choice([-1, 1])),
        parameters={
            "W_in": generator.normal(size=(h, d)),
            "b_in": generator.normal(size=h),
            "w_out": generator.uniform(0.5, 2, h) * generator.choice([-1, 1], h),
            "b_out": np.asarray(generator.normal()),
        },
    )
    delta = 1e-4
    table = gradient_table(example, delta=delta)
    assert units_near_kink(example, delta) or worst_relative_error(table) < 1e-5


def test_a_unit_at_its_kink_is_told(command, tmp_path):
    path = tmp_path / "kink.json"
    path.write_text(
        json.dumps(
            {"x": [1], "y": -1, "W_in": [[1], [1]], "b_in": [-1, 3], "w_out": [2, 1], "b_out": 0}
        )
    )
    result = command("points", "check", "--example", path, "--json")
    assert result.returncode == 0
    assert "hidden unit 1:" in result.stderr
    arrays = json.loads(result.stdout)["arrays"]
    assert arrays["b_in"]["relative_error"][0] is None  # the true value is 0
    assert arrays["b_in"]["relative_error"][1] < 1e-2


def test_the_derivation_prints_every_derivative(command):
    lines = [line.strip() for line in command("points", "derive").stdout.splitlines()]
    example = report_example()
    for name, array in derivatives(example.x, example.y, example.parameters).items():
        for i in np.ndindex(array.shape):
            entry = name + (f"[{','.join(str(k + 1) for k in i)}]" if i else "")
            products = [line for line in lines if re.match(rf"ds/d{re.escape(entry)} = \(", line)]
            assert len(products) == 1
            assert products[0].endswith(f" = {array[i]:.6g}")


@given(seed=st.integers(0, 2**32), d=st.integers(1, 4), h=st.integers(1, 4))
def test_the_arithmetic_of_every_line_gives_its_number(seed, d, h):
    """Each line reads name = expression = number; Python evaluates the expression anew."""
    generator = np.random.default_rng(seed)
    example = Example(
        x=generator.normal(size=d),
        y=float(generator.choice([-1, 1])),
        parameters={
            "W_in": generator.normal(size=(h, d)),
            "b_in": generator.normal(size=h),
            "w_out": generator.normal(size=h),
            "b_out": np.asarray(generator.normal()),
        },
    )
    steps = derivation(example, digits=17)
    for step in (*steps.forward, *steps.backward):
        assert len(step.lines) == step.value.size
        for line, value in zip(step.lines, np.ravel(step.value), strict=True):
            _, expression, number = line.split(" = ")
            names = {"max": max, "log": np.log, "exp": np.exp}
            assert eval(expression, names) == pytest.approx(value, rel=1e-9, abs=1e-15)
            assert float(number) == value


def test_the_derivation_as_json(command):
    document = json.loads(command("points", "derive", "--json").stdout)
    assert set(document) == {"x", "y", "parameters", "forward", "backward"}
    assert [step["name"] for step in document["forward"]] == ["z", "H", "y_hat", "s"]
    backward = {step["name"]: step for step in document["backward"]}
    expected = gradient_table(report_example())
    for name, row in expected.items():
        np.testing.assert_array_equal(backward[f"ds/d{name}"]["value"], row.true)
    np.testing.assert_array_equal(
        backward["ds/dw_out"]["local_value"], document["forward"][1]["value"]
    )


def test_another_point_and_label(command):
    result = command(
        "points", "check", "--x", "-1,0.5", "--y", "-1", "--method", "central", "--json"
    )
    example = report_example()
    expected = derivatives(np.array([-1, 0.5]), -1, example.parameters)
    arrays = json.loads(result.stdout)["arrays"]
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name]["true"], array)
        np.testing.assert_allclose(arrays[name]["approximate"], array, rtol=1e-7)


def test_trained_weights_are_checked_at_a_point(command, tmp_path):
    path = tmp_path / "weights.safetensors"
    generator = np.random.default_rng(0)
    parameters = {
        "W_in": generator.normal(size=(4, 3)),
        "b_in": generator.normal(size=4),
        "w_out": generator.normal(size=4),
        "b_out": np.asarray(0.5),
    }
    save_weights(path, parameters, {})
    result = command(
        "points", "check", "--weights", path, "--x", "1,-2,0.5", "--y=-1",
        "--method", "central", "--json",
    )  # fmt: skip
    expected = derivatives(np.array([1, -2, 0.5]), -1, parameters)
    for name, row in json.loads(result.stdout)["arrays"].items():
        np.testing.assert_array_equal(row["true"], expected[name])
        assert np.max(row["relative_error"]) < 1e-6


def test_weights_that_do_not_fit_the_point_are_refused(refused, tmp_path):
    path = tmp_path / "weights.safetensors"
    one = np.ones(1)
    save_weights(
        path, {"W_in": np.ones((1, 3)), "b_in": one, "w_out": one, "b_out": np.asarray(0.5)}, {}
    )
    assert "(2,)" in refused("points", "derive", "--weights", path)
    path.write_bytes(path.read_bytes()[:-8])
    assert str(path) in refused("points", "check", "--weights", path)


GOOD = {"x": [1, 2], "y": 1, "W_in": [[1, 2]], "b_in": [0], "w_out": [1], "b_out": 0}


@pytest.mark.parametrize("name", ["check", "derive"])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "no JSON"),
        ("[1, 2]", "JSON list"),
        ({"x": [1]}, "lacks y, W_in"),
        ({**GOOD, "w_in": 1}, "also holds w_in"),
        ({**GOOD, "W_in": [[1, 2], [3]]}, "rows of W_in differ"),
        ({**GOOD, "b_in": ["zero"]}, "b_in does not hold numbers"),
        ({**GOOD, "b_out": float("nan")}, "NaN"),
        ({**GOOD, "b_out": [0]}, "(1,)"),
        ({**GOOD, "y": [1]}, "y is a list"),
        ({**GOOD, "y": 2}, "found 2"),
        ({**GOOD, "x": [1, 2, 3]}, "(3,)"),
        ({**GOOD, "W_in": []}, "W_in has shape (0,)"),
        ({**GOOD, "w_out": [1e300], "x": [1e200, 1]}, "not finite"),
    ],
)
def test_a_file_with_a_wrong_example_is_refused(refused, tmp_path, name, content, found):
    path = tmp_path / "example.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    assert found in refused("points", name, "--example", path)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--example", "missing.json"], "missing.json"),
        (["--example", "."], "cannot be read"),
        (["--x", "1,two"], "'1,two'"),
        (["--x", "1,inf"], "'1,inf'"),
        (["--x", "1,2,3"], "(3,)"),
        (["--y", "0"], "found 0"),
        (["--y", "nan"], "found nan"),
        (["--delta", "0"], "delta"),
        (["--delta", "-1"], "delta"),
        (["--delta", "inf"], "delta"),
        (["--delta", "1e-30"], "lost in the rounding"),
        (["--method", "backward"], "'backward'"),
    ],
)
def test_wrong_options_of_the_check_are_refused(refused, tmp_path, arguments, found):
    assert found in refused("points", "check", *arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_large_weights_have_their_picture_too(command, tmp_path):
    path = tmp_path / "large.json"
    path.write_text(json.dumps({**GOOD, "y": -1, "W_in": [[3e5, -2e5]], "w_out": [1e-5]}))
    result = command("points", "check", "--example", path, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "error_against_delta.png").exists()


@pytest.mark.filterwarnings("error")
def test_derivatives_that_are_all_zero_have_a_picture():
    """A saturated loss: everything underflows to 0, and there is no error to draw."""
    example = report_example()
    example.parameters["b_out"] = np.asarray(9e3)
    assert not any(a.any() for a in derivatives(example.x, 1, example.parameters).values())
    deltas = deltas_for(example)
    figure = error_against_delta(deltas, error_curves(example, deltas))
    figure.savefig(io.BytesIO(), format="svg")


def test_an_output_folder_that_cannot_be_made_is_refused(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused("points", "check", "--out", tmp_path / "file" / "sub")


def test_too_few_digits_are_refused(refused):
    assert "--digits" in refused("points", "derive", "--digits", "0")


@pytest.mark.parametrize("name", ["check", "derive"])
def test_help_has_an_example(command, name):
    result = command("points", name, "--help")
    assert result.returncode == 0
    assert f"Example: chainrule points {name}" in result.stdout
