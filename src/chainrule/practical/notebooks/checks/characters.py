"""The checks of notebook 4."""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_softmax

from chainrule.checking.derivatives import numerical_derivative
from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Hints,
    WrongAnswer,
    as_array,
    parts,
    same,
)
from chainrule.practical.notebooks.checks.parts import Part

# the last row lies far below the others: what is taken off must be its own
FAR = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 999.0], [-1000.0, -1001.0, -1002.0]])
ORIGINAL = ((5, 1), (2, 2), (5, 1), (2, 2), (4, 1), (2, 1))


def log_loss(answer: Answer) -> None:
    x, t = _scores()
    log_p = log_softmax(x, axis=1)
    p, right = np.exp(log_p), np.arange(len(t))
    hints = Hints(
        [
            (log_p[right, t].mean(), "the sign is wrong: the loss is never negative"),
            (-log_p.sum(axis=1).mean(), "it adds up all classes: the right one alone counts"),
            (-log_p.mean(), "it is the mean over all classes: the right one alone counts"),
            (-p[right, t].mean(), "the logarithm is missing"),
            (1 - p[right, t].mean(), "the logarithm is missing"),
            (-log_softmax(x, axis=0)[right, t].mean(), "the softmax goes along the batch"),
            (-log_p[right, t], "there is one number for each picture: the mean is missing"),
            (-x[right, t].mean(), "it is the score itself: the softmax is missing"),
            (-np.log10(p)[right, t].mean(), "it is the logarithm to the base of 10"),
            (-np.log2(p)[right, t].mean(), "it is the logarithm to the base of 2"),
        ],
        {"as the batch is: it is a mean": float(len(t))},
    )
    same("the loss", answer(x, t), -log_p[right, t].mean(), hints)


def _far_scores(answer: Answer) -> None:
    log_loss(answer)
    found = as_array("the loss", answer(FAR, np.array([1, 1, 1])))
    if not np.isfinite(found).all():
        raise WrongAnswer(
            "the loss is not finite for scores of 1000 and -1000: an exponential overflows, or the "
            "logarithm of a probability that has become 0 is taken"
        )
    each = 2000.0, np.log1p(np.exp(-1.0)), 1 + np.log1p(np.exp(-1.0) + np.exp(-2.0))
    same("the loss", found, np.mean(each), case="(for scores of 1000 and -1000)")


def log_loss_derivative(answer: Answer) -> None:
    x, t = _scores()
    n, k = x.shape
    right = numerical_derivative(
        lambda a: -log_softmax(a["x"], axis=1)[np.arange(n), t].mean(), {"x": x}
    )["x"]
    p, one = np.exp(log_softmax(x, axis=1)), np.eye(k)[t]
    hints = Hints(
        [
            (p / n, "the right class is treated as the others are"),
            (-one / n, "the classes that are not right have a part in it, too"),
            ((p - 1) * one / n, "the classes that are not right have a part in it, too"),
            ((p - one * p) / n, "the right class's own derivative is missing"),
            ((p - 1) / n, "1 is taken from every class, not from the right one alone"),
            (p - one, f"it is {n} times too large: the loss is a mean over the batch of {n}"),
            ((p - one).mean(axis=0), "it is summed over the batch: it has x's shape"),
            ((x - one) / n, "the scores stand where the probabilities belong"),
            (
                (np.exp(log_softmax(x, axis=0)) - one) / n,
                "the softmax goes along the batch, not along the classes",
            ),
        ],
        {"as there are classes": float(k), "as there are entries": float(n * k)},
    )
    same("ds/dx", answer(x, t), right, hints)


def _far_scores_derivative(answer: Answer) -> None:
    log_loss_derivative(answer)
    found = as_array("ds/dx", answer(FAR, np.array([1, 1, 1])))
    if not np.isfinite(found).all():
        raise WrongAnswer("ds/dx is not finite for scores of 1000 and -1000: something overflows")
    last = np.array([1.0, np.exp(-1.0), np.exp(-2.0)])
    wanted = [
        [1.0, -1.0, 0.0],
        [0.0, -1 / (1 + np.e), 1 / (1 + np.e)],
        last / last.sum() - np.array([0.0, 1.0, 0.0]),
    ]
    same("ds/dx", found, np.array(wanted) / 3, case="(for scores of 1000 and -1000)")


def top_error(answer: Answer) -> None:
    _among_best(answer, 1)


def _any_k(answer: Answer) -> None:
    for k in (4, 2, 11):
        _among_best(answer, k)


