"""The inferences that come with the package, and the half-moons that they name."""

import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from chainrule.errors import InputError
from chainrule.points import load_dataset
from chainrule.points.data import draw_moons
from chainrule.points.inference import (
    RunSetting,
    held_out,
    original_runs,
    predict,
    stored_inference,
)
from chainrule.points.inference.simulation import simulate
from chainrule.points.inference.stored import STORED
from chainrule.points.moons import NAMED_MOONS

RUNS = original_runs()
NAMES = list(STORED)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_of_the_originals_runs_with_every_third_kept_out(name):
    document = stored_inference(name).document
    assert [row["id"] for row in document["rows"]] == [run.id for run in RUNS]
    assert [row["held_out"] for row in document["rows"]] == list(held_out(RUNS, 3))
    assert document["settings"]["trials"] == 200
    for row, run in zip(document["rows"], RUNS, strict=True):
        for number, published in zip(
            ("train_error", "validation_error", "iteration"), run.numbers, strict=True
        ):
            assert (row[number] is None) == (published is None)
            if published is not None:
                expected = "none" if published == np.inf else pytest.approx(published)
                assert row[number]["published"] == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_options_are_what_the_document_says(name):
    words = STORED[name].split()
    options = list(zip(words[::2], words[1::2], strict=True))
    settings = stored_inference(name).document["settings"]
    fixed = {n: str(v).lower().removesuffix(".0") for n, v in settings["fixed"].items()}
    assert dict(o.split("=") for k, o in options if k == "--fix") == fixed
    assert settings["generations"] == int(dict(options)["--generations"])
    others = ("particles", "repeats", "seed", "points", "hold_out")
    assert [settings[name] for name in others] == [200, 3, 0, 1000, 3]


@pytest.mark.parametrize("name", NAMES)
def test_the_named_moons_are_its_best_candidate(name):
    stored = stored_inference(name)
    assert NAMED_MOONS[name] == stored.best
    assert stored.best in stored.candidates


@pytest.mark.parametrize("name", NAMES)
def test_at_least_33_of_the_35_rows_lie_within_their_intervals(name):
    """By the posterior, and by the best draw alone, on which the report trains."""
    stored = stored_inference(name)
    for kind, rows in (("within", stored.predictions), ("within_by_best", stored.by_best)):
        count = sum(row.within for row in rows)
        assert stored.document[kind]["all"] == {"rows": 35, "within": count}
        assert count >= 33
        fast = [row for row in rows if row.run.setting.learning_rate == 2]
        assert [row.run.train_error for row in fast] == [0.5] * 3
        assert all(row.within for row in fast)


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_were_kept_out_are_predicted(name):
    stored = stored_inference(name)
    for rows in (stored.predictions, stored.by_best):
        kept_out = [row for row in rows if row.held_out]
        assert len(kept_out) == 11
        assert sum(row.within for row in kept_out) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_read_as_they_were_written(name):
    stored = stored_inference(name)
    assert [row.document() for row in stored.predictions] == stored.document["rows"]
    assert [row.document() for row in stored.by_best] == stored.document["rows_by_best"]


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_intervals_are_those_of_the_candidates(name):
    """Other seeds, fewer runs: the cheap settings come out alike."""
    stored = stored_inference(name)
    rows = [run for run in RUNS if run.setting.hidden == 1 or run.setting.learning_rate == 0.2]
    by_id = {row["id"]: row for row in stored.document["rows"]}
    for found in predict(stored.candidates, rows, trials=60, seed=1):
        for number, name_of in zip(
            found.numbers[:2], ("train_error", "validation_error"), strict=True
        ):
            low, high = by_id[found.run.id][name_of]["interval"]
            assert number.low == pytest.approx(low, abs=0.02)
            assert number.high == pytest.approx(high, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_with_other_seeds_the_bar_holds_too(name):
    found = predict(stored_inference(name).candidates, RUNS, trials=200, seed=2)
    assert sum(row.within for row in found) >= 33


@pytest.mark.parametrize("name", NAMES)
def test_a_straight_line_errs_as_the_originals_with_one_unit(name):
    """8 to 10 % in training, about two points more in validation: its Table 4's first row."""
    points = NAMED_MOONS[name].draw(1000)
    seeds = [np.random.SeedSequence(7, spawn_key=(k,)) for k in range(20)]
    runs = simulate(*points, RunSetting(1, 0.02, 100_000), seeds)
    on_training, on_validation = np.median(runs[:, :2], axis=0)
    assert 0.08 <= on_training <= 0.10
    assert 0.01 <= on_validation - on_training <= 0.03
    # a line by another method, which looks for no fewest errors either
    line = LogisticRegression(C=1e6).fit(points[0].features, points[0].labels)
    other = [1 - line.score(part.features, part.labels) for part in points]
    assert other == pytest.approx([on_training, on_validation], abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_the_data_set_of_that_name_is_the_inferred_draw(name):
    data = load_dataset(name)
    training, validation = NAMED_MOONS[name].draw(1000)
    np.testing.assert_array_equal(data.training.features, training.features)
    np.testing.assert_array_equal(data.validation.labels, validation.labels)
    assert (data.mean == 0).all()
    other = load_dataset(name, seed=1)
    assert not np.array_equal(other.training.features, training.features)
    assert not np.array_equal(other.training.features, other.validation.features)
    new = draw_moons(name, 5)
    np.testing.assert_array_equal(new.features, NAMED_MOONS[name].moons.draw(1000, 5).features)


def test_another_name_is_refused():
    with pytest.raises(InputError, match="stored inference: found 'moons'"):
        stored_inference("moons")


def test_the_command_trains_on_the_inferred_moons(command, tmp_path):
    options = ("--data", "inferred-moons", "--iterations", 2000, "--frames", 0, "--out", tmp_path)
    assert command("points", "train", *options).returncode == 0
    weights = tmp_path / "weights.safetensors"
    result = command("points", "evaluate", weights, "--data", "inferred-moons")
    assert result.returncode == 0, result.stderr
    assert re.search("^points +1,000$", result.stdout, re.MULTILINE)


def test_the_moons_have_no_label_column(refused, tmp_path):
    out = ("--out", tmp_path / "out")
    sentence = refused("points", "train", "--data", "inferred-moons", "--label", "kind", *out)
    assert "label: found 'kind'; expected none, as inferred-moons is no file" in sentence


def test_reading_it_loads_no_numba():
    code = "from chainrule.points.inference import stored_inference; stored_inference()"
    code += "; import sys; print([m for m in ('numba', 'torch', 'sklearn') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
