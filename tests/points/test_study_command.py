"""`chainrule points study`: the real command."""

import csv
import itertools
import json
import signal
import subprocess
import sys
import time

import pytest

from chainrule.points import load_dataset, run_study
from chainrule.points.grids import GRIDS, named_grid
from chainrule.points.study import Setting

GRID = ("--hidden", "1,3", "--learning-rate", "0.02,0.2", "--iterations", "3000", "--trials", 2)


@pytest.fixture(scope="module")
def study(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    result = command("points", "study", *GRID, "--out", folder, "--workers", 1, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), folder


def test_the_document_has_the_documented_fields(study):
    document, _ = study
    assert document["classes"] == {"-1": -1, "+1": 1}
    assert list(document) == ["label", "classes", "features", "settings", "seconds"]
    pairs = [(s["hidden"], s["learning_rate"]) for s in document["settings"]]
    assert pairs == list(itertools.product([1, 3], [0.02, 0.2]))
    for setting in document["settings"]:
        assert list(setting) == [
            "hidden",
            "learning_rate",
            "iterations",
            "trials",
            "train_error",
            "validation_error",
            "zero_share",
            "zero_share_interval",
            "converged_at_median",
            "runs",
        ]
        assert list(setting["train_error"]) == ["median", "min", "max"]
        assert [run["seed"] for run in setting["runs"]] == [0, 1]
        for run in setting["runs"]:
            fields = ["seed", "train_error", "validation_error", "converged_at", "state"]
            assert list(run) == fields


def test_the_files_say_what_the_document_says(study):
    document, folder = study
    names = "journal.jsonl", "map.png", "runs.csv", "settings.csv", "study.json"
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)
    saved = json.loads((folder / "study.json").read_text())
    assert saved | {"seconds": document["seconds"]} == document
    assert "seconds" not in saved
    rows = list(csv.DictReader((folder / "runs.csv").read_text().splitlines()))
    runs = [run for setting in document["settings"] for run in setting["runs"]]
    assert [float(row["train_error"]) for row in rows] == [run["train_error"] for run in runs]


def test_the_results_are_the_same_for_any_number_of_workers(command, study, tmp_path):
    for workers in (2, 5):
        out = tmp_path / str(workers)
        command("points", "study", *GRID, "--out", out, "--workers", workers)
        for name in ("settings.csv", "runs.csv"):
            assert (out / name).read_bytes() == (study[1] / name).read_bytes()


@pytest.mark.slow
def test_a_killed_study_goes_on_where_it_was(tmp_path):
    out, trials = tmp_path / "out", 12
    arguments = ["--hidden", "20", "--iterations", "200000", "--trials", str(trials)]
    whole = [sys.executable, "-m", "chainrule", "points", "study", *arguments, "--out", str(out)]
    one = [*whole, "--workers", "1"]  # two would be done before a busy machine looks again
    process = subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = out / "journal.jsonl"
    deadline = time.monotonic() + 1200
    while not (journal.exists() and journal.read_text().count("\n") >= 3):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert {p.name for p in out.iterdir()} == {"journal.jsonl", ".chainrule.lock"}
    before = journal.read_text()
    assert 3 <= before.count("\n") < 1 + trials
    # as if it had been killed in the middle of a line
    finished = before[: before.rindex("\n") + 1]
    journal.write_text(finished + '0123456789abcdef {"cell": "12')

    subprocess.run(whole, check=True, capture_output=True)
    after = journal.read_text()
    assert after.startswith(finished)
    records = [json.loads(line.partition(" ")[2]) for line in after.splitlines()[1:]]
    assert sorted(record["trial"] for record in records) == list(range(trials))
    data = load_dataset("double-moon")
    setting = Setting(20, 0.02, 200_000, trials)
    expected = [s.document() for s in run_study([setting], data.training, data.validation)]
    assert json.loads((out / "study.json").read_text())["settings"] == expected


