"""`chainrule blocks check`, as a user runs it."""

import json
import subprocess
import sys

import pytest

from chainrule.checking.cases import CASES


def test_the_table(command):
    result = command("blocks", "check", "--cases", "2")
    assert result.returncode == 0, result
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[2:-1]] == list(CASES)
    assert lines[-1] == "bars: 1e-06 and 1e-11; all right"
    assert "WRONG" not in result.stdout


def test_json_is_one_document_with_the_documented_fields(command, tmp_path):
    out = tmp_path / "new" / "folder"
    result = command("blocks", "check", "--cases", "1", "--seed", "3", "--json", "--out", out)
    assert result.returncode == 0, result
    document = json.loads(result.stdout)
    assert [path.name for path in out.iterdir()] == ["blocks_check.json"]
    assert json.loads((out / "blocks_check.json").read_text()) == document
    assert list(document) == ["blocks"]
    assert [row["name"] for row in document["blocks"]] == list(CASES)
    for row in document["blocks"]:
        assert list(row) == [
            "name",
            "cases",
            "worst_relative_error_numeric",
            "worst_error_autograd",
            "moved_from_kinks",
        ]
        assert row["cases"] == 1
        assert row["worst_relative_error_numeric"] < 1e-6
        assert row["worst_error_autograd"] < 1e-11


WRONG = """
import sys
from chainrule import blocks, cli
{change}
sys.argv = ["chainrule", "blocks", "check", "--cases", "1", *sys.argv[1:]]
cli.main()
"""


def run_with(change, *arguments):
    return subprocess.run(
        [sys.executable, "-c", WRONG.format(change=change), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


def test_a_missed_bar_is_exit_code_1_and_says_what_is_wrong():
    result = run_with("blocks.Tanh.backward = lambda self, dy, params, y: (-dy * (1 - y * y), {})")
    assert result.returncode == 1, result
    lines = result.stdout.splitlines()
    wrong = [line.split("  ")[0] for line in lines if line.endswith("WRONG")]
    # the cases that have a tanh in them
    assert wrong == ["tanh", "residual", "chain: sum, concatenation", "chain: bilinear sampler"]
    assert lines[-1].endswith(f"4 of {len(CASES)} are wrong")
    assert "tanh: Tanh(): x[" in result.stderr
    assert "likely sign" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_misshapen_derivative_has_no_number_in_the_json():
    result = run_with(
        "blocks.LogisticLoss.backward = lambda self, d, t, saved: saved[:, :0]", "--json"
    )
    assert result.returncode == 1, result
    rows = {row["name"]: row for row in json.loads(result.stdout)["blocks"]}
    assert rows["logistic loss"]["worst_relative_error_numeric"] is None
    assert rows["logistic loss"]["worst_error_autograd"] is None
    assert "likely shape" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--cases", "0"), ("--cases", "many"), ("--seed", "-1")]
)
def test_wrong_options_are_refused(refused, option, value):
    sentence = refused("blocks", "check", option, value)
    assert option in sentence


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(refused, tmp_path):
    (tmp_path / "file").write_text("")
    sentence = refused("blocks", "check", "--out", tmp_path / "file")
    assert str(tmp_path / "file") in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_help_has_an_example(command):
    for words in (["blocks"], ["blocks", "check"]):
        result = command(*words, "--help")
        assert result.returncode == 0
        assert "Example: chainrule blocks check" in result.stdout
