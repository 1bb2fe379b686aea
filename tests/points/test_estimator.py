"""TwoLayerClassifier keeps scikit-learn's contract."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.errors import DivergedError
from chainrule.points.estimator import TwoLayerClassifier


@parametrize_with_checks([TwoLayerClassifier(iterations=20_000)])
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


def test_a_rate_that_overflows_is_said():
    X, y = np.array([[1e200], [-1e200]]), np.array([0, 1])
    with pytest.raises(DivergedError, match="learning rate"):
        TwoLayerClassifier(learning_rate=1e200, random_state=0).fit(X, y)
