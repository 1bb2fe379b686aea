"""The checks of notebook 2: against the library's blocks."""

import numpy as np
import torch

from chainrule.blocks import Convolution, MaxPooling
from chainrule.practical.notebooks.checks.compare import Answer, Hints, WrongAnswer, same
from chainrule.practical.notebooks.checks.parts import Part

Guesses = list[tuple[object, str]]


def output_size(answer: Answer) -> None:
    for width, size, stride, padding, right in (
        (20, 4, 2, 3, 12),
        (32, 5, 1, 0, 28),
        (28, 2, 2, 0, 14),
        (576, 5, 1, 0, 572),
        (7, 3, 2, 0, 3),
        (8, 3, 2, 1, 4),
        (9, 4, 3, 2, 4),
        (2, 3, 1, 1, 2),
        (3, 5, 1, 0, 0),
        (5, 5, 2, 0, 1),
    ):
        found = answer(width, size, stride, padding)
        exact = (width + 2 * padding - size) / stride + 1
        guesses: Guesses = [
            (right - 1, "the first place is not counted"),
            (right + 1, "one place too many: the last window must lie inside"),
            ((width + padding - size) // stride + 1, "the padding is on both ends"),
            ((width - size) // stride + 1, "the padding has no part in it"),
            (exact, "it is no whole number: the last window must lie inside"),
            (-(-(width + 2 * padding - size) // stride) + 1, "a window that hangs over counts"),
        ]
        if width < size and right:
            guesses = [(0, "with the padding the window fits")]
        if right == 0:
            guesses = [(found, "a window that is wider than the row has no place")]
        case = f"(for width {width}, size {size}, stride {stride}, padding {padding})"
        same("the number of places", found, right, Hints(guesses), case)


def convolution(answer: Answer) -> None:
    for x, w in _pictures_and_filters():
        turned = w[:, :, ::-1, ::-1]
        none = np.zeros(len(w))
        hints = Hints(
            [
                (_convolved(x, turned, none), "the filter is turned round: it is not in a network"),
                (
                    _convolved(x[:, :1], w[:, :1], none),
                    "only the first channel has a part in it",
                ),
                (
                    _convolved(x.mean(1, keepdims=True), w.sum(1, keepdims=True), none),
                    "the channels are mixed before they are filtered: each has its own weights",
                ),
            ],
            {"the pixels of a filter": float(w[0].size), "the channels": float(x.shape[1])},
        )
        found, right = answer(x, w, none), _convolved(x, w, none)
        if np.shape(found) == (len(x), len(w), *x.shape[2:]) != right.shape:
            raise WrongAnswer("y is as large as the picture: without padding it is smaller")
        same("y", found, right, hints)


def _bias(answer: Answer) -> None:
    convolution(answer)
    for x, w in _pictures_and_filters():
        b = np.linspace(1.0, 2.0, len(w))
        hints = Hints(
            [
                (_convolved(x, w, 0 * b), "the bias is missing"),
                (_convolved(x, w, b * w[0].size), "the bias is added at each pixel of the filter"),
                (
                    _convolved(x, w, b * w[0, 0].size),
                    "the bias is added at each pixel of the filter",
                ),
                (_convolved(x, w, b * x.shape[1]), "the bias is added once for each channel"),
                (_convolved(x, w, -b), "the bias has the wrong sign"),
            ]
        )
        same("y", answer(x, w, b), _convolved(x, w, b), hints, "(with a bias)")


def _pictures_and_filters() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(2)
    shapes = (((2, 3, 7, 6), (4, 3, 3, 2)), ((1, 1, 5, 5), (2, 1, 5, 5)))
    return [(generator.normal(size=a), generator.normal(size=b)) for a, b in shapes]


def relu(answer: Answer) -> None:
    x = np.random.default_rng(3).normal(size=(2, 3, 4))
    hints = Hints(
        [
            (np.abs(x), "negative entries are turned round: they give 0"),
            ((x > 0) * 1.0, "it is the slope, not the value"),
            (np.minimum(x, 0), "it keeps the negative entries, not the others"),
            (np.clip(x, 0, 1), "values above 1 are cut off: nothing bounds them"),
            (np.maximum(x, 0).max(), "it is one number: each entry is compared with 0 by itself"),
            (x[x > 0], "the negative entries are left out: they give 0"),
        ]
    )
    same("y", answer(x), np.maximum(x, 0), hints)


def max_pooling(answer: Answer) -> None:
    for x, size, stride in _ranked():
        case = f"(for windows of {size}, stride {stride})"
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
        strided = windows[:, :, ::stride, ::stride]
        over_channels = strided.max(axis=(1, 4, 5))
        beside = windows[:, :, : strided.shape[2], : strided.shape[3]].max(axis=(4, 5))
        hints = Hints(
            [
                (strided.mean(axis=(4, 5)), "it is the mean of each window"),
                (strided.min(axis=(4, 5)), "it is the smallest value of each window"),
                (_pooled(x, size, 1), "the windows lie one pixel apart: the stride has no part"),
                (beside, "the windows lie one pixel apart: the stride has no part"),
                (_pooled(x, size, size), "the windows lie side by side: the stride has no part"),
                (over_channels, "it is the largest over all channels, too"),
                (
                    np.repeat(over_channels[:, np.newaxis], x.shape[1], axis=1),
                    "it is the largest over all channels, too",
                ),
            ]
        )
        same("y", answer(x, size, stride), _pooled(x, size, stride), hints, case)


def _below_zero(answer: Answer) -> None:
    max_pooling(answer)
    for positive, size, stride in _ranked():
        x = positive - positive.size - 1.0
        right = _pooled(x, size, stride)
        hints = Hints(
            [
                (np.zeros(right.shape), "where all values are negative it gives 0"),
                (np.abs(right), "the sign is lost"),
            ]
        )
        same("y", answer(x, size, stride), right, hints, "(where all values are negative)")


def _ranked() -> list[tuple[np.ndarray, int, int]]:
    """Pictures in which no two values are equal, all above 0; the windows' size and stride."""
    generator = np.random.default_rng(4)
    shapes = (((2, 3, 7, 6), 3, 2), ((1, 2, 6, 8), 2, 2), ((1, 1, 5, 5), 3, 1))
    return [
        (generator.permutation(1.0 + np.arange(np.prod(shape))).reshape(shape), size, stride)
        for shape, size, stride in shapes
    ]


def _convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    block = Convolution(w.shape[1], w.shape[0], w.shape[2:])
    params = {"weight": torch.tensor(w.copy()), "bias": torch.tensor(b)}
    y: np.ndarray = block.forward(torch.tensor(x), params)[0].numpy()
    return y


def _pooled(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    y: np.ndarray = MaxPooling(size, stride).forward(torch.tensor(x), {})[0].numpy()
    return y


TASKS: dict[str, tuple[Part, ...]] = {
    "output_size": (Part("the number", 1, output_size),),
    "convolution": (Part("the filters", 3, convolution), Part("the bias", 1, _bias)),
    "relu": (Part("the value", 1, relu),),
    "max_pooling": (
        Part("the windows", 2, max_pooling),
        Part("values below 0", 1, _below_zero),
    ),
}
