"""The scripts in examples/: each runs as a user runs it, and learns what it says."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_to_run_it(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) < 80
    assert f"Run it: python examples/{path.name}" in text


def run(name):
    path = next(path for path in EXAMPLES if path.name == name)
    result = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wrong_layer_is_found_and_the_right_one_is_right():
    printed = run("check_own_layer.py")
    assert "Cube, x: it is 0.666667 times the right one" in printed
    assert "Conv2d is right" in printed


def test_digits_are_learned():
    path = next(path for path in EXAMPLES if path.name == "train_digits.py")
    assert runpy.run_path(str(path))["main"]() < 0.04  # scikit-learn's own SVM example errs on 3 %


def test_half_of_the_runs_or_more_reach_zero():
    last = run("half_moons.py").splitlines()[-1]
    assert int(last.split(" of ")[0]) >= 5
