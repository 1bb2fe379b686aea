"""The command line as a whole: help, version, light imports, usage errors."""

import subprocess
import sys

import pytest
import typer

import chainrule
from chainrule.cli import app


def test_version(command):
    assert command("--version").stdout == f"chainrule {chainrule.__version__}\n"


def test_help_has_an_example(command):
    result = command("--help")
    assert result.returncode == 0
    assert "Example: chainrule" in result.stdout


def _commands(command, name=""):
    """Every group and command by name, with its help; no former names, which are only refused."""
    yield name, command.help
    for inner, found in getattr(command, "commands", {}).items():
        if not found.hidden:
            yield from _commands(found, f"{name} {inner}")


def test_every_group_and_command_has_an_example_of_itself():
    found = dict(_commands(typer.main.get_command(app)))
    assert {" points train", " blocks check", " report", " bench points"} <= found.keys()
    assert [name for name, help in found.items() if f"Example: chainrule{name} " not in help] == []


def _leaves(command, name=""):
    """Every command that does something, by name."""
    if not hasattr(command, "commands"):
        yield name.strip(), command
    for inner, found in getattr(command, "commands", {}).items():
        if not found.hidden:
            yield from _leaves(found, f"{name} {inner}")


def _options():
    """(command, option's name, its parameter) of every option of every command."""
    for name, command in _leaves(typer.main.get_command(app)):
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    yield name, option, parameter


def test_every_command_that_gives_results_can_give_them_as_json():
    with_json = {name for name, option, _ in _options() if option == "--json"}
    missing = {name for name, _ in _leaves(typer.main.get_command(app))} - with_json
    assert missing == set()


def test_an_option_of_one_name_takes_a_value_everywhere_or_nowhere():
    kinds = {}
    for name, option, parameter in _options():
        kinds.setdefault(option, {}).setdefault(parameter.is_flag, []).append(name)
    assert {option: found for option, found in kinds.items() if len(found) > 1} == {}
    # of photographs or lines it is the model to work with, whatever the command does
    assert {"--start", "--jobs", "--threads"} & kinds.keys() == set()
    assert kinds["--lines"] == {False: ["reader train-lines"]}


def test_out_says_whether_it_is_a_file_or_a_folder():
    silent = [
        name
        for name, option, parameter in _options()
        if option == "--out"
        and not any(
            word in f"{parameter.help} {parameter.metavar}".lower()
            for word in ("file", "folder", "dir", "csv", "picture", ".png", ".svg")
        )
    ]
    assert silent == []


@pytest.mark.parametrize(
    "code",
    ["import chainrule", "import chainrule.cli", "import chainrule.points"],
)
def test_imports_stay_light(code):
    heavy = ["torch"] if "points" in code else ["torch", "numba", "sklearn", "matplotlib", "scipy"]
    script = f"import sys; {code}; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_an_unknown_option_is_named_in_one_sentence(refused):
    assert "--nonsense" in refused("report", "--nonsense")


def test_a_new_name_is_said_only_where_the_command_has_it(refused):
    assert "it is called" not in refused("images", "train", "a", "--threads", 2)


def test_an_unknown_command_is_named_in_one_sentence(refused):
    assert "pionts" in refused("pionts")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("glyphs", "fetch", "--jobs", 2), "no such option: --jobs; it is called --workers now"),
        (
            ("reader", "train-lines", "--start", "a"),
            "no such option: --start; it is called --model",
        ),
        (("reader", "evaluate", "--lines", 2), "no such option: --lines; it is called --count now"),
        (("glyphs", "build", "a", "--lines"), "no such option: --lines; it is called --for-lines"),
        (("points", "train", "--out", ""), "--out: found an empty name; expected a file or a"),
        (("points", "study", "--out="), "--out: found an empty name"),
        (("glyphs", "show", "--letter", "ab", "--out", "x.png"), "--letter: found 'ab'; expected"),
        (("reader", "evaluate", "--condition", "foggy"), "--condition: found 'foggy'; expected"),
        (("points", "derive", "--example", "deep.json"), "deep.json is no JSON"),
        (
            ("reader", "train-letters", "--out", "folder.safetensors"),
            "is a folder; expected a file name",
        ),
        (
            ("blocks", "apply", "--block", "maxpool", "--stride", 10**20),
            "expected at most 2147483647",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(refused, tmp_path, arguments, sentence):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "folder.safetensors").mkdir()
    before = sorted(tmp_path.iterdir())
    assert sentence in refused(*arguments, cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
