"""The commands of the documentation, run page by page in a folder with the files that they name.

A block marked `console` holds commands after a `$`, each with its output, in which a line of `...`
stands for any number of lines; one marked `sh` holds commands whose output is not shown. Commands
that train for long are given fewer passes here; each command runs at least once in an interpreter
that had imported nothing; those that fetch from a network, or are tests or
benchmarks themselves, are held against the command line's options only.
"""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from chainrule.cli import app
from docs_files import make_user_files

DOCS = Path(__file__).parents[1] / "docs"
ROOT = DOCS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHORTER = {
    ("points", "train"): ("--iterations", "5000"),
    ("points", "study"): ("--trials", "1"),
    ("points", "infer"): ("--particles", "4", "--generations", "1", "--trials", "5"),
    ("reader", "train-lines"): ("--epochs", "1"),
    ("reader", "train-letters"): ("--epochs", "1", "--jitter"),
    ("reader", "evaluate"): ("--count", "2", "--workers", "1"),
    ("blocks", "check"): ("--cases", "1"),
}
ONLY_PARSED = (
    ("report",),  # tests/report
    ("bench",),  # tests/benchmarks
    ("lab",),  # it serves until it is stopped: tests/lab
    ("reader", "train-letters", "--on"),  # tests/executors
    ("reader", "evaluate-pages"),  # tests/reader/evaluation
    ("glyphs", "fetch"),
    ("images", "pull"),
    ("images", "fetch"),
)
# nothing of it is in what the commands print, whatever the page shows
FEWER_PICTURES = {("points", "train"): ("--frames", "5")}
_RUN_ANEW = set()  # the commands that were once run in an interpreter that shares nothing
_RESULTS = {}  # of those that read and wrote no file: another page with the same one may use it


def commands(page):
    """(line, the output that the page shows or None) of each command of a page, in order."""
    for language, body in FENCE.findall(page.read_text("utf-8").replace("\\\n", " ")):
        if language == "sh":
            yield from ((line, None) for line in body.splitlines() if line.strip())
        else:
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield line, output


def ours(page):
    """The commands that are chainrule's, as words."""
    for line, output in commands(page):
        words = shlex.split(line, comments=True)
        if words[0] == "chainrule" and words[1] not in ("COMMAND", "--help"):
            yield words[1:], output


def name(page):
    return str(page.relative_to(ROOT))


PAGES_WITH_COMMANDS = [pytest.param(page, id=name(page)) for page in PAGES if any(ours(page))]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_the_command_line_has_these_commands_and_options(page):
    for words, _ in ours(page):
        left, group = list(words), typer.main.get_command(app)
        while hasattr(group, "commands"):
            assert left[0] in group.commands, words
            group = group.commands[left.pop(0)]
        group.make_context(" ".join(words), left)  # raises on what it does not know


@pytest.fixture(scope="module")
def user_files(tmp_path_factory):
    return make_user_files(tmp_path_factory.mktemp("user"))


@pytest.fixture
def folder(tmp_path, user_files):
    """The files that the pages name, in a folder that a page's commands may write into."""
    return shutil.copytree(user_files, tmp_path / "user")


def run_in_a_test(words):
    fetched = any(word.startswith(("timm:", "vgg", "imagenet-vgg", "voc")) for word in words)
    return not fetched and not any(tuple(words[: len(some)]) == some for some in ONLY_PARSED)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name(page))
        for page in PAGES
        if any(run_in_a_test(words) for words, _ in ours(page))
    ],
)
def test_the_commands_of_a_page(command, command_anew, folder, page):
    for words, output in ours(page):
        if not run_in_a_test(words):
            continue
        more = SHORTER.get(tuple(words[:2]), ()) if output is None else ()
        if "--frames" not in words:
            more += FEWER_PICTURES.get(tuple(words[:2]), ())
        before = set(folder.rglob("*"))
        run = command if tuple(words[:2]) in _RUN_ANEW else command_anew
        _RUN_ANEW.add(tuple(words[:2]))
        line = (*words, *more)  # of an option given twice the last holds
        result = _RESULTS.get(line) or run(*line, cwd=folder)
        assert result.returncode == 0, (line, result.stderr)
        if output is not None:
            assert doctest.OutputChecker().check_output(output, result.stdout, doctest.ELLIPSIS), (
                f"{line}: the page shows\n{output}\nthe command printed\n{result.stdout}"
            )
        if set(folder.rglob("*")) == before and not any((folder / word).exists() for word in line):
            _RESULTS[line] = result
