"""Training on one part, judging on the other; rare classes; probabilities; none of these."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import cross_val_predict
from sklearn.svm import LinearSVC

import chainrule
from chainrule.errors import InputError
from chainrule.images.calibration import (
    fit_temperature,
    held_out_probabilities,
    probabilities,
    reliability_table,
)
from chainrule.images.classifier import Answers, Classifier, load_classifier
from chainrule.images.collection import Collection, read_collection
from chainrule.images.estimator import PhotoClassifier, PhotoFeatures
from chainrule.images.familiarity import choose_threshold, familiarity
from chainrule.images.feature_file import load_features, save_features
from chainrule.images.features import network_features
from chainrule.images.suspects import suspects, suspects_csv
from chainrule.images.svm import cross_validated_scores, fit_planes, fold_numbers, normalized
from chainrule.images.training import TrainingSettings, train_classifier, train_on_features

ALONE = TrainingSettings(near_duplicates=False)


def _clouds(counts, distance=2.0, seed=0, dimensions=8):
    """Points of length 1 around a direction for each class."""
    generator = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(counts)), counts)
    values = generator.standard_normal((len(truth), dimensions))
    values[np.arange(len(truth)), truth] += distance
    return normalized(values), truth


def _collection(truth, part=None, group=()):
    classes = tuple("abcdefgh"[: truth.max() + 1])
    shows = np.where(truth[:, None] == np.arange(len(classes)), 1, -1).astype(np.int8)
    files = tuple(f"{i}.png" for i in range(len(truth)))
    from pathlib import Path

    return Collection(
        tuple(map(Path, files)), classes, shows, part or ("",) * len(truth), group=group,
        exclusive=True,
    )  # fmt: skip


def test_the_test_part_is_held_out_and_judged():
    values, truth = _clouds((40, 40, 40))
    part = tuple("test" if i % 4 == 0 else "train" for i in range(len(truth)))
    test = np.array([p == "test" for p in part])
    training = train_on_features(_collection(truth, part), values, ["n"], ["k"], ALONE)
    svm = LinearSVC(C=1.0, loss="hinge", max_iter=20_000, random_state=0)
    svm.fit(values[~test], truth[~test])
    assert training.test.error == pytest.approx((svm.predict(values[test]) != truth[test]).mean())
    assert training.error == training.test.error
    assert len(training.held_out.files) == (~test).sum()
    np.testing.assert_allclose(training.classifier.weight, svm.coef_, atol=1e-6)
    document = training.document()
    json.dumps(document)
    assert document["test"]["pictures"] == test.sum()
    assert document["pictures"] == (~test).sum()


def test_cross_validation_is_scikit_learns():
    values, truth = _clouds((30, 30, 30))
    fold = fold_numbers(truth, np.arange(len(truth)), 0)
    scores = cross_validated_scores(values, truth, fold, 3, C=1.0, seed=0)
    from sklearn.model_selection import StratifiedKFold

    svm = LinearSVC(C=1.0, loss="hinge", max_iter=20_000, random_state=0)
    split = StratifiedKFold(5, shuffle=True, random_state=0)
    expected = cross_val_predict(svm, values, truth, cv=split, method="decision_function")
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_groups_are_never_parted():
    _, truth = _clouds((20, 20))
    group = np.arange(40) // 2
    fold = fold_numbers(truth, group, 3)
    assert all(len(set(fold[group == g])) == 1 for g in range(20))
    assert len(set(fold)) == 5
    with pytest.raises(InputError, match="pictures of one group only"):
        fold_numbers(truth, np.where(truth == 0, 0, np.arange(40)), 0)


def test_a_class_of_one_picture_is_left_out_and_said(small_network, shapes):
    (shapes / "lonely").mkdir()
    (shapes / "disc" / "00.png").rename(shapes / "lonely" / "00.png")
    training = train_classifier(read_collection(shapes), small_network, ALONE)
    assert training.classifier.classes == ("disc", "square")
    assert training.skipped[-1].reason.startswith("class 'lonely' has 1 picture to train on")


def test_too_few_classes_are_refused_before_features_are_computed(shapes, monkeypatch):
    monkeypatch.setattr("chainrule.images.training.network_features", None)
    for file in list((shapes / "square").iterdir())[1:]:
        file.unlink()
    with pytest.raises(InputError, match="class 'square' has 1 picture to train on"):
        train_classifier(read_collection(shapes), [], ALONE)


def test_a_rare_class_is_warned_of_and_can_be_balanced():
    values, truth = _clouds((200, 3, 5), distance=2.5)
    plain = train_on_features(_collection(truth), values, ["n"], ["k"], ALONE)
    assert plain.held_out.recall[1] == 0
    assert len(plain.notes) == 2
    assert "class b was right in 0 of 3 pictures, beside 200 of a" in plain.notes[0]
    assert "--class-weight balanced" in plain.notes[0]
    balanced = replace(ALONE, balanced=True)
    weighed = train_on_features(_collection(truth), values, ["n"], ["k"], balanced)
    assert sum(weighed.held_out.recall[1:]) > sum(plain.held_out.recall[1:])
    svm = LinearSVC(loss="hinge", max_iter=20_000, random_state=0, class_weight="balanced")
    np.testing.assert_allclose(weighed.classifier.weight, svm.fit(values, truth).coef_, atol=1e-6)
    expected = recall_score(truth, plain.held_out.answers, average=None, zero_division=0)
    np.testing.assert_allclose(plain.held_out.recall, expected)


def test_a_class_that_a_fold_lacks_is_never_answered():
    values, truth = _clouds((6, 6))
    weight, bias = fit_planes(values[:6], truth[:6], 3, C=1.0, seed=0)
    assert ((values @ weight.T + bias).argmax(1) == 0).all()
    weight, bias = fit_planes(values, truth, 3, C=1.0, seed=0)
    assert (values @ weight.T + bias)[:, 2].tolist() == [-1.0] * 12


def test_the_temperature_is_the_most_probable():
    generator = np.random.default_rng(1)
    scores = generator.standard_normal((5000, 3)) * 2
    true = probabilities(scores, 0.5)
    truth = (true.cumsum(1) < generator.random((5000, 1))).sum(1)
    assert fit_temperature(scores, truth) == pytest.approx(0.5, rel=0.1)
    best = log_loss(truth, probabilities(scores, fit_temperature(scores, truth)))
    for other in (0.4, 0.6):
        assert best < log_loss(truth, probabilities(scores, other))


def test_probabilities_are_as_sure_as_they_are_right():
    values, truth = _clouds((400, 400, 400), distance=1.2)
    fold = fold_numbers(truth, np.arange(len(truth)), 0)
    scores = cross_validated_scores(values, truth, fold, 3, C=1.0, seed=0)
    table = reliability_table(held_out_probabilities(scores, truth, fold), truth)
    assert sum(row.pictures for row in table) == 1200
    for row in table:
        if row.pictures >= 50:
            assert row.right == pytest.approx(row.mean_probability, abs=0.08)


def test_few_pictures_that_are_all_right_make_nothing_certain():
    scores = np.array([[1.0, -1.0]] * 4 + [[-1.0, 1.0]] * 4)
    truth = np.array([0] * 4 + [1] * 4)
    assert probabilities(scores, fit_temperature(scores, truth)).max() < 0.95


def test_what_is_like_nothing_of_the_training_is_told():
    values, truth = _clouds((60, 60, 60), distance=4.0, dimensions=12)
    fold = fold_numbers(truth, np.arange(len(truth)), 0)
    found = choose_threshold(values, truth, fold, np.arange(len(truth)))
    assert found.own_refused <= 0.03
    assert found.others_refused > 0.5
    strange = np.zeros((50, 12))
    strange[:, 10] = 1.0
    strange = normalized(strange + np.random.default_rng(2).normal(0, 0.2, strange.shape))
    assert (familiarity(strange, values) < found.threshold).mean() > 0.9
    # by its definition: the mean of the five largest cosines
    cosine = np.sort(strange @ values.T, axis=1)[:, -5:].mean(1)
    np.testing.assert_allclose(familiarity(strange, values), cosine)


def test_planted_labels_are_suspected_first(small_network, shapes):
    values, truth = _clouds((50, 50), distance=4.0)
    planted = [3, 17, 60]
    wrong = truth.copy()
    wrong[planted] = 1 - wrong[planted]
    training = train_on_features(_collection(wrong), values, ["n"], ["k"], ALONE)
    found = suspects(training.held_out)
    assert {entry.file for entry in found[:3]} == {f"{i}.png" for i in planted}
    assert [entry.margin for entry in found] == sorted(entry.margin for entry in found)
    lines = suspects_csv(found).splitlines()
    assert lines[0] == "file,label,answer,margin"
    assert len(lines) == len(found) + 1


def test_files_of_features_are_joined(small_network, shapes, tmp_path):
    collection = read_collection(shapes)
    values = network_features(collection.files, small_network, precision="float32").values
    other = replace(small_network, name="other", feature_layer="flatten")
    first, second = collection.taken(range(0, 24, 2)), collection.taken(range(1, 24, 2))
    save_features(tmp_path / "a.safetensors", first, values[::2], small_network)
    save_features(tmp_path / "b.safetensors", second, values[1::2], small_network)
    save_features(tmp_path / "c.safetensors", collection, values[:, ::-1].copy(), other)
    rows = load_features([tmp_path / "a.safetensors", tmp_path / "b.safetensors"])
    assert set(rows.collection.files) == set(collection.files)
    order = [rows.collection.files.index(file) for file in collection.files]
    np.testing.assert_allclose(rows.values[order], normalized(values), rtol=1e-5)
    np.testing.assert_array_equal(rows.collection.truth[order], collection.truth)
    both = load_features([tmp_path / "a.safetensors", tmp_path / "c.safetensors"])
    assert both.networks == ("small", "other")
    assert both.values.shape == (12, 10)
    np.testing.assert_allclose(np.linalg.norm(both.values, axis=1), 1, rtol=1e-5)
    with pytest.raises(InputError, match="is in two files"):
        load_features([tmp_path / "a.safetensors", tmp_path / "a.safetensors"])


@pytest.fixture
def known_network(small_network, monkeypatch):
    """`small` as a network that is found by its name."""
    for place in ("estimator", "networks"):
        monkeypatch.setattr(
            f"chainrule.images.{place}.load_feature_source", lambda name: small_network
        )
    return small_network


def test_the_estimator_keeps_scikit_learns_conventions(known_network, shapes, tmp_path):
    classifier = PhotoClassifier("small", C=2.0)
    assert classifier.get_params()["C"] == 2.0
    assert clone(classifier).fit(str(shapes)) is not classifier
    assert classifier.fit(shapes) is classifier
    files = sorted(shapes.rglob("*.png"))
    labels = [file.parent.name for file in files]
    assert classifier.classes_.tolist() == ["disc", "square"]
    assert classifier.n_features_in_ == 5
    assert classifier.score(files, labels) == classifier.score(shapes)
    assert classifier.score(files, labels) == (classifier.predict(files) == labels).mean()
    assert classifier.predict_proba(files).shape == (24, 2)
    assert classifier.decision_function(files).shape == (24, 2)
    assert classifier.predict(shapes / "disc").shape == (12,)
    classifier.save(tmp_path / "m.safetensors")
    again = PhotoClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(files), classifier.predict(files))
    assert load_classifier(tmp_path / "m.safetensors").classes == ("disc", "square")
    pipeline = classifier.to_pipeline()
    np.testing.assert_array_equal(pipeline.predict(files), classifier.predict(files))


def test_the_estimator_takes_arrays_and_labels(known_network, shapes):
    from PIL import Image

    files = sorted(shapes.rglob("*.png"))
    arrays = [np.asarray(Image.open(file)) for file in files]
    labels = [file.parent.name for file in files]
    by_array = PhotoClassifier("small").fit(arrays, labels)
    by_file = PhotoClassifier("small").fit([str(file) for file in files], labels)
    np.testing.assert_allclose(by_array.decision_function(arrays), by_file.decision_function(files))
    features = PhotoFeatures("small").fit(arrays).transform(arrays)
    assert features.shape == (24, 5)
    for bad, words in (
        ((arrays, labels[:3]), "24 pictures and 3 classes"),
        ((arrays,), "0 classes"),
    ):
        with pytest.raises(InputError, match=words):
            PhotoClassifier("small").fit(*bad)
    with pytest.raises(InputError, match="class_weight: found 'heavy'"):
        PhotoClassifier("small", class_weight="heavy").fit(arrays, labels)


@pytest.mark.slow
def test_the_front_door(photographs):
    network = chainrule.load_network()
    from PIL import Image

    path = photographs["coffee"]
    (best, *_) = network.classify(path, top=3)
    assert best.name == "espresso"
    array = np.asarray(Image.open(path))
    several = network.classify([str(path), array, array / 255.0, Image.open(path)], top=1)
    assert [guesses[0].name for guesses in several] == ["espresso"] * 4
    assert network.features([path, path]).shape == (2, 1280)
    explained = network.explain(path, "cup")
    assert explained.class_index == network.classes.index("cup")
    assert explained.derivative.shape == (224, 224)
    with pytest.raises(InputError, match="did you mean 'espresso'"):
        network.explain(path, "expresso")


def test_no_warning_is_left_to_the_user(known_network, shapes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PhotoClassifier("small").fit(shapes)


def test_an_answer_is_unsure_where_two_classes_are_near():
    """By hand: margins 0.5, 0.1 and 0.75; the last picture is like none of the training's."""
    weight, examples = np.zeros((3, 2), np.float32), np.zeros((1, 2), np.float16)
    classifier = Classifier(
        ("a", "b", "c"), weight, weight[:, 0], ("net",), ("key",), 1.0, 0.5, examples
    )
    probability = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.85, 0.1]])
    answers = Answers(classifier, probability, probability, np.array([0.9, 0.9, 0.1]))
    np.testing.assert_allclose(answers.margin, [0.5, 0.1, 0.75])
    assert answers.names() == ["a", "c", "b"]
    assert answers.names(unsure_below=0.2) == ["a", "unsure", "b"]
    assert answers.names(0.5, 0.2) == ["a", "unsure", "unknown"]
    assert answers.names(0.5, 0.8) == ["unsure", "unsure", "unknown"]
