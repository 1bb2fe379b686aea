"""Training and predictions from a folder of features, of which a file at a time is in memory."""

import csv
import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import FileError, InputError
from chainrule.images import streamed_training
from chainrule.images.classifier import save_classifier
from chainrule.images.collection import read_collection
from chainrule.images.feature_file import KIND, load_features
from chainrule.images.sharded import feature_files, write_sharded
from chainrule.images.streamed_training import train_streamed
from chainrule.images.training import TrainingSettings, train_on_features
from chainrule.io.model_file import write_model_file

CLASSES, ROWS, LONG = ("ant", "bee", "cat"), 512, 96


def generated(folder, count, classes=CLASSES):
    """So many files of noisy rows around a centre a class; the last is the test part."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(len(classes), LONG))
    folder.mkdir(exist_ok=True)
    entries = []
    for k in range(count):
        shows = generator.integers(len(classes), size=ROWS)
        values = 1 + 0.4 * centres[shows] + generator.normal(size=(ROWS, LONG))
        truth = np.full((ROWS, len(classes)), -1, np.int8)
        truth[np.arange(ROWS), shows] = 1
        name = f"features-{k:05}.safetensors"
        settings = {
            "model": "made", "model_key": "made", "files": [f"{k}/{i}.jpg" for i in range(ROWS)],
            "classes": classes, "part": ["train" if k < count - 1 else "test"] * ROWS, "group": [],
            "exclusive": True, "skipped": [],
        }  # fmt: skip
        arrays = {"features": values.astype(np.float32), "truth": truth}
        write_model_file(folder / name, KIND, arrays, settings)
        entries.append({"file": name, "first": k * ROWS, "pictures": ROWS})
    (folder / "index.json").write_text(json.dumps({"files": entries}))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("generated"), 6)


def hinge(classifier, table, C):
    """What the planes are to make small: |w|^2 / 2 + C sum max(0, 1 - s_i score_i), all classes."""
    trains = np.array([part != "test" for part in table.collection.part])
    sign = table.collection.truth[trains].astype(float)
    away = np.maximum(0, 1 - sign * classifier.scores(table.values[trains])).sum()
    return (classifier.weight**2).sum() / 2 + C * away


def test_the_planes_are_those_of_liblinear(folder, monkeypatch):
    """Held to LinearSVC, which has all rows in memory, by what both make small."""
    monkeypatch.setattr(streamed_training, "_ROWS", 100_000)
    settings = TrainingSettings(near_duplicates=False)
    found = train_streamed(folder, settings)
    table = load_features(feature_files(folder))
    whole = train_on_features(
        table.collection, table.values, table.networks, table.network_keys, settings
    )
    assert hinge(found.classifier, table, 1.0) < 1.02 * hinge(whole.classifier, table, 1.0)
    answers = [one.scores(table.values).argmax(1) for one in (found.classifier, whole.classifier)]
    assert (answers[0] == answers[1]).mean() > 0.97
    assert found.test is not None
    assert found.test.files == whole.test.files
    assert found.error == pytest.approx(whole.error, abs=0.02)
    # a fifth of the others was held out, and answers as the test part does
    assert 0.15 * 5 * ROWS < len(found.held_out.files) < 0.25 * 5 * ROWS
    assert found.held_out.error == pytest.approx(found.error, abs=0.06)
    assert found.unknown.own_refused == pytest.approx(0.02, abs=0.005)
    # and again the same bits
    assert (train_streamed(folder, settings).classifier.weight == found.classifier.weight).all()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path, monkeypatch):
    """Eight times the files of features: the same peak, but for names and scores."""
    monkeypatch.setattr(streamed_training, "_ROWS", 1)
    monkeypatch.setattr(streamed_training, "EXAMPLES", 128)
    monkeypatch.setattr(streamed_training, "MOST_HELD_OUT", 128)
    peaks = {}
    for count in (3, 3, 24):  # the first loads what it needs
        made = generated(tmp_path / str(count), count)
        tracemalloc.start()
        train_streamed(made)
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    one_file = ROWS * LONG * 4
    assert peaks[24] < peaks[3] + one_file
    assert peaks[24] < 24 * one_file / 2  # all of them would be more


def test_features_of_a_collection_keep_its_classes(shapes, small_network, tmp_path):
    collection = read_collection(shapes)
    out = tmp_path / "features"
    write_sharded(out, collection, small_network, together=1)  # a batch a file
    table = load_features(feature_files(out))
    assert table.collection.classes == collection.classes
    assert table.collection.files == collection.files
    assert (table.collection.truth == collection.truth).all()
    assert table.collection.exclusive
    other = read_collection(shapes)
    with pytest.raises(FileError, match="is of other pictures"):
        write_sharded(out, other.without_class("disc", ""), small_network, together=1)


def test_the_answers_of_a_folder_are_told_file_by_file(
    command, refused, shapes, small_network, tmp_path, monkeypatch
):
    """Of a list of pictures with classes, by the command; JSON and CSV are whole."""
    monkeypatch.setattr(streamed_training, "_ROWS", 1)
    listed = tmp_path / "list.csv"
    for path in list(shapes.rglob("*.png")):
        path.with_name(f"b{path.name}").write_bytes(path.read_bytes())
    rows = [(path, path.parent.name) for path in sorted(shapes.rglob("*.png"))]
    listed.write_text("file,classes\n" + "".join(f"{path},{name}\n" for path, name in rows))
    features, model, answers = (tmp_path / n for n in ("features", "m.safetensors", "a.csv"))
    write_sharded(features, read_collection(listed), small_network, together=1)
    assert len(feature_files(features)) == 2
    training = train_streamed(features)
    assert training.folds == 1
    assert "were not looked for" in training.notes[0]
    save_classifier(model, training.classifier, training.document())
    told = command("images", "predict", model, "--features", features, "--out", answers, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert told.stdout == json.dumps(found, indent=2) + "\n"  # as every other document is
    assert [row["file"] for row in found["images"]] == [str(path) for path, _ in rows]
    assert found["skipped"] == []
    with answers.open(newline="") as table:
        assert [row["class"] for row in csv.DictReader(table)] == [
            row["class"] for row in found["images"]
        ]
    (features / "index.json").unlink()
    sentence = refused("images", "train", "--features", features, "--out", model)
    assert "expected a folder that `chainrule images features --shard` wrote to its end" in sentence


def test_features_without_classes_are_refused(small_network, tmp_path):
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"{i}.png")
        Image.new("RGB", (20, 20), (i, 0, 0)).save(paths[-1])
    write_sharded(tmp_path / "features", paths, small_network)
    with pytest.raises(InputError, match="nothing says what the pictures show"):
        train_streamed(tmp_path / "features")


def test_a_single_class_is_refused(tmp_path):
    with pytest.raises(InputError, match="1 classes have 2 pictures to train on"):
        train_streamed(generated(tmp_path / "one", 2, ("ant",)))