def test_a_finished_study_runs_nothing_again_and_more_trials_only_the_new(command, study):
    document, folder = study
    lines = (folder / "journal.jsonl").read_text()
    more = json.loads(command("points", "study", *GRID[:-1], 3, "--out", folder, "--json").stdout)
    assert (folder / "journal.jsonl").read_text().startswith(lines)
    assert (folder / "journal.jsonl").read_text().count("\n") == 1 + 4 * 3
    for old, new in zip(document["settings"], more["settings"], strict=True):
        assert new["runs"][:2] == old["runs"]


def test_another_study_in_the_same_folder_is_refused(refused, study):
    sentence = refused("points", "study", *GRID, "--out", study[1], "--seed", 8)
    assert "journal.jsonl is of another run of `chainrule points study`" in sentence


def test_the_reports_own_grid_has_its_35_runs():
    tables = named_grid("report")
    assert sum(s.trials for settings in tables.values() for s in settings) == 35
    assert [s.trials for s in tables["seeds"]] == [5]
    rates = {s.learning_rate: s.iterations for s in tables["learning rates"]}
    assert rates == {2: 100_000, 0.2: 100_000, 0.02: 100_000, 0.002: 300_000}
    assert [s.hidden for s in tables["hidden units"]] == [1, 2, 5, 7, 10, 100]


def test_the_map_is_at_least_twelve_by_twelve():
    (settings,) = named_grid("map", 1).values()
    assert len({s.hidden for s in settings}) >= 12
    assert len({s.learning_rate for s in settings}) >= 12
    assert {s.trials for s in settings} == {1}
    assert len(settings) == len(set(settings))


@pytest.mark.parametrize("name", GRIDS)
def test_a_named_grid_with_lists_beside_it_is_refused(refused, tmp_path, name):
    options = ("--grid", name, "--iterations", 10, "--out", tmp_path / "out")
    assert "either a named grid or these lists" in refused("points", "study", *options)


@pytest.mark.slow
def test_without_a_grid_the_reports_own_studies_run(command, tmp_path):
    result = command("points", "study", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    for title in GRIDS["report"]:
        assert f"{title}\nhidden" in result.stdout
    document = json.loads((tmp_path / "study.json").read_text())
    assert sum(len(setting["runs"]) for setting in document["settings"]) == 35
    # the report: at rate 0.2 every run reached zero training error
    (fast,) = (s for s in document["settings"] if s["learning_rate"] == 0.2)
    assert fast["zero_share"] == 1
    assert (tmp_path / "shares.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hidden", "1,two"), "--hidden: found '1,two'; expected whole numbers separated"),
        (("--learning-rate", "0.1,"), "--learning-rate: found '0.1,'; expected numbers"),
        (("--hidden", "5,0"), "hidden units: found 0"),
        (("--learning-rate", "-1"), "learning rate: found -1"),
        (("--iterations", "0"), "iterations: found 0"),
        (("--trials", 0), "trials: found 0"),
        (
            ("--trials", 10**11),
            "trials: found 100000000000; expected a whole number from 1",
        ),
        (("--workers", 0), "workers: found 0"),
        (("--seed", -1), "seed: found -1"),
        (("--grid", "big"), "grid: found 'big'; expected one of report, map"),
        (("--data", "nothing.csv"), "nothing.csv: found no such file"),
    ],
)
def test_a_setting_out_of_range_is_refused(refused, tmp_path, options, message):
    assert message in refused("points", "study", *options, "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_overflows_is_a_state_of_its_runs(command, tmp_path):
    result = command(
        *("points", "study", "--learning-rate", "1e200,0.2", "--iterations", 100, "--trials", 2),
        *("--out", tmp_path, "--json"),
    )
    assert result.returncode == 0, result.stderr
    overflowed, fine = json.loads(result.stdout)["settings"]
    assert {run["state"] for run in overflowed["runs"]} == {"diverged"}
    assert "diverged" not in {run["state"] for run in fine["runs"]}
