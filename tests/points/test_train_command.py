"""`chainrule points train`, `history` and `evaluate`: the real commands."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from chainrule.points import Setting, load_dataset, run_study, train
from chainrule.points.files import load_history, load_weights
from chainrule.points.training import INITIALIZATIONS


@pytest.fixture(scope="module")
def moons(command, tmp_path_factory):
    """A run that converges, its document and its folder."""
    folder = tmp_path_factory.mktemp("moons")
    result = command(
        *("points", "train", "--learning-rate", 0.2, "--iterations", 30_000, "--seed", 3),
        *("--frames", 4, "--snapshots", "300,2000", "--out", folder, "--json"),
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), folder


def test_the_document_has_the_documented_fields(moons):
    document, folder = moons
    assert list(document) == [
        "label",
        "classes",
        "features",
        "iterations",
        "final_train_error",
        "final_validation_error",
        "converged_at",
        "state",
        "weights_digest",
        "seconds",
        "files",
    ]
    assert document["label"] == "label"
    assert document["classes"] == {"-1": -1, "+1": 1}
    assert document["features"] == ["x1", "x2"]
    assert document["iterations"] == 30_000
    names = "history.csv", "weights.safetensors", "errors.png", "boundary.png", "boundary.gif"
    assert document["files"] == [str(folder / name) for name in names]
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


def test_the_files_hold_the_run(moons):
    document, folder = moons
    data = load_dataset("double-moon")
    run = train(data.training, data.validation, learning_rate=0.2, iterations=30_000, seed=3)
    history = load_history(folder / "history.csv")
    np.testing.assert_array_equal(history.train_wrong, run.train_wrong)
    np.testing.assert_array_equal(history.validation_wrong, run.validation_wrong)
    parameters, settings = load_weights(folder / "weights.safetensors")
    # the pictures' snapshots cut the run elsewhere, and may not change a bit of it
    for name, array in run.parameters.items():
        assert parameters[name].tobytes() == array.tobytes()
    assert settings["hidden"] == 7
    assert settings["learning_rate"] == 0.2
    assert settings["seed"] == 3
    assert document["final_train_error"] == run.final_train_error
    assert document["converged_at"] == run.converged_at
    assert document["state"] == run.state
    bits = b"".join(run.parameters[name].tobytes() for name in ("W_in", "b_in", "w_out", "b_out"))
    assert document["weights_digest"] == hashlib.sha256(bits).hexdigest()


def test_a_trial_starts_as_that_of_a_study(command, tmp_path):
    data = load_dataset("double-moon")
    (found,) = run_study([Setting(3, 0.1, 2000, 3)], data.training, data.validation, seed=5)
    arguments = ["--hidden", "3", "--learning-rate", "0.1", "--iterations", "2000", "--seed", "5"]
    result = command(
        "points", "train", *arguments, "--trial", "2", "--frames", "1", "--out", tmp_path, "--json"
    )
    document = json.loads(result.stdout)
    assert document["final_train_error"] == found.runs[2].train_error
    assert document["final_validation_error"] == found.runs[2].validation_error
    assert document["state"] == found.runs[2].state


def test_the_animation_has_the_asked_frames_and_ends_slowly(moons):
    with Image.open(moons[1] / "boundary.gif") as animation:
        durations = []
        for k in range(animation.n_frames):
            animation.seek(k)
            durations.append(animation.info["duration"])
    assert durations == [150, 150, 150, 2000]


def test_history_says_again_what_train_said(command, moons, tmp_path):
    document, folder = moons
    result = command(
        "points", "history", folder / "history.csv", "--out", tmp_path / "a.svg", "--json"
    )
    assert json.loads(result.stdout) == {
        name: document[name]
        for name in ("iterations", "final_train_error", "final_validation_error", "converged_at")
    }
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_evaluate_counts_what_brute_force_counts(command, moons, tmp_path):
    weights = moons[1] / "weights.safetensors"
    p, _ = load_weights(weights)
    X = np.random.default_rng(0).normal(size=(400, 2))
    labels = np.random.default_rng(1).choice([-1, 1], 400)
    units = list(zip(p["W_in"], p["b_in"], p["w_out"], strict=True))
    y_hat = [sum(w * max(0.0, W @ x + b) for W, b, w in units) + p["b_out"] for x in X]
    found = np.where(np.array(y_hat) > 0, 1, -1)
    rows = "".join(f"{x!r},{y!r},{n}\n" for (x, y), n in zip(X.tolist(), labels, strict=True))
    (tmp_path / "table.csv").write_text("x1,x2,label\n" + rows)
    result = command("points", "evaluate", weights, "--data", tmp_path / "table.csv", "--json")
    confusion = confusion_matrix(labels, found)
    assert json.loads(result.stdout) == {
        "label": "label",
        "classes": {"-1": -1, "+1": 1},
        "features": ["x1", "x2"],
        "points": 400,
        "wrong": int((found != labels).sum()),
        "error": float((found != labels).mean()),
        "confusion": {
            name: dict(zip(("-1", "+1"), row, strict=True))
            for name, row in zip(("-1", "+1"), confusion.tolist(), strict=True)
        },
    }


def test_three_features_train_without_a_boundary(command, tmp_path):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    names = np.where(X[:, 0] > 0, "cat", "ant")
    rows = "".join(f"{a},{b},{c},{n}\n" for (a, b, c), n in zip(X, names, strict=True))
    (tmp_path / "table.csv").write_text("a,b,c,animal\n" + rows)
    out = tmp_path / "out"
    (out).mkdir()
    (out / "boundary.png").write_bytes(b"of an earlier run")
    arguments = ("--data", tmp_path / "table.csv", "--label", "animal", "--out", out)
    result = command("points", "train", *arguments, "--iterations", 20_000, "--history", "npz")
    assert result.returncode == 0, result.stderr
    assert "3 features" in result.stdout
    assert sorted(p.name for p in out.iterdir()) == [
        "errors.png",
        "history.npz",
        "weights.safetensors",
    ]
    history = load_history(out / "history.npz")
    assert history.train_wrong[-1] / history.n_train < 0.1
    weights = out / "weights.safetensors"
    result = command("points", "evaluate", weights, *arguments[:4], "--out", tmp_path / "p.csv")
    assert "class ant" in result.stdout
    predictions = np.genfromtxt(tmp_path / "p.csv", delimiter=",", names=True, dtype=None)
    assert (predictions["label"] == names).all()
    wrong = (predictions["predicted"] != predictions["label"]).sum()
    assert f"wrong             {wrong} (" in result.stdout
    assert wrong == history.train_wrong[-1] + history.validation_wrong[-1]
    refused = command("points", "evaluate", weights)
    assert refused.returncode == 2
    assert "features: found x1, x2; expected a, b, c" in refused.stderr


def test_a_real_table_trains_through_the_same_command(command, tmp_path):
    result = command(
        "points", "train", "--data", "breast-cancer", "--out", tmp_path, "--json",
        *("--iterations", 20_000),
    )  # fmt: skip
    document = json.loads(result.stdout)
    # 212 of its 569 tumours are malignant; a linear model errs on about 3 %
    assert document["final_validation_error"] < 0.06


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
def test_every_initialization_can_be_chosen(command, tmp_path, initialization):
    result = command(
        "points", "train", "--initialization", initialization, "--iterations", 10,
        *("--frames", 0, "--out", tmp_path),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    _, settings = load_weights(tmp_path / "weights.safetensors")
    assert settings["initialization"] == initialization


def test_more_hidden_units_than_can_be_counted_are_refused_at_once(command, tmp_path):
    result = command("points", "train", "--hidden", 1_000_000, "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    assert "hidden units: found 1000000; expected a whole number from 1 to 10,000" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["train", "history", "evaluate", "study"])
def test_help_has_an_example(command, name):
    assert f"Example: chainrule points {name}" in command("points", name, "--help").stdout


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"a,b,label\n1,2,5\n2,3,5\n", (), "'label' holds 1 value(s) (5); expected 2 to 100"),
        (
            b"a,kind\n" + b"".join(b"1,%d\n" % (k % 101) for k in range(202)),
            (),
            "'kind' holds 101 value(s) (0, 1, 2, 3, 4, ...); expected 2 to 100",
        ),
        (
            b"a,b,kind\n1,2,0\n2,3,1\n3,4,2\n3,4,2\n",
            (),
            "label column 'kind', class '0': found 1 point(s); expected at least 2",
        ),
        (b"a,b,label\n1,2,0\n2,3,1\n", ("--label", "kind"), "'kind'"),
        (b"a,b,label\n1,nan,0\n2,3,1\n", (), "'nan'; expected a finite number"),
        (b"a,b,label\n1,2,0\n2,-inf,1\n", (), "'-inf'; expected a finite number"),
        (b"", (), "empty file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", (), "no text"),
        (b"a,b,label\n1,2,0\n2,3\n", (), "2 column(s); expected 3"),
        (b"a,b,label\n1,2,0\n2,3,1\n", (), "expected at least 2"),
    ],
)
def test_a_file_without_two_classes_of_points_is_refused(
    refused, tmp_path, content, options, message
):
    (tmp_path / "table.csv").write_bytes(content)
    out = tmp_path / "out"
    sentence = refused(
        "points", "train", "--data", tmp_path / "table.csv", *options, "--out", out
    )  # fmt: skip
    assert message in sentence
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hidden", 0), "hidden units: found 0; expected a whole number from 1 to 10,000"),
        (("--learning-rate", -0.1), "learning rate: found -0.1; expected a finite number above 0"),
        (("--learning-rate", "inf"), "learning rate: found inf; expected a finite number above 0"),
        (("--learning-rate", "nan"), "learning rate: found nan"),
        (("--iterations", 0), "iterations: found 0; expected a whole number from 1"),
        (("--hidden", 10**12), "from 1 to 10,000"),
        (("--iterations", 10**20), "from 1 to 1,000,000,000"),
        (("--seed", -1), "seed: found -1"),
        (("--data-seed", -1), "seed: found -1"),
        (("--initialization", "zeros"), "'zeros'"),
        (("--snapshots", "1,x"), "--snapshots: found '1,x'; expected whole numbers"),
        (("--snapshots", "200000"), "--snapshots: found 200000; expected iterations from 0 to"),
        (("--validation-share", 2, "--data", "breast-cancer"), "validation share: found 2.0"),
        (("--data", "three-moons"), "no such file"),
        (("--label", "kind", "--data", "breast-cancer"), "none, as breast-cancer is no file"),
        (("--label", "kind"), "label: found 'kind'; expected none, as double-moon is no file"),
        (("--learning-rate", 1e200), "overflowed at iteration"),
        (("--learning-rate", 1e200, "--iterations", 1), "overflowed at iteration 1 with"),
    ],
)
def test_a_setting_out_of_range_is_refused(refused, tmp_path, options, message):
    assert message in refused("points", "train", *options, "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_made_is_refused(refused, tmp_path):
    (tmp_path / "file").touch()
    for name in ("train", "study"):
        sentence = refused("points", name, "--out", tmp_path / "file" / "out")
        assert "file/out cannot be written" in sentence


def test_a_history_cut_off_in_the_middle_is_refused(refused, moons, tmp_path):
    lines = (moons[1] / "history.csv").read_text().splitlines(keepends=True)
    path = tmp_path / "history.csv"
    path.write_text("".join(lines[:5000]))
    assert "was cut off: found 4999 iterations; expected 30000" in refused(
        "points", "history", path
    )
    path.write_text("".join(lines[:5000])[:-3])
    assert "was cut off in line 5000" in refused("points", "history", path)


def test_weights_cut_off_are_refused(refused, moons, tmp_path):
    content = (moons[1] / "weights.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(content[:-9])
    assert "w.safetensors is damaged or cut off" in refused(
        "points", "evaluate", tmp_path / "w.safetensors"
    )


def test_a_label_for_points_of_no_file_is_refused(refused, moons):
    weights = moons[1] / "weights.safetensors"
    sentence = refused("points", "evaluate", weights, "--label", "kind")
    assert "label: found 'kind'; expected none, as double-moon is no file" in sentence


def test_an_unknown_picture_format_is_refused(refused, moons, tmp_path):
    sentence = refused("points", "history", moons[1] / "history.csv", "--out", tmp_path / "a.bmp")
    assert "expected a name that ends in .png, .svg" in sentence