def _among_best(answer: Answer, k: int) -> None:
    generator = np.random.default_rng(12)
    x, t = generator.normal(size=(40, 11)), generator.integers(0, 11, 40)
    x[np.arange(40), t] += 1.5  # so that many are among the best
    order = np.argsort(-x, axis=1)
    rank = (order == t[:, np.newaxis]).argmax(axis=1)
    right = float((rank >= k).mean())
    guesses = [
        (1 - right, "it is the share of right pictures"),
        (right * len(t), "it is the number of wrong pictures; expected their share"),
        (100 * right, "it is in percent; expected a share from 0 to 1"),
        ((rank > k).mean(), "one class too many counts as among the best"),
        ((rank >= k - 1).mean(), "one class too few counts as among the best"),
        ((rank >= 5).mean(), "k has no part in it: five are taken whatever it is"),
        ((order[:, :k] != t[:, np.newaxis]).mean(), "a picture is right if any of the k is"),
        ((rank >= 11 - k).mean(), "the lowest scores are taken for the best"),
        (1 - (rank >= 11 - k).mean(), "the lowest scores are taken for the best"),
        ((rank != k - 1).mean(), "the class at place k alone counts: all before it do, too"),
    ]
    if k > 1:
        guesses.insert(0, ((rank >= 1).mean(), "k has no part in it"))
    same("the error", answer(x, t, k), right, Hints(guesses), f"(for k = {k} of 11 classes)")


def output_width(answer: Answer) -> None:
    for layers, width in _networks():
        found = parts(answer(width, list(layers)), ("the output's width", "the field"))
        sizes, places = [size for size, _ in layers], "the field and the width have changed places"
        out, field = _through(width, layers)
        turned = _through(width, layers[::-1])[0]
        hints = Hints(
            [
                (_chained(width, layers, 0), "the width: the first place is not counted"),
                (width - sum(sizes) + len(sizes), "the width: strides have no part in it"),
                (np.prod(sizes), places),
                (field, places),
                (turned, "the width: the layers are taken from the last to the first"),
            ]
        )
        case = f"(for {width} pixels through {list(layers)})"
        same("the output's width", found[0], out, hints, case)


def receptive_field(answer: Answer) -> None:
    for layers, width in _networks():
        found = parts(answer(width, list(layers)), ("the output's width", "the field"))
        sizes, strides = [size for size, _ in layers], [stride for _, stride in layers]
        out, field = _through(width, layers)
        steps = np.cumprod(strides)
        hints = Hints(
            [
                (
                    sum(sizes) - len(sizes) + 1,
                    "the field: strides have no part in it, as if each layer's outputs lay one "
                    "pixel apart",
                ),
                (sum(sizes), "the field: the sizes are added up, but windows share pixels"),
                (np.prod(sizes), "the field: the sizes are multiplied, but windows overlap"),
                (
                    _widened(sizes, steps),
                    "the field: a layer's own stride widens what comes after it alone",
                ),
                (
                    _widened(sizes, strides),
                    "the field: the strides of all layers before count, not the layer's own",
                ),
                (sizes[-1], "the field: it is the last layer's window alone"),
                (out, "the field and the width have changed places"),
            ]
        )
        case = f"(for {width} pixels through {list(layers)})"
        same("the field", found[1], field, hints, case)


def _networks() -> list[tuple[tuple[tuple[int, int], ...], int]]:
    layers = (ORIGINAL, ((3, 2), (3, 2), (3, 1)), ((5, 1),), ((4, 1), (2, 2), (7, 3)))
    return [(one, width) for one in layers for width in (61, 576)]


def _through(width: int, layers: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """The output's width, and its receptive field."""
    field, apart = 1, 1
    for size, stride in layers:
        width, field = (width - size) // stride + 1, field + (size - 1) * apart
        apart *= stride
    return width, field


def _widened(sizes: Sequence[int], steps: Sequence[int] | np.ndarray) -> int:
    return 1 + sum((size - 1) * int(step) for size, step in zip(sizes, steps, strict=True))


def _chained(width: int, layers: tuple[tuple[int, int], ...], first: int) -> int:
    for size, stride in layers:
        width = (width - size) // stride + first
    return width


def _scores() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(11)
    return 2 * generator.normal(size=(6, 4)), np.array([2, 0, 3, 1, 0, 2])


TASKS: dict[str, tuple[Part, ...]] = {
    "log_loss": (Part("the formula", 2, log_loss), Part("scores far from 0", 1, _far_scores)),
    "log_loss_derivative": (
        Part("the formula", 2, log_loss_derivative),
        Part("scores far from 0", 1, _far_scores_derivative),
    ),
    "top_error": (Part("the best one", 1, top_error), Part("any k", 1, _any_k)),
    "output_and_field": (
        Part("the width", 1, output_width),
        Part("the field", 2, receptive_field),
    ),
}
