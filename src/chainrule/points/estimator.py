"""The two-layer network as a scikit-learn estimator."""

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.errors import DivergedError
from chainrule.points.kernel import sgd_steps
from chainrule.points.training import check_settings, initial_parameters


class TwoLayerClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Two classes, told apart by relu(W_in x + b_in) . w_out + b_out, trained by per-sample SGD.

    hidden: units h; learning_rate; iterations: SGD steps; initialization: `he`, `uniform` or
    `normal` (see `chainrule.points.training`); random_state: seed, RandomState or None. Features of
    unlike size want a StandardScaler before it.

    After `fit`: classes_ (2,), W_in_ (h, d), b_in_ (h,), w_out_ (h,), b_out_ float, n_iter_.
    Raises ValueError on data or settings out of range, DivergedError if the weights overflow.
    """

    def __init__(
        self,
        hidden: int = 7,
        learning_rate: float = 0.02,
        iterations: int = 100_000,
        initialization: str = "he",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.iterations = iterations
        self.initialization = initialization
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "TwoLayerClassifier":
        """Train on X (n, d) and the labels y (n,), any two values."""
        check_settings(self.hidden, self.learning_rate, self.iterations)
        X, y = validate_data(self, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("found one class; expected two classes in y")
        random = check_random_state(self.random_state)
        seeds = np.random.SeedSequence(random.randint(0, 2**31 - 1)).spawn(2)
        start = initial_parameters(X.shape[1], self.hidden, self.initialization, seeds[0])
        b_out = start["b_out"].reshape(1)
        order = np.random.default_rng(seeds[1]).integers(0, len(y), self.iterations)
        signs = np.where(y == self.classes_[1], 1.0, -1.0)
        parameters = (start["W_in"], start["b_in"], start["w_out"], b_out)
        failed = sgd_steps(*parameters, X, signs, order, float(self.learning_rate))
        if failed >= 0:
            raise DivergedError(
                f"the weights overflowed by iteration {failed + 1} with learning rate "
                f"{self.learning_rate:g}; expected finite weights: choose a smaller rate"
            )
        self.W_in_, self.b_in_, self.w_out_ = parameters[:3]
        self.b_out_ = float(b_out[0])
        self.n_iter_ = self.iterations
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """y_hat (n,) at X (n, d): above 0 is the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        outputs: np.ndarray = np.maximum(X @ self.W_in_.T + self.b_in_, 0) @ self.w_out_
        return outputs + self.b_out_

    def predict(self, X: Any) -> np.ndarray:
        """The class (n,) of each row of X (n, d)."""
        second = self.decision_function(X) > 0
        chosen: np.ndarray = self.classes_[second.astype(int)]
        return chosen

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities (n, 2) of the classes: the logistic function of y_hat."""
        y_hat = self.decision_function(X)
        return np.stack([expit(-y_hat), expit(y_hat)], axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
