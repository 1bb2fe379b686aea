"""`chainrule points predict`, `evaluate`, `derive` and `check` with trained weights."""

import json

import numpy as np
import pytest

from chainrule.points.files import load_weights


@pytest.fixture(scope="module")
def people(command, tmp_path_factory):
    """Heights and weights in their own units, trained on: a straight line tells the groups."""
    folder = tmp_path_factory.mktemp("people")
    random = np.random.default_rng(0)
    tall = random.random(200) < 0.5
    height = np.where(tall, 185, 165) + random.normal(0, 4, 200)
    weight = np.where(tall, 90, 60) + random.normal(0, 6, 200)
    rows = "".join(
        f"{h:.1f},{w:.1f},{'tall' if t else 'short'}\n"
        for h, w, t in zip(height, weight, tall, strict=True)
    )
    (folder / "people.csv").write_text("height,weight,kind\n" + rows)
    arguments = ("--data", folder / "people.csv", "--iterations", 20_000, "--frames", 0)
    result = command("points", "train", *arguments, "--out", folder / "run")
    assert result.returncode == 0, result.stderr
    assert "label             kind" in result.stdout
    assert "classes           short = -1, tall = +1" in result.stdout
    assert "features          height, weight" in result.stdout
    return folder


def by_hand(weights, features):
    """y_hat by the formula, from the file alone."""
    p, settings = load_weights(weights)
    x = (np.array(features) - settings["mean"]) / settings["scale"]
    return float(np.maximum(p["W_in"] @ x + p["b_in"], 0) @ p["w_out"] + p["b_out"])


@pytest.mark.parametrize(
    "table",
    [
        "height,weight\n190,95\n160,55\n",
        "weight,height\n95,190\n55,160\n",
        "name,weight,kind,height\nAnn,95,tall,190\nBob,55,short,160\n",
        "190,95\n160,55\n",
    ],
)
def test_new_points_in_any_order_with_labels_or_without(command, people, tmp_path, table):
    (tmp_path / "new.csv").write_text(table)
    weights = people / "run" / "weights.safetensors"
    arguments = ("points", "predict", weights, tmp_path / "new.csv")
    result = command(*arguments, "--json", "--out", tmp_path / "classes.csv")
    document = json.loads(result.stdout)
    assert document["classes"] == ["short", "tall"]
    assert [point["class"] for point in document["points"]] == ["tall", "short"]
    outputs = [by_hand(weights, row) for row in ((190, 95), (160, 55))]
    np.testing.assert_allclose([p["output"] for p in document["points"]], outputs, rtol=1e-12)
    expected = 1 / (1 + np.exp(-np.array(outputs)))
    np.testing.assert_allclose([p["probability"] for p in document["points"]], expected)
    lines = (tmp_path / "classes.csv").read_text().splitlines()
    assert lines[0] == "class,output,probability"
    assert [line.split(",")[0] for line in lines[1:]] == ["tall", "short"]


def test_one_point_of_one_class_is_enough(command, people, tmp_path):
    (tmp_path / "one.csv").write_text("kind,weight,height\ntall,95,190\n")
    weights = people / "run" / "weights.safetensors"
    result = command("points", "evaluate", weights, "--data", tmp_path / "one.csv", "--json")
    assert json.loads(result.stdout) == {
        "label": "kind", "classes": {"short": -1, "tall": 1}, "features": ["height", "weight"],
        "points": 1, "wrong": 0, "error": 0.0,
        "confusion": {"short": {"short": 0, "tall": 0}, "tall": {"short": 0, "tall": 1}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("height,age\n190,95\n", "found the columns height, age; expected one called weight"),
        ("height,weight\n190,heavy\n", "column 'weight', point 1: found 'heavy'"),
        ("1,2,3,4\n", "found 4 column(s) without names; expected 2: height, weight"),
        ("height,weight,weight\n1,2,3\n", "expected one called weight"),
    ],
)
def test_points_that_do_not_fit_are_refused(refused, people, tmp_path, table, sentence):
    (tmp_path / "new.csv").write_text(table)
    weights = people / "run" / "weights.safetensors"
    assert sentence in refused("points", "predict", weights, tmp_path / "new.csv")


def test_a_class_that_the_training_did_not_know_names_the_label_column(refused, people, tmp_path):
    (tmp_path / "new.csv").write_text("height,weight,kind\n190,95,huge\n")
    weights = people / "run" / "weights.safetensors"
    sentence = refused("points", "evaluate", weights, "--data", tmp_path / "new.csv")
    assert "label column 'kind', point 1: found 'huge'; expected one of the classes" in sentence


def test_a_point_in_its_own_units_is_standardized_as_the_training_was(command, people):
    weights = people / "run" / "weights.safetensors"
    arguments = ("points", "derive", "--weights", weights, "--x", "190,95", "--y", "1")
    document = json.loads(command(*arguments, "--json").stdout)
    assert document["given"] == [190, 95]
    steps = {step["name"]: step["value"] for step in document["forward"]}
    np.testing.assert_allclose(steps["y_hat"], by_hand(weights, (190, 95)))
    printed = command(*arguments).stdout
    assert "One example x, given as (190, 95), y = 1" in printed
    assert "1. x = (given - mean) / scale" in printed
    table = command("points", "check", "--weights", weights, "--x", "190,95")
    assert table.stdout.splitlines()[0].startswith("x[1] = (190 - ")


def test_weights_of_standardized_features_need_their_point(refused, people):
    weights = people / "run" / "weights.safetensors"
    sentence = refused("points", "derive", "--weights", weights)
    assert "expected --x with the point's features (height, weight) in their own units" in sentence
    sentence = refused("points", "check", "--weights", weights, "--x", "1,2,3")
    assert "--x: found 3 number(s); expected 2" in sentence


def test_two_runs_on_one_folder_are_told(people, refused, tmp_path):
    from chainrule.io.lock import only_run

    with only_run(tmp_path, "chainrule"):
        sentence = refused("points", "study", "--trials", 1, "--out", tmp_path)
    assert f"folder {tmp_path} is in use by another run" in sentence
