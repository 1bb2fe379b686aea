"""The checks of notebook 4."""

import numpy as np
from scipy.special import log_softmax

from chainrule.checking.derivatives import numerical_derivative
from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Check,
    Hints,
    WrongAnswer,
    as_array,
    parts,
    same,
)

FAR = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 999.0]])
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
    found = as_array("the loss", answer(FAR, np.array([1, 1])))
    if not np.isfinite(found).all():
        raise WrongAnswer(
            "the loss is not finite for scores of 1000 and -1000: an exponential overflows, or the "
            "logarithm of a probability that has become 0 is taken"
        )
    right_far = 1000 + np.log1p(np.exp(-1.0)) / 2
    same("the loss", found, right_far, case="(for scores of 1000 and -1000)")


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
    found = as_array("ds/dx", answer(FAR, np.array([1, 1])))
    if not np.isfinite(found).all():
        raise WrongAnswer("ds/dx is not finite for scores of 1000 and -1000: something overflows")
    wanted = [[0.5, -0.5, 0.0], [0.0, -0.5 / (1 + np.e), 0.5 / (1 + np.e)]]
    same("ds/dx", found, wanted, case="(for scores of 1000 and -1000)")


def top_error(answer: Answer) -> None:
    generator = np.random.default_rng(12)
    x, t = generator.normal(size=(40, 8)), generator.integers(0, 8, 40)
    for k in (3, 1, 8):
        order = np.argsort(-x, axis=1)
        rank = (order == t[:, np.newaxis]).argmax(axis=1)
        right = float((rank >= k).mean())
        guesses = [
            (1 - right, "it is the share of right pictures"),
            (right * len(t), "it is the number of wrong pictures; expected their share"),
            (100 * right, "it is in percent; expected a share from 0 to 1"),
            ((rank >= 8 - k).mean(), "the lowest scores are taken for the best"),
            (1 - (rank >= 8 - k).mean(), "the lowest scores are taken for the best"),
            ((rank > k).mean(), "one class too many counts as among the best"),
            ((rank != k - 1).mean(), "the class at place k alone counts: all before it do, too"),
        ]
        if k > 1:
            guesses.append(((rank >= 1).mean(), "k has no part in it"))
        same("the error", answer(x, t, k), right, Hints(guesses), f"(for k = {k} of 8 classes)")


def output_and_field(answer: Answer) -> None:
    for layers in (ORIGINAL, ((3, 2), (3, 2), (3, 1)), ((5, 1),)):
        for width in (61, 576):
            found = parts(answer(width, list(layers)), ("the output's width", "the field"))
            out, field, apart = width, 1, 1
            for size, stride in layers:
                out, field = (out - size) // stride + 1, field + (size - 1) * apart
                apart *= stride
            case = f"(for {width} pixels through {list(layers)})"
            sizes = [size for size, _ in layers]
            hints = Hints(
                [
                    (_chained(width, layers, 0), "the width: the first place is not counted"),
                    (width - sum(sizes) + len(sizes), "the width: strides have no part in it"),
                    (
                        np.prod([size for size, _ in layers]),
                        "the field and the width have changed places",
                    ),
                    (field, "the field and the width have changed places"),
                ]
            )
            same("the output's width", found[0], out, hints, case)
            steps = [1, *np.cumprod([stride for _, stride in layers])]
            inside = sum((b - 1) * s for b, s in zip(sizes, steps[1:], strict=True)) + 1
            hints = Hints(
                [
                    (
                        sum(sizes) - len(sizes) + 1,
                        "the field: strides have no part in it, as if each layer's outputs lay one "
                        "pixel apart",
                    ),
                    (sum(sizes), "the field: the sizes are added up, but windows share pixels"),
                    (np.prod(sizes), "the field: the sizes are multiplied, but windows overlap"),
                    (inside, "the field: a layer's own stride widens what comes after it alone"),
                    (sizes[-1], "the field: it is the last layer's window alone"),
                ]
            )
            same("the field", found[1], field, hints, case)


def _chained(width: int, layers: tuple[tuple[int, int], ...], first: int) -> int:
    for size, stride in layers:
        width = (width - size) // stride + first
    return width


def _scores() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(11)
    return 2 * generator.normal(size=(6, 4)), np.array([2, 0, 3, 1, 0, 2])


CHECKS: dict[str, Check] = {
    "log_loss": log_loss,
    "log_loss_derivative": log_loss_derivative,
    "top_error": top_error,
    "output_and_field": output_and_field,
}
