"""A training that can be held anywhere: its next steps are the same bits however it is cut."""

from typing import Any

import numpy as np
from jaxtyping import Int32

from chainrule.errors import DivergedError, InputError
from chainrule.points.data import Points

Parameters = dict[str, np.ndarray]


class Stepping:
    """Per-sample SGD of the two-layer network from `initial` on, as far as it is asked to go.

    initial: W_in (h, d), b_in (h,), w_out (h,), b_out (); order: draws the examples. `iteration` is
    how many steps were taken, `parameters` what they led to. `mark` holds a place, `back_to`
    returns to it. failed_at: the iteration at which a number overflowed, or None. Raises InputError
    if the validation points have other features.
    """

    def __init__(
        self,
        training: Points,
        validation: Points,
        initial: Parameters,
        learning_rate: float,
        order: np.random.SeedSequence,
    ) -> None:
        from chainrule.points.kernel import sgd_with_errors

        self._sgd = sgd_with_errors
        X, y = np.ascontiguousarray(training.features), training.labels
        if validation.features.shape[1] != X.shape[1]:
            raise InputError(
                f"validation points have {validation.features.shape[1]} features; expected "
                f"{X.shape[1]} as the training points have"
            )
        self._X, self._y = X, y
        self._points = np.ascontiguousarray(np.concatenate([X, validation.features]).T)
        self._labels = np.concatenate([y, validation.labels])
        self._W_in, self._b_in, self._w_out = (
            initial[name].copy() for name in ("W_in", "b_in", "w_out")
        )
        self._b_out = initial["b_out"].reshape(1).copy()
        self.learning_rate = float(learning_rate)
        self._order = np.random.default_rng(order)
        self.iteration = 0
        self.failed_at: int | None = None

    @property
    def parameters(self) -> Parameters:
        """W_in (h, d), b_in (h,), w_out (h,), b_out () after `iteration` steps, as copies."""
        return {
            "W_in": self._W_in.copy(),
            "b_in": self._b_in.copy(),
            "w_out": self._w_out.copy(),
            "b_out": self._b_out.reshape(()).copy(),
        }

    def advance(
        self, train_wrong: Int32[np.ndarray, " T"], validation_wrong: Int32[np.ndarray, " T"]
    ) -> None:
        """Take T steps; write how many points of both kinds are wrong after each.

        Raises DivergedError if a number overflows.
        """
        steps = len(train_wrong)
        failed = self._sgd(
            self._W_in,
            self._b_in,
            self._w_out,
            self._b_out,
            self._X,
            self._y,
            self._order.integers(0, len(self._y), steps),
            self.learning_rate,
            self._points,
            self._labels,
            train_wrong,
            validation_wrong,
        )
        if failed >= 0:
            self.failed_at = self.iteration + failed + 1
            raise DivergedError(
                f"the weights overflowed at iteration {self.failed_at} with learning rate "
                f"{self.learning_rate:g}; expected finite weights: choose a smaller rate"
            )
        self.iteration += steps

    def mark(self) -> dict[str, Any]:
        """The place that the training is at, for `back_to`."""
        return {
            "iteration": self.iteration,
            "parameters": self.parameters,
            "order": self._order.bit_generator.state,
        }

    def back_to(self, mark: dict[str, Any]) -> None:
        """Go to a place that `mark` gave of this training; the steps from there are the same."""
        self.iteration = mark["iteration"]
        found = mark["parameters"]
        self._W_in[:], self._b_in[:], self._w_out[:] = (
            found[name] for name in ("W_in", "b_in", "w_out")
        )
        self._b_out[0] = found["b_out"]
        self._order.bit_generator.state = mark["order"]
