"""`chainrule points infer`: the real command."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest

from chainrule.points.inference.published import COLUMNS

TABLE = ",".join(COLUMNS) + (
    "\na,1,0.2,400,10.0,12.0,none,\nb,1,0.2,400,9.0,,none,\nc,4,0.3,400,0,0,250,"
    "\nd,4,0.3,400,2.0,3.0,,\ne,4,0.3,400,0,0,250,c\n"
)
SMALL = ("--particles", 6, "--generations", 2, "--repeats", 2, "--trials", 10, "--points", 60)


@pytest.fixture(scope="module")
def inferred(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inferred")
    (folder / "runs.csv").write_text(TABLE)
    options = ("--table", folder / "runs.csv", *SMALL, "--out", folder / "out")
    result = command("points", "infer", *options, "--workers", 1, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), folder, options


def test_the_document_has_the_documented_fields(inferred):
    document, _, _ = inferred
    assert list(document) == [
        "settings", "posterior", "best", "generations", "within", "within_by_best", "rows",
        "rows_by_best", "candidates", "seconds",
    ]  # fmt: skip
    numbers = document["posterior"]["numbers"]
    assert list(numbers) == ["width", "distance", "offset", "scale"]
    assert {tuple(number) for number in numbers.values()} == {("median", "interval", "prior")}
    assert list(document["posterior"]["choices"]) == [
        "noise", "mirrored_1", "mirrored_2", "exchanged", "centred", "upper_label",
    ]  # fmt: skip
    assert list(document["best"]) == ["moons", "training_seed", "validation_seed"]
    assert list(document["generations"][0]) == ["bound", "moves", "accepted"]
    assert document["within"]["all"]["rows"] == 5
    assert [row["id"] for row in document["rows"]] == ["a", "b", "c", "d", "e"]
    assert [row["held_out"] for row in document["rows"]] == [False, False, True, False, True]
    row = document["rows"][0]
    assert list(row) == [
        "id", "hidden", "learning_rate", "iterations", "held_out", "train_error",
        "validation_error", "iteration", "ending", "within",
    ]  # fmt: skip
    assert list(row["train_error"]) == ["published", "interval", "tail"]
    assert row["iteration"]["published"] == "none"
    assert document["rows"][1]["validation_error"] is None
    assert len(document["candidates"]) == 6
    assert list(document["candidates"][0]) == [*document["best"], "distance"]


def test_what_is_fixed_is_not_inferred(command, inferred, tmp_path):
    _, _, options = inferred
    fixed = ("--fix", "width=0.3", "--fix", "noise=square", "--fix", "exchanged=TRUE")
    fixed += ("--fix", "upper_label=-1")
    result = command("points", "infer", *options[:-1], tmp_path / "out", *fixed, "--json")
    document = json.loads(result.stdout)
    known = {"width": 0.3, "noise": "square", "exchanged": True, "upper_label": -1}
    assert document["settings"]["fixed"] == known
    for candidate in document["candidates"]:
        assert {name: candidate["moons"][name] for name in known} == known
    assert len({candidate["moons"]["distance"] for candidate in document["candidates"]}) > 1


def test_the_files_say_what_the_document_says(inferred):
    document, folder, _ = inferred
    names = "inference.json", "journal.jsonl", "posterior.png", "rows.csv", "rows.png"
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(names)
    saved = json.loads((folder / "out" / "inference.json").read_text())
    assert saved | {"seconds": document["seconds"]} == document
    assert "seconds" not in saved
    rows = list(csv.DictReader((folder / "out" / "rows.csv").read_text().splitlines()))
    assert [float(row["train_error_tail"]) for row in rows] == [
        row["train_error"]["tail"] for row in document["rows"]
    ]
    assert rows[1]["validation_error"] == rows[1]["validation_error_low"] == ""


def test_again_with_other_workers_it_runs_nothing_and_elsewhere_gives_the_same(
    command, inferred, tmp_path
):
    document, folder, options = inferred
    journal = (folder / "out" / "journal.jsonl").read_text()
    again = command("points", "infer", *options, "--workers", 3, "--json")
    assert {**json.loads(again.stdout), "seconds": 0} == {**document, "seconds": 0}
    assert (folder / "out" / "journal.jsonl").read_text() == journal
    elsewhere = (*options[:-1], tmp_path / "out")
    fresh = command("points", "infer", *elsewhere, "--workers", 3, "--json")
    assert {**json.loads(fresh.stdout), "seconds": 0} == {**document, "seconds": 0}


def test_the_printed_tables_name_every_row(command, inferred):
    document, _, options = inferred
    printed = command("points", "infer", *options).stdout
    for title in ("by the posterior", "by the best candidate alone"):
        assert f"published rows, predicted {title}" in printed
    lines = printed.splitlines()
    for row in document["rows"]:
        shown = [line for line in lines if row["id"] in line.split()]
        assert len(shown) == 2
        assert all(("held out" in line) == row["held_out"] for line in shown)
        # what lies outside of its interval is marked
        outside = sum(
            row[name] is not None and row[name]["tail"] < 0.05
            for name in ("train_error", "validation_error", "iteration")
        )
        assert shown[0].count("!") == outside
    count = document["within"]["held_out"]
    assert f"held out: {count['within']} of {count['rows']} rows" in printed


@pytest.mark.slow
def test_a_killed_inference_goes_on_where_it_was(inferred, tmp_path):
    document, _, options = inferred
    out = tmp_path / "out"
    whole = [
        sys.executable,
        "-m",
        "chainrule",
        "points",
        "infer",
        *map(str, options[:-1]),
        str(out),
    ]
    one = [*whole, "--workers", "1"]  # two would be done before a busy machine looks again
    process = subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = out / "journal.jsonl"
    deadline = time.monotonic() + 1200
    while not (journal.exists() and journal.read_text().count("\n") >= 4):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    before = journal.read_text()
    finished = before[: before.rindex("\n") + 1]
    journal.write_text(finished + '{"inference": "12')  # as if killed in the middle of a line
    subprocess.run(whole, check=True, capture_output=True)
    assert journal.read_text().startswith(finished)
    found = json.loads((out / "inference.json").read_text())
    assert {**found, "seconds": 0} == {**document, "seconds": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--table", "nothing.csv"), "nothing.csv cannot be read"),
        (("--hold-out", 1), "hold out every: found 1; expected 0 (no row) or at least 2"),
        (("--particles", 3), "particles: found 3; expected a whole number from 4 to 100,000"),
        (("--generations", -1), "generations: found -1"),
        (("--repeats", 0), "repeats: found 0"),
        (("--trials", 0), "trials: found 0"),
        (("--points", 1), "points: found 1"),
        (("--seed", -1), "seed: found -1"),
        (("--workers", 0), "workers: found 0"),
        (
            ("--fix", "depth=3"),
            "--fix: found 'depth', did you mean 'width'?; expected one of width",
        ),
        (("--fix", "width"), "--fix width: found ''; expected a number"),
        (("--fix", "width=wide"), "--fix width: found 'wide'; expected a number"),
        (("--fix", "width=-1"), "half-moons, width: found -1"),
        (("--fix", "noise=round"), "--fix noise: found 'round'; expected one of band, square"),
    ],
)
def test_a_setting_out_of_range_is_refused(refused, tmp_path, options, message):
    assert message in refused("points", "infer", *options, "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_another_inference_in_the_same_folder_is_refused(refused, inferred):
    _, _, options = inferred
    assert "journal.jsonl is of another run of `chainrule points infer`" in refused(
        "points", "infer", *options, "--seed", 8
    )


def test_what_is_no_table_is_refused(refused, tmp_path):
    (tmp_path / "points.csv").write_text("x,y,label\n1,2,3\n")
    sentence = refused("points", "infer", "--table", tmp_path / "points.csv", cwd=tmp_path)
    assert "points.csv: found the columns x,y,label; expected id,hidden" in sentence
