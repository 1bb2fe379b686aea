import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from chainrule.errors import FileError, InputError
from chainrule.images.classifier import load_classifier, predict, save_classifier
from chainrule.images.collection import Collection, read_collection
from chainrule.images.evaluation import EvaluationSettings, evaluate
from chainrule.images.features import network_features
from chainrule.images.parts import split_in_halves
from chainrule.images.svm import normalized
from chainrule.images.training import train_classifier


def test_rows_are_scikit_learns(small_network, shapes):
    collection = read_collection(shapes)
    settings = EvaluationSettings(seed=3, C=2.0, precision="float32", near_duplicates=False)
    result = evaluate(collection, ["cnn"], small_network, settings)
    values = network_features(collection.files, small_network, precision="float32").values
    values = values / np.linalg.norm(values, axis=1, keepdims=True)
    train = split_in_halves(collection, 3)
    for c, row in enumerate(result.rows):
        positive = collection.truth[:, c] == 1
        svm = LinearSVC(C=2.0, loss="hinge", max_iter=20_000, random_state=3)
        svm.fit(values[train], positive[train])
        scores = svm.decision_function(values[~train])
        assert row.average_precision == pytest.approx(
            average_precision_score(positive[~train], scores), abs=1e-9
        )
        assert (row.positives, row.negatives) == (6, 6)
        low, high = row.interval
        assert low <= high
        assert (
            row.best[0]
            == [f for f, t in zip(collection.files, train, strict=True) if not t][
                int(np.argmax(scores))
            ]
        )


@pytest.mark.slow
def test_every_kind_of_features_finds_discs(small_network, shapes):
    result = evaluate(read_collection(shapes), ["cnn", "bovw", "fisher"], small_network)
    by_kind = {row.features: row for row in result.rows if row.class_name == "disc"}
    assert set(by_kind) == {"cnn", "bovw", "fisher"}
    assert by_kind["bovw"].average_precision > 0.9
    assert by_kind["fisher"].average_precision > 0.9


def test_difficult_pictures_neither_train_nor_count(small_network, shapes):
    collection = read_collection(shapes)
    truth = collection.truth.copy()
    truth[[0, 5, 20], 0] = 0
    part = tuple("train" if i % 2 else "test" for i in range(24))
    result = evaluate(replace(collection, truth=truth, part=part), ["cnn"], small_network)
    disc = next(row for row in result.rows if row.class_name == "disc")
    assert (disc.positives, disc.negatives) == (5, 5)


def test_a_class_with_nothing_to_test_on_is_listed(small_network, shapes):
    (shapes / "lonely").mkdir()
    source = shapes / "disc" / "00.png"
    source.rename(shapes / "lonely" / "00.png")
    result = evaluate(read_collection(shapes), ["cnn"], small_network)
    assert [row.class_name for row in result.rows] == ["disc", "square"]
    assert [(s.file, s.reason) for s in result.skipped] == [
        ("lonely", "class 'lonely' has no positive in the test part")
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kinds": ["hog"]}, "features 'hog'; expected one of cnn, bovw, fisher"),
        ({"classes": ["cat"]}, "class 'cat'; expected some of disc, square"),
        ({"C": 0.0}, "`C`: found 0.0"),
    ],
)
def test_what_cannot_be_done_is_refused(small_network, shapes, arguments, words):
    kinds = arguments.pop("kinds", ["cnn"])
    with pytest.raises(InputError, match=words):
        evaluate(read_collection(shapes), kinds, small_network, EvaluationSettings(**arguments))


def test_one_class_alone_is_refused(small_network, shapes):
    collection = read_collection(shapes)
    alone = Collection(collection.files[:12], ("disc",), collection.truth[:12, :1], ("",) * 12)
    for run in (lambda: evaluate(alone, ["cnn"], small_network),
                lambda: train_classifier(alone, small_network)):  # fmt: skip
        with pytest.raises(InputError, match="the only class is 'disc'"):
            run()


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_is_written_and_read(small_network, shapes, tmp_path, classes):
    if classes == 3:
        (shapes / "third").mkdir()
        for i in range(6):
            (shapes / "disc" / f"{i:02}.png").rename(shapes / "third" / f"{i:02}.png")
    collection = read_collection(shapes)
    training = train_classifier(collection, small_network)
    assert training.held_out.confusion.sum() == 24
    assert training.error == pytest.approx(1 - np.trace(training.held_out.confusion) / 24)
    save_classifier(tmp_path / "m.safetensors", training.classifier, training.document())
    classifier = load_classifier(tmp_path / "m.safetensors")
    answers, kept, skipped = predict(classifier, [small_network], collection.files)
    assert (kept, skipped) == (list(range(24)), [])
    svm = LinearSVC(C=1.0, loss="hinge", max_iter=20_000, random_state=0)
    values = normalized(network_features(collection.files, small_network).values)
    svm.fit(values, training.held_out.truth)
    np.testing.assert_array_equal(answers.best, svm.predict(values))
    expected = svm.decision_function(values)
    scores = answers.scores[:, 1] if classes == 2 else answers.scores
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    np.testing.assert_allclose(answers.probability.sum(1), 1.0, rtol=1e-5)
    other = replace(small_network, name="other", feature_layer="flatten")
    with pytest.raises(InputError, match="was trained on features of small"):
        predict(classifier, [other], collection.files)


@pytest.mark.usefixtures("arrays_unchecked")
def test_files_that_are_no_classifier_are_refused(small_network, shapes, tmp_path):
    path = tmp_path / "m.safetensors"
    save_classifier(path, train_classifier(read_collection(shapes), small_network).classifier, {})
    whole = path.read_bytes()
    for content in (b"", whole[:7], whole[:60], whole[:-1], b"\x80\x04harm.", whole + b"x"):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"m\.safetensors"):
            load_classifier(path)
    settings = {"kind": "chainrule image classifier", "classes": ["a"], "network": "n"}
    for metadata in (None, {"chainrule": "{"}, {"chainrule": "[]"}, {"other": "x"},
                     {"chainrule": json.dumps(settings)}):  # fmt: skip
        save_file({"weight": np.zeros((1, 2), np.float32)}, path, metadata=metadata)
        with pytest.raises(FileError, match=r"m\.safetensors"):
            load_classifier(path)
    good = load_whole(whole, path)
    for change in (
        {"weight": np.zeros((2, 3), np.float32)},
        {"bias": np.zeros(1, np.float32)},
        {"classes": ("disc",)},
        {"classes": ("disc", "disc")},
        {"temperature": 0.0},
        {"weight": np.full_like(good.weight, np.nan)},
    ):
        save_classifier(path, replace(good, **change), {})
        with pytest.raises(FileError, match=r"m\.safetensors holds"):
            load_classifier(path)


def load_whole(content, path):
    path.write_bytes(content)
    return load_classifier(path)


def test_a_class_of_one_picture_and_one_of_two_classes_are_refused(small_network, shapes):
    collection = read_collection(shapes)
    with pytest.raises(InputError, match="class 'square' has 1 picture"):
        train_classifier(collection.taken(range(13)), small_network)
    truth = collection.truth.copy()
    truth[3] = 1
    with pytest.raises(InputError, match="shows 2 classes"):
        train_classifier(replace(collection, truth=truth), small_network)
