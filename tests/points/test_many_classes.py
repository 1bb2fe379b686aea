"""More than two classes by the real commands: one network a class, and the largest output wins."""

import csv
import json

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import confusion_matrix

from chainrule.points.classes import load_classes
from chainrule.points.files import load_networks

IRIS = load_iris()
NAMES = [str(name) for name in IRIS.target_names]


@pytest.fixture(scope="module")
def flowers(command, tmp_path_factory):
    """Iris in its own units, trained on."""
    folder = tmp_path_factory.mktemp("flowers")
    rows = [
        ",".join(map(str, x)) + f",{NAMES[t]}\n"
        for x, t in zip(IRIS.data, IRIS.target, strict=True)
    ]
    (folder / "iris.csv").write_text("sl,sw,pl,pw,species\n" + "".join(rows))
    arguments = ("--data", folder / "iris.csv", "--iterations", 20_000, "--json")
    result = command("points", "train", *arguments, "--out", folder / "run")
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout)


def by_hand(weights, features):
    """Every network's output (n, k) by the formula, from the file alone."""
    p, settings = load_networks(weights)
    X = (np.array(features) - settings["mean"]) / settings["scale"]
    each = [
        np.maximum(X @ p["W_in"][k].T + p["b_in"][k], 0) @ p["w_out"][k] + p["b_out"][k]
        for k in range(3)
    ]
    return np.stack(each, axis=1)


def test_training_says_its_classes_and_both_errors(flowers):
    folder, document = flowers
    assert document["label"] == "species"
    assert document["classes"] == {"setosa": 1, "versicolor": 2, "virginica": 3}
    dataset = load_classes(folder / "iris.csv")
    for name, points in (("train", dataset.training), ("validation", dataset.validation)):
        outputs = by_hand(
            folder / "run" / "weights.safetensors", points.features * dataset.scale + dataset.mean
        )
        wrong = (outputs.argmax(1) != points.classes).mean()
        assert document[f"final_{name}_error"] == pytest.approx(wrong)
    assert document["final_validation_error"] < 0.1
    truth, found = dataset.validation.classes, outputs.argmax(1)
    table = confusion_matrix(truth, found)
    assert [list(row.values()) for row in document["confusion"].values()] == table.tolist()
    recalls = [document["networks"][name]["recall"] for name in NAMES]
    np.testing.assert_allclose(recalls, table.diagonal() / table.sum(1))
    written = {file.rsplit("/", 1)[-1] for file in document["files"]}
    assert written == {
        "weights.safetensors", "errors.png", "history-1.csv", "history-2.csv", "history-3.csv",
    }  # fmt: skip


def test_prediction_takes_columns_in_any_order_and_no_label(flowers, command, tmp_path):
    folder, _ = flowers
    weights = folder / "run" / "weights.safetensors"
    chosen = [3, 77, 140]
    lines = [f"{pw},{pl},x,{sl},{sw}" for sl, sw, pl, pw in IRIS.data[chosen]]
    (tmp_path / "new.csv").write_text("pw,pl,note,sl,sw\n" + "\n".join(lines) + "\n")
    arguments = ("points", "predict", weights, tmp_path / "new.csv")
    document = json.loads(command(*arguments, "--json", "--out", tmp_path / "found.csv").stdout)
    outputs = by_hand(weights, IRIS.data[chosen])
    logistic = 1 / (1 + np.exp(-outputs))
    for point, row, p in zip(document["points"], outputs, logistic, strict=True):
        np.testing.assert_allclose(list(point["outputs"].values()), row)
        np.testing.assert_allclose(list(point["probabilities"].values()), p / p.sum())
        assert point["class"] == NAMES[row.argmax()]
        assert point["output"] == point["outputs"][point["class"]]
    with (tmp_path / "found.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [row["class"] for row in found] == [point["class"] for point in document["points"]]
    assert "P(class)" in command(*arguments).stdout


def test_evaluation_counts_as_scikit_learn_does(flowers, command, tmp_path):
    folder, _ = flowers
    weights = folder / "run" / "weights.safetensors"
    found = by_hand(weights, IRIS.data).argmax(1)
    result = command("points", "evaluate", weights, "--data", folder / "iris.csv", "--json")
    document = json.loads(result.stdout)
    table = confusion_matrix(IRIS.target, found)
    assert [list(row.values()) for row in document["confusion"].values()] == table.tolist()
    assert document["wrong"] == (found != IRIS.target).sum()
    (tmp_path / "other.csv").write_text("sl,sw,pl,pw,species\n1,2,3,4,rosa\n")
    result = command("points", "evaluate", weights, "--data", tmp_path / "other.csv")
    assert result.returncode == 2
    assert "'species', point 1: found 'rosa'; expected one of the classes setosa" in result.stderr


def test_one_network_is_taken_apart(flowers, command):
    folder, _ = flowers
    weights = folder / "run" / "weights.safetensors"
    arguments = ("points", "derive", "--weights", weights, "--x", "5,3,1,1", "--y", 1)
    result = command(*arguments, "--class", "setosa", "--json")
    steps = {step["name"]: step["value"] for step in json.loads(result.stdout)["forward"]}
    assert steps["y_hat"] == pytest.approx(by_hand(weights, [[5, 3, 1, 1]])[0, 0])
    for given, sentence in (
        ((), "3 networks, one a class; expected one of them by --class: setosa, versicolor"),
        (("--class", "rosa"), "class: found 'rosa'; expected one of setosa, versicolor"),
    ):
        result = command(*arguments, *given)
        assert (result.returncode, result.stdout) == (2, "")
        assert sentence in result.stderr


def test_what_takes_one_network_says_so(flowers, command):
    folder, _ = flowers
    weights = folder / "run" / "weights.safetensors"
    for arguments, sentence in (
        (("evaluate", weights), "one a class"),
        (("study", "--data", folder / "iris.csv"), "expected exactly two"),
        (("check", "--class", "a"), "expected --weights"),
    ):
        result = command("points", *arguments)
        assert (result.returncode, result.stdout) == (2, ""), result
        assert sentence in result.stderr
        assert result.stderr.count("\n") == 1


def test_two_features_give_a_picture_and_a_later_run_of_two_classes_removes_it(command, tmp_path):
    random = np.random.default_rng(1)
    rows = [
        f"{x},{y},{k}"
        for k in range(4)
        for x, y in random.normal((k % 2 * 4, k // 2 * 4), 1, (20, 2))
    ]
    (tmp_path / "four.csv").write_text("a,b,1234567\n" + "\n".join(rows) + "\n")
    run = ("points", "train", "--iterations", 300, "--out", tmp_path / "run", "--data")
    result = command(*run, tmp_path / "four.csv")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "boundary.png").stat().st_size > 10_000
    assert "classes           0 = 1, 1 = 2, 2 = 3, 3 = 4" in result.stdout
    assert command(*run, "double-moon", "--frames", 0).returncode == 0
    assert not list((tmp_path / "run").glob("history-*"))
