"""The checks of notebook 1."""

from typing import Any

import numpy as np

from chainrule.checking.derivatives import numerical_derivative
from chainrule.points import network
from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Check,
    Hints,
    WrongAnswer,
    as_array,
    parts,
    same,
)
from chainrule.practical.notebooks.checks.parts import Part
from chainrule.practical.notebooks.wire import Code

PARAMETERS = network.PARAMETERS
D, H = 3, 5


def loss_derivative(answer: Answer) -> None:
    y_hat = np.array([[-2.0, -0.5, 0.3, 1.7], [0.9, 2.5, -1.1, 0.0]])
    # labels of both kinds: with y = 1 alone a missing y looks like a wrong sign
    labels = np.array([[1.0, -1.0, -1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    right = _by_differences(y_hat, labels)
    sigmoid = 1 / (1 + np.exp(labels * y_hat))
    hints = Hints(
        [
            (sigmoid, "the factor y is missing, with its sign: the chain rule's inner factor"),
            (-sigmoid, "the factor y is missing: the derivative of -y y_hat by y_hat"),
            (-labels / (1 + np.exp(-labels * y_hat)), "the sign in the exponent is wrong"),
            (
                -labels * np.exp(-labels * y_hat),
                "it is the derivative of the exponential alone: the logarithm has one, too",
            ),
            (1 / (1 + np.exp(-labels * y_hat)), "the derivative of the logarithm alone?"),
            (
                np.log1p(np.exp(-labels * y_hat)),
                "it is the loss itself, not its derivative",
            ),
        ]
    )
    same("ds/dy_hat", answer(y_hat, labels), right, hints)
    whole = "it is cut to whole numbers, as the labels are"
    found = answer(y_hat, labels.astype(int))
    case = "(for labels that are whole numbers)"
    same("ds/dy_hat", found, right, Hints([(np.trunc(right), whole)]), case)


def _far_outputs(answer: Answer) -> None:
    loss_derivative(answer)
    far = np.array([1000.0, -1000.0, 1000.0, -1000.0])
    labels = np.array([1.0, 1.0, -1.0, -1.0])
    found = as_array("ds/dy_hat", answer(far, labels))
    if not np.isfinite(found).all():
        raise WrongAnswer(
            "ds/dy_hat is not a number for y_hat = 1000 or -1000: an exponential overflows"
        )
    same("ds/dy_hat", found, [0.0, -1.0, 1.0, 0.0], case="(for outputs of 1000 and -1000)")


def _derivative_by(name: str) -> Check:
    """The check of one parameter's derivative."""

    def check(answer: Answer) -> None:
        for seed, y in enumerate((1.0, -1.0, 1.0)):
            x, parameters = _example(seed)
            right = numerical_derivative(
                lambda p, x=x, y=y: network.loss(network.forward(x, p).y_hat, y),  # type: ignore[misc]
                parameters,
            )
            found = _derivatives(answer, x, y, parameters)[name]
            hints = Hints(_slips(x, y, parameters)[name])
            same(f"d{name}", found, right[name], hints, f"(for y = {y:g})")
        if name == "b_in":
            _at_the_kink(answer)

    return check


def _derivatives(answer: Answer, x: np.ndarray, y: float, parameters: Any) -> dict[str, Any]:
    found = parts(
        answer(x, y, *(parameters[name] for name in PARAMETERS)),
        ("dW_in", "db_in", "dw_out", "db_out"),
    )
    return dict(zip(PARAMETERS, found, strict=True))


def _slips(x: np.ndarray, y: float, parameters: Any) -> dict[str, list[tuple[Any, str]]]:
    """What typical mistakes give, by the parameter."""
    z, hidden, y_hat = network.forward(x, parameters)
    ds = float(network.loss_derivative(y_hat, y))
    w_out, active = parameters["w_out"], z > 0
    through = "the way back through the maximum is missing: it is flat where z is below 0"
    no_loss = "the loss's own derivative is missing from the product"
    return {
        "W_in": [
            (np.outer(ds * w_out, x), f"dW_in: {through}"),
            (np.outer(w_out * active, x), f"dW_in: {no_loss}"),
            (np.outer(ds * active, x), "dW_in: w_out, which comes after H, is missing"),
            (np.outer(x, ds * w_out * active), "dW_in is transposed: it has W_in's shape"),
            (np.outer(ds * w_out * hidden, x), "dW_in: H stands where its derivative belongs"),
            (np.outer(ds * w_out * active, np.ones(D)), "dW_in: the input x is missing"),
            (ds * w_out * active, "dW_in: the input x is missing: it is db_in"),
        ],
        "b_in": [
            (ds * w_out, f"db_in: {through}"),
            (w_out * active, f"db_in: {no_loss}"),
            (ds * active, "db_in: w_out, which comes after H, is missing"),
            (ds * w_out * hidden, "db_in: H stands where its derivative belongs"),
            (
                (ds * w_out * active).sum(),
                "db_in is summed over the hidden units: it has b_in's shape",
            ),
        ],
        "w_out": [
            (ds * z, "dw_out: z stands where H belongs"),
            (hidden, f"dw_out: {no_loss}"),
            (ds * w_out, "dw_out: it is the derivative by H"),
            (ds * active, "dw_out: the slope of the maximum stands where its value belongs"),
        ],
        "b_out": [(1.0, f"db_out: {no_loss}"), (ds * hidden.sum(), "db_out: H has no part")],
    }


def _at_the_kink(answer: Answer) -> None:
    x, parameters = _example(0)
    parameters["b_in"][1] = 0.0
    parameters["W_in"][1] = 0.0
    found = as_array("db_in", _derivatives(answer, x, 1.0, parameters)["b_in"])
    if found[1] != 0:
        raise WrongAnswer("db_in at the kink, where z is exactly 0, is not 0 as the task asks")


def finite_difference(answer: Answer) -> None:
    theta = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    weights = np.arange(1.0, 7.0).reshape(2, 3)
    delta = 1e-2
    function = Code("lambda a: float((a**3 * np.arange(1.0, 7.0).reshape(2, 3)).sum())")
    right = weights * (3 * theta**2 + delta**2)  # of a cubic, by two-sided differences, exactly
    upward = weights * (3 * theta**2 + 3 * theta * delta + delta**2)
    downward = weights * (3 * theta**2 - 3 * theta * delta + delta**2)
    one_sided = "the difference is one-sided: its error is proportional to delta, not its square"
    hints = Hints(
        [
            (upward, one_sided),
            (downward, one_sided),
            (
                np.full(theta.shape, right.sum()),
                "all entries are moved at once: each derivative is the sum of all",
            ),
            (right.sum(), "all entries are moved at once: one number for the whole array"),
            (2 * delta * right, "the difference is not divided by how far apart the points are"),
            (right.ravel(), "it is right but flat: it has theta's shape"),
        ],
        {"as often as one goes to both sides": 2.0, "as delta is": delta},
    )
    same("df/dtheta", answer(function, theta, delta), right, hints)


def _any_shape(answer: Answer) -> None:
    finite_difference(answer)
    for shape in ((), (4,), (2, 1, 2)):
        point = np.linspace(0.5, 2.0, int(np.prod(shape))).reshape(shape)
        found = answer(Code("lambda a: float((a**2).sum())"), point, 1e-4)
        same("df/dtheta", found, 2 * point, case=f"(for theta of shape {shape})")


def sgd_step(answer: Answer) -> None:
    _, parameters = _example(3)
    given = tuple(parameters[name] for name in PARAMETERS)
    slopes = tuple(np.asarray(p) * 0.5 + 1.0 for p in given)
    rate = 0.02
    found = parts(answer(given, slopes, rate), PARAMETERS)
    for name, value, p, d in zip(PARAMETERS, found, given, slopes, strict=True):
        hints = Hints(
            [
                (p + rate * d, f"{name} goes up the slope: the loss would grow"),
                (p - d, f"{name}: the learning rate has no part in the step"),
                (p, f"{name} does not move"),
                (-rate * d, f"{name}: it is the step alone, not where the step leads"),
                (p * (1 - rate), f"{name}: it shrinks whatever its derivative is"),
            ]
        )
        same(name, value, p - rate * d, hints)


def wrong_points(answer: Answer) -> None:
    for seed in range(3):
        _, parameters = _example(10 + seed)
        X = np.random.default_rng(seed).normal(size=(40, D))
        y_hat = network.forward(X, parameters).y_hat
        # some outputs on either side of 0, none so near that rounding could move it across
        parameters["b_out"] = np.asarray(parameters["b_out"] - np.median(y_hat) - 0.01)
        given = np.where(network.forward(X, parameters).y_hat > 0, 1.0, -1.0)
        wrong = np.random.default_rng(seed + 7).random(len(X)) < 0.3
        y, right = np.where(wrong, -given, given), int(wrong.sum())
        hints = Hints(
            [
                (len(y) - right, "it counts the points that are right"),
                (right / len(y), "it is the share of wrong points; expected their number"),
                (1 - right / len(y), "it is the share of right points"),
                (2 * right, "each wrong point is counted twice"),
            ]
        )
        arguments = [parameters[name] for name in PARAMETERS]
        same("the number of wrong points", answer(X, y, *arguments), right, hints)
    zero = [np.zeros((H, D)), np.zeros(H), np.zeros(H), np.zeros(())]
    found = answer(X, np.repeat([1.0, -1.0], [30, 10]), *zero)
    message = "an output of exactly 0 is class -1, as the task says, not 1"
    same(
        "the number of wrong points", found, 30, Hints([(10, message), (40, message), (0, message)])
    )


def _by_differences(y_hat: np.ndarray, y: np.ndarray) -> np.ndarray:
    slopes = numerical_derivative(lambda a: network.loss(a["y_hat"], y).sum(), {"y_hat": y_hat})
    return slopes["y_hat"]


def _example(seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A point and parameters with some units on either side of the kink, none within reach."""
    generator = np.random.default_rng(seed)
    while True:
        x = generator.normal(size=D)
        parameters = {
            "W_in": generator.normal(size=(H, D)),
            "b_in": generator.normal(size=H),
            "w_out": generator.normal(size=H),
            "b_out": np.asarray(generator.normal()),
        }
        z = network.forward(x, parameters).z
        if 2 <= (z > 0).sum() < H and np.abs(z).min() > 0.05:
            return x, parameters


TASKS: dict[str, tuple[Part, ...]] = {
    "loss_derivative": (
        Part("the formula", 1, loss_derivative),
        Part("outputs far from 0", 1, _far_outputs),
    ),
    "derivatives": tuple(Part(f"d{name}", 1, _derivative_by(name)) for name in PARAMETERS),
    "finite_difference": (
        Part("the difference", 2, finite_difference),
        Part("theta of any shape", 1, _any_shape),
    ),
    "sgd_step": (Part("the step", 2, sgd_step),),
    "wrong_points": (Part("the number", 1, wrong_points),),
}
