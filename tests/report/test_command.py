"""The real command: a page of part 1, stopped and gone on with, one of part 2, and bad input."""

import json
import signal
import subprocess
import sys
import time

import pytest

from chainrule.report.contents import PARTS


@pytest.fixture(scope="module")
def made(command, tmp_path_factory):
    """A quick page of part 1 with the fewest trials: the folder and what was printed."""
    out = tmp_path_factory.mktemp("report") / "made here"
    result = command("report", "--parts", "1", "--trials", "1", "--quick", "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    return out, json.loads(result.stdout)


def shown(folder):
    """The names in a folder, but those of hidden files."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.slow
def test_it_writes_a_self_contained_page_and_its_results(made, read_page):
    out, printed = made
    assert shown(out) == ["index.html", "results.json"]
    page = read_page((out / "index.html").read_text(encoding="utf-8"))
    assert page.loads() == []
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    questions = PARTS[0].questions
    assert [section["number"] for section in results["sections"]] == [q.number for q in questions]
    assert [row["id"] for row in results["facts"]] == [f.id for q in questions for f in q.facts]
    assert printed.pop("files") == [str(out / "index.html"), str(out / "results.json")]
    assert printed.pop("seconds") > 0
    assert printed == results


@pytest.mark.slow
def test_a_page_is_the_same_for_any_number_of_workers_and_leaves_nothing_beside_it(
    command, command_anew, tmp_path
):
    for run, workers in ((command, "1"), (command_anew, "2")):
        arguments = ("--parts", "2", "--trials", "1", "--workers", workers)
        result = run("report", *arguments, "--out", tmp_path / workers)
        assert result.returncode == 0, result.stderr
        names = sorted(path.name for path in (tmp_path / workers).iterdir())
        assert names == ["index.html", "results.json"]
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.slow
def test_a_stopped_report_leaves_no_page_and_goes_on_to_the_same_one(made, command, tmp_path):
    arguments = [
        "report",
        "--parts",
        "1",
        "--trials",
        "1",
        "--quick",
        "--workers",
        "2",
        "--out",
        str(tmp_path),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background jobs ignore this signal, and so would what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    journals = []
    while process.poll() is None and sum(len(j.read_text().splitlines()) for j in journals) < 5:
        time.sleep(0.05)
        journals = list(tmp_path.glob(".unfinished-*/tables-0.jsonl"))
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=1200)
    assert process.returncode == 130, complaint
    assert printed == ""
    last = complaint.splitlines()[-1]
    assert last.startswith("chainrule: stopped; what was finished lies in ")
    assert last.endswith("the same command goes on from there")
    assert "Traceback" not in complaint
    assert shown(tmp_path) == []
    kept = journals[0].read_text().splitlines()
    assert len(kept) >= 5

    result = command(*arguments)
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "index.html") in result.stdout
    # nothing was run twice, as in a run that was never stopped
    (at_once,) = made[0].glob(".unfinished-*/tables-0.jsonl")
    lines = [sorted(journal.read_text().splitlines()) for journal in (journals[0], at_once)]
    assert lines[0] == lines[1]
    for name in ("index.html", "results.json"):
        assert (tmp_path / name).read_bytes() == (made[0] / name).read_bytes()


@pytest.mark.long
def test_a_quick_page_is_gone_on_with(command, read_page, tmp_path):
    arguments = ["report", "--parts", "1", "--trials", "1"]
    at_once = command(*arguments, "--out", tmp_path / "at once")
    assert at_once.returncode == 0, at_once.stderr
    out = tmp_path / "quick first"
    arguments += ["--out", out]
    quick = command(*arguments, "--quick")
    assert quick.returncode == 0, quick.stderr
    assert "without --quick goes on from it" in quick.stdout
    (line,) = quick.stderr.splitlines()
    assert line.startswith("part 1, back-propagation in a two-layer network: ")
    assert " agree" in line
    assert "a first, quick page" in read_page((out / "index.html").read_text("utf-8")).text
    assert json.loads((out / "results.json").read_text("utf-8"))["settings"]["quick"]
    (kept,) = out.glob(".unfinished-*")
    assert (kept / "tables-0.jsonl").exists()

    result = command(*arguments)
    assert result.returncode == 0, result.stderr
    assert not kept.exists()
    for name in ("index.html", "results.json"):
        assert (out / name).read_bytes() == (tmp_path / "at once" / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--parts", "1,9"], "found '9'; expected numbers among 1"),
        (["--parts", ""], "found ''; expected numbers among 1"),
        (["--trials", "0"], "trials: found 0; expected at least 1"),
        (["--seed", "-1"], "seed: found -1; expected a whole number from 0 to 4294967295"),
        (["--seed", "4294967296"], "seed: found 4294967296; expected a whole number from 0 to"),
        (["--workers", "0"], "workers: found 0; expected a whole number from 1 to"),
        (["--workers", "5000"], "workers: found 5000; expected a whole number from 1 to"),
        (["--trials", "many"], "--trials: found 'many'"),
        (["--photos", "nowhere"], "photos: nowhere is no folder"),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(refused, tmp_path, arguments, expected):
    assert expected in refused("report", "--out", "out", *arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/out" in refused("report", "--out", tmp_path / "file" / "out")
    assert "file" in refused("report", "--out", tmp_path / "file")
    assert (tmp_path / "file").read_text() == ""


def test_another_report_in_the_same_folder_is_refused(refused, tmp_path):
    from chainrule.io.lock import only_run

    with only_run(tmp_path, "chainrule"):
        sentence = refused("report", "--parts", "1", "--out", tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".chainrule.lock"]
    assert f"folder {tmp_path} is in use by another run of chainrule" in sentence


def test_help_says_what_it_does(command):
    result = command("report", "--help")
    assert result.returncode == 0
    for wanted in ("index.html", "results.json", "--trials", "--photos", "Example: chainrule"):
        assert wanted in result.stdout
