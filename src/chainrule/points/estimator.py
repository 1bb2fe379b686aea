"""The two-layer network as a scikit-learn estimator."""

import warnings
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.errors import DivergedError, InputError
from chainrule.points.data import Points
from chainrule.points.kernel import sgd_steps
from chainrule.points.network import forward, loss
from chainrule.points.training import check_settings, initial_parameters, state

_LOOKS = 100  # how often the mean loss is taken over a run


class TwoLayerClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classes told apart by relu(W_in x + b_in) . w_out + b_out, trained by per-sample SGD.

    hidden: units h; learning_rate; iterations: SGD steps; initialization: `he`, `uniform` or
    `normal` (see `chainrule.points.training`); class_weight: None, "balanced" or a dict;
    warm_start: `fit` goes on from the weights that are there; random_state: seed, Generator,
    RandomState or None. Features of unlike size want a StandardScaler before it: without one the
    hidden units may die, of which a ConvergenceWarning tells.

    An example of weight w is drawn w times as often. With p_i = w_i / sum(w) the expected step is
    the gradient of sum_i p_i s_i, the weighted mean loss, as for equal weights it is that of the
    mean loss. Of more than two classes each has a network of its own that tells it from the others
    (`estimators_`); the one with the largest output wins.

    After `fit`: classes_ (k,), n_iter_, loss_curve_ (the mean loss after every hundredth of the
    run), state_ (`converged`, `dead`, `plateau` or `oscillating`: see `training.state`), and for
    two classes W_in_ (h, d), b_in_ (h,), w_out_ (h,), b_out_ float.

    Raises ValueError on data or settings out of range, DivergedError if the weights overflow.
    """

    def __init__(
        self,
        hidden: int = 7,
        learning_rate: float = 0.02,
        iterations: int = 100_000,
        initialization: str = "he",
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.iterations = iterations
        self.initialization = initialization
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "TwoLayerClassifier":
        """Train on X (n, d), the labels y (n,) of two or more values, and weights (n,)."""
        X, y = self._checked(X, y, reset=True)
        classes = unique_labels(y)
        if len(classes) < 2:
            raise ValueError("found one class; expected at least two classes in y")
        goes_on = self.warm_start and self._fits(X, classes)
        if not goes_on:
            self._forget()
            self.classes_, self.n_iter_ = classes, 0
            self.loss_curve_ = list[float]()
        _, _, steps = check_settings(self.hidden, self.learning_rate, self.iterations)
        return self._learn(X, y, sample_weight, steps, goes_on)

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "TwoLayerClassifier":
        """Go on for n steps, one for each row of X (n, d) on average.

        classes: all that will ever come, at the first call; by default those in y.
        """
        first = not hasattr(self, "classes_")
        X, y = self._checked(X, y, reset=first)
        if first:
            self.classes_ = unique_labels(y if classes is None else classes)
            self.n_iter_, self.loss_curve_ = 0, list[float]()
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"found the class {unknown[0]}; expected one of {self.classes_}")
        return self._learn(X, y, sample_weight, len(y), not first)

    def decision_function(self, X: Any) -> np.ndarray:
        """y_hat at X (n, d): (n,) for two classes, above 0 is the second; else (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if len(self.classes_) > 2:
            return np.stack([one.decision_function(X) for one in self.estimators_], axis=1)
        outputs: np.ndarray = np.maximum(X @ self.W_in_.T + self.b_in_, 0) @ self.w_out_
        return outputs + self.b_out_

    def predict(self, X: Any) -> np.ndarray:
        """The class (n,) of each row of X (n, d)."""
        outputs = self.decision_function(X)
        best = outputs.argmax(1) if outputs.ndim == 2 else (outputs > 0).astype(int)
        chosen: np.ndarray = self.classes_[best]
        return chosen

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities (n, k) of the classes: the logistic function of y_hat.

        Of more than two classes those of the networks are brought to a sum of 1.
        """
        y_hat = self.decision_function(X)
        if y_hat.ndim == 1:
            return np.stack([expit(-y_hat), expit(y_hat)], axis=1)
        each: np.ndarray = np.maximum(expit(y_hat), np.finfo(np.float64).tiny)
        each /= each.sum(axis=1, keepdims=True)
        return each

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=np.float64, order="C", reset=reset)
        check_classification_targets(y)
        return X, y

    def _fits(self, X: np.ndarray, classes: np.ndarray) -> bool:
        """Whether the weights that are there are of these features, classes and hidden units."""
        if not hasattr(self, "classes_") or not np.array_equal(self.classes_, classes):
            return False
        one = self.estimators_[0] if len(classes) > 2 else self
        return bool(one.W_in_.shape == (self.hidden, X.shape[1]))

    def _forget(self) -> None:
        for name in ("W_in_", "b_in_", "w_out_", "b_out_", "estimators_", "state_"):
            if hasattr(self, name):
                delattr(self, name)

    def _learn(
        self, X: np.ndarray, y: np.ndarray, sample_weight: Any, steps: int, goes_on: bool
    ) -> "TwoLayerClassifier":
        weights = None
        if sample_weight is not None or self.class_weight is not None:
            given = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if not given.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
            weights = given * compute_sample_weight(self.class_weight, y)
        check_settings(self.hidden, self.learning_rate, self.iterations)
        random = self.random_state
        if isinstance(random, np.random.Generator):
            random = int(random.integers(2**32))
        random = check_random_state(random)
        if len(self.classes_) > 2:
            self._learn_each(X, y, weights, steps, random)
        else:
            self._learn_two(X, y == self.classes_[-1], weights, steps, random, goes_on)
        self.n_iter_ += steps
        if self.state_ == "dead":
            warnings.warn(
                "no hidden unit is active on any training point, so every point gets the same "
                "output: scale the features (sklearn.preprocessing.StandardScaler), lower "
                "`learning_rate` or choose another `random_state`",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _learn_each(
        self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, steps: int, random: Any
    ) -> None:
        """One network a class."""
        if not hasattr(self, "estimators_"):
            settings = {"class_weight": None, "random_state": None}
            self.estimators_ = [clone(self).set_params(**settings) for _ in self.classes_]
            for one in self.estimators_:
                one.classes_, one.n_iter_, one.loss_curve_ = np.array([False, True]), 0, []
                one.n_features_in_ = X.shape[1]
        for one, name in zip(self.estimators_, self.classes_, strict=True):
            goes_on = hasattr(one, "W_in_")
            one._learn_two(X, y == name, weights, steps, random, goes_on)
            one.n_iter_ += steps
        self.loss_curve_ = np.mean([one.loss_curve_ for one in self.estimators_], axis=0).tolist()
        states = [one.state_ for one in self.estimators_]
        worst = ("dead", "oscillating", "plateau", "converged")
        self.state_ = next(name for name in worst if name in states)

    def _learn_two(
        self,
        X: np.ndarray,
        second: np.ndarray,
        weights: np.ndarray | None,
        steps: int,
        random: Any,
        goes_on: bool,
    ) -> None:
        seeds = np.random.SeedSequence(random.randint(0, 2**31 - 1)).spawn(2)
        if not goes_on:
            start = initial_parameters(X.shape[1], int(self.hidden), self.initialization, seeds[0])
            self.W_in_, self.b_in_, self.w_out_ = start["W_in"], start["b_in"], start["w_out"]
            self.b_out_ = float(start["b_out"])
        generator = np.random.default_rng(seeds[1])
        if weights is None:
            order = generator.integers(0, len(X), steps)
        else:
            share = np.cumsum(weights) / weights.sum()
            order = np.searchsorted(share, generator.random(steps), side="right")
        signs = np.where(second, 1.0, -1.0)
        arrays = [np.array(a, np.float64) for a in (self.W_in_, self.b_in_, self.w_out_)]
        b_out = np.array([self.b_out_])
        wrong = []
        for part in np.array_split(order, min(_LOOKS, steps)):
            failed = sgd_steps(*arrays, b_out, X, signs, part, float(self.learning_rate))
            parameters = dict(zip(("W_in", "b_in", "w_out"), arrays, strict=True))
            parameters["b_out"] = b_out.reshape(())
            try:
                y_hat = forward(X, parameters).y_hat if failed < 0 else None
            except InputError:
                y_hat = None
            if y_hat is None:
                raise DivergedError(
                    f"the weights overflowed within {steps} iterations with learning rate "
                    f"{self.learning_rate:g}; expected finite weights: choose a smaller rate"
                )
            self.loss_curve_.append(float(np.average(loss(y_hat, signs), weights=weights)))
            wrong.append(int(((y_hat > 0) != second).sum()))
        self.W_in_, self.b_in_, self.w_out_ = arrays
        self.b_out_ = float(b_out[0])
        self.state_ = state(np.array(wrong, np.int32), parameters, Points(X, signs))
