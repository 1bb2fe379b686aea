"""TwoLayerClassifier keeps scikit-learn's contract."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.errors import DivergedError, InputError
from chainrule.points.data import Points, double_moon
from chainrule.points.estimator import TwoLayerClassifier

RANDOM_DRAWS = {
    "check_sample_weight_equivalence_on_dense_data": "a weight changes how often an example is "
    "drawn, so repeated examples are drawn in another order"
}


# the checks also fit features far from 0, which kill the units: of that the warning tells
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [TwoLayerClassifier(iterations=20_000)], expected_failed_checks=lambda _: RANDOM_DRAWS
)
def test_scikit_learns_contract(estimator, check):
    check(estimator)


def test_a_pipeline_and_a_grid_search_tell_breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    words = np.where(y == 1, "benign", "malignant")
    pipeline = make_pipeline(StandardScaler(), TwoLayerClassifier(iterations=5000, random_state=0))
    assert cross_val_score(pipeline, X, words).mean() > 0.94
    search = GridSearchCV(pipeline, {"twolayerclassifier__hidden": [1, 5]}, cv=3).fit(X, words)
    assert set(search.classes_) == {"benign", "malignant"}
    probabilities = search.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (search.classes_[probabilities.argmax(axis=1)] == search.predict(X)).mean() > 0.999


def test_features_of_unlike_size_kill_the_units_and_a_warning_says_so():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=r"no hidden unit is active.*StandardScaler"):
        network = TwoLayerClassifier(random_state=0).fit(X, y)
    assert network.state_ == "dead"
    scaled = TwoLayerClassifier(random_state=0).fit(StandardScaler().fit_transform(X), y)
    assert scaled.state_ != "dead"
    assert scaled.loss_curve_[-1] < scaled.loss_curve_[0]
    assert len(scaled.loss_curve_) == 100


def test_three_classes():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    pipeline = make_pipeline(StandardScaler(), TwoLayerClassifier(iterations=5000, random_state=0))
    # scikit-learn's logistic regression is right on 0.95 to 0.97 of these
    assert cross_val_score(pipeline, X, names).mean() > 0.93
    pipeline.fit(X, names)
    np.testing.assert_allclose(pipeline.predict_proba(X).sum(axis=1), 1)
    best = pipeline.predict_proba(X).argmax(axis=1)
    assert (pipeline.classes_[best] == pipeline.predict(X)).mean() > 0.99
    assert pipeline.decision_function(X).shape == (150, 3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # all units are off
def test_weights_stand_for_how_often_an_example_is_there():
    """Points at one place with both labels: the output there is the log-odds of the weights."""
    X, y = np.zeros((2, 1)), np.array([0, 1])
    network = TwoLayerClassifier(hidden=1, learning_rate=0.01, iterations=60_000, random_state=0)
    found = network.fit(X, y, sample_weight=[1, 4]).decision_function(X)
    np.testing.assert_allclose(found, np.log(4), atol=0.25)
    balanced = network.set_params(class_weight="balanced")
    found = balanced.fit(np.zeros((5, 1)), [0, 1, 1, 1, 1]).decision_function(X)
    np.testing.assert_allclose(found, 0, atol=0.25)


def test_an_example_without_weight_is_never_drawn():
    X, y = np.array([[-1.0], [1.0], [1.0]]), np.array([0, 1, 0])
    network = TwoLayerClassifier(iterations=5000, random_state=0)
    assert network.fit(X, y, sample_weight=[1, 1, 0]).predict(X).tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="at least one non-zero"):
        network.fit(X, y, sample_weight=[0, 0, 0])


def test_going_on_is_one_longer_training():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    for labels in (y, y > 0):
        network = TwoLayerClassifier(iterations=300, warm_start=True, random_state=0)
        first = network.fit(X, labels).loss_curve_[-1]
        for _ in range(5):
            network.fit(X, labels)
        assert network.n_iter_ == 1800
        assert network.loss_curve_[-1] < first
        partly = TwoLayerClassifier(random_state=0)
        for _ in range(10):
            partly.partial_fit(X, labels, classes=np.unique(labels))
        assert partly.n_iter_ == 1500
        assert partly.score(X, labels) > 0.9
    with pytest.raises(ValueError, match="found the class 7"):
        TwoLayerClassifier().partial_fit(X, y).partial_fit(X[:1], [7])


def test_a_rate_that_overflows_is_said():
    X, y = np.array([[1e200], [-1e200]]), np.array([0, 1])
    with pytest.raises(DivergedError, match="learning rate"):
        TwoLayerClassifier(learning_rate=1e200, random_state=0).fit(X, y)


def test_settings_of_other_kinds():
    points = double_moon(100)
    x, y = points.features, points.labels
    for changed in ({"hidden": 3.0}, {"random_state": np.random.default_rng(3)}):
        settings = {"hidden": 3, "iterations": 100, "random_state": 0} | changed
        assert TwoLayerClassifier(**settings).fit(x, y).n_iter_ == 100
    with pytest.raises(InputError, match="complex"):
        Points.of(x + 1j, y)
