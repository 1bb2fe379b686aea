"""The checks of notebook 2: against the library's blocks."""

import numpy as np
import torch

from chainrule.blocks import Convolution, MaxPooling
from chainrule.practical.notebooks.checks.compare import Answer, Check, Hints, WrongAnswer, same

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
        if right == 0:
            guesses = [(found, "a window that is wider than the row has no place")]
        case = f"(for width {width}, size {size}, stride {stride}, padding {padding})"
        same("the number of places", found, right, Hints(guesses), case)


def convolution(answer: Answer) -> None:
    generator = np.random.default_rng(2)
    for shape, filters in (((2, 3, 7, 6), (4, 3, 3, 2)), ((1, 1, 5, 5), (2, 1, 5, 5))):
        x, w = generator.normal(size=shape), generator.normal(size=filters)
        b = generator.normal(size=filters[0])
        turned = w[:, :, ::-1, ::-1]
        hints = Hints(
            [
                (_convolved(x, turned, b), "the filter is turned round: it is not in a network"),
                (_convolved(x, w, 0 * b), "the bias is missing"),
                (_convolved(x, w, b * w[0].size), "the bias is added at each pixel of the filter"),
                (_convolved(x, w, b * shape[1]), "the bias is added once for each channel"),
                (_convolved(x[:, :1], w[:, :1], b), "only the first channel has a part in it"),
                (
                    _convolved(x.mean(1, keepdims=True), w.sum(1, keepdims=True), b),
                    "the channels are mixed before they are filtered: each has its own weights",
                ),
            ],
            {"the pixels of a filter": float(w[0].size), "the channels": float(shape[1])},
        )
        found, right = answer(x, w, b), _convolved(x, w, b)
        if np.shape(found) == (shape[0], filters[0], *shape[2:]) != right.shape:
            raise WrongAnswer("y is as large as the picture: without padding it is smaller")
        same("y", found, right, hints)


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
    generator = np.random.default_rng(4)
    for shape, size, stride in (((2, 3, 7, 6), 3, 2), ((1, 2, 6, 8), 2, 2), ((1, 1, 5, 5), 3, 1)):
        x = generator.permutation(float(np.prod(shape)) - np.arange(np.prod(shape)))
        x = x.reshape(shape) - np.prod(shape) - 1.0  # negative: zeros of a padding would win
        case = f"(for windows of {size}, stride {stride})"
        right = _pooled(x, size, stride)
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
        strided = windows[:, :, ::stride, ::stride]
        hints = Hints(
            [
                (strided.mean(axis=(4, 5)), "it is the mean of each window"),
                (strided.min(axis=(4, 5)), "it is the smallest value of each window"),
                (_pooled(x, size, 1), "the windows lie one pixel apart: the stride has no part"),
                (_pooled(x, size, size), "the windows lie side by side: the stride has no part"),
                (strided.max(axis=(1, 4, 5)), "it is the largest over all channels, too"),
                (np.abs(right), "the sign is lost"),
                (np.zeros(right.shape), "where all values are negative it gives 0"),
            ]
        )
        same("y", answer(x, size, stride), right, hints, case)


def _convolved(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    block = Convolution(w.shape[1], w.shape[0], w.shape[2:])
    params = {"weight": torch.tensor(w.copy()), "bias": torch.tensor(b)}
    y: np.ndarray = block.forward(torch.tensor(x), params)[0].numpy()
    return y


def _pooled(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    y: np.ndarray = MaxPooling(size, stride).forward(torch.tensor(x), {})[0].numpy()
    return y


CHECKS: dict[str, Check] = {
    "output_size": output_size,
    "convolution": convolution,
    "relu": relu,
    "max_pooling": max_pooling,
}
