"""The checks of notebook 3: backward passes against differences."""

from typing import Any

import numpy as np

from chainrule.blocks import Convolution, MaxPooling, ReLU
from chainrule.practical.notebooks.checks.backwards import right_backward
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

Slips = list[tuple[Any, str]]
"""Values that typical mistakes give, each with its sentence."""


def _convolution_backward_by(name: str) -> Check:
    """The check of the derivative by x, weight or bias."""

    def check(answer: Answer) -> None:
        generator = np.random.default_rng(6)
        for batch, channels, filters, size in ((3, 2, 4, (3, 2)), (1, 1, 1, (3, 3))):
            x = generator.normal(size=(batch, channels, 6, 5))
            params = {
                "weight": generator.normal(size=(filters, channels, *size)),
                "bias": generator.normal(size=filters),
            }

            def backward(x: np.ndarray, params: Any, dy: np.ndarray) -> dict[str, Any]:
                dx, dw, db = parts(answer(x, params["weight"], dy), ("dx", "dw", "db"))
                return {"x": dx, "weight": dw, "bias": db}

            rows, columns = 6 - size[0] + 1, 5 - size[1] + 1
            dy = np.random.default_rng(5).normal(size=(batch, filters, rows, columns))
            counts = {
                "as the batch is": float(batch),
                "as an output has pixels": float(rows * columns),
                "as the batch has pixels in all": float(batch * rows * columns),
            }
            hints = Hints(_slips(x, params["weight"], dy)[name], counts)
            block = Convolution(channels, filters, size)
            right_backward(name, block, x, params, backward, hints)

    return check


def _slips(x: np.ndarray, weight: np.ndarray, dy: np.ndarray) -> dict[str, Slips]:
    """What typical mistakes give, by what the derivative is by."""
    size = (weight.shape[2], weight.shape[3])
    each = [_dw(x[n : n + 1], dy[n : n + 1], size) for n in range(len(x))]
    return {
        "weight": [
            (each[0], "dw is that of the first picture alone"),
            (
                _dw(x, dy, size)[:, :, ::-1, ::-1],
                "dw is turned round: the filter is not turned in the forward pass",
            ),
            (
                np.stack(each),
                f"dw has a part for each picture: the sum over the batch of {len(x)} is missing",
            ),
        ],
        "bias": [
            (dy.sum(axis=(2, 3)), "db: the sum over the batch is missing"),
            (dy.sum(axis=0), "db: the sum over the pixels is missing"),
            (dy.sum(), "db is one number: each filter has its own bias"),
            (dy[0].sum(axis=(1, 2)), "db is that of the first picture alone"),
        ],
        "x": [
            (
                _dx(dy, weight[:, :, ::-1, ::-1]),
                "dx: the filter is turned the wrong way round on the way back",
            ),
            (_dx(dy[:, :1], weight[:1]), "dx comes from the first filter alone"),
            (
                _last_place_alone(dy, weight),
                "dx: each output replaces what others gave: a pixel gets from every output that "
                "it has a part in",
            ),
        ],
    }


def relu_backward(answer: Answer) -> None:
    x = np.random.default_rng(7).normal(size=(2, 3, 4, 4))
    x[np.abs(x) < 0.01] = 0.5

    def backward(x: np.ndarray, params: Any, dy: np.ndarray) -> dict[str, Any]:
        return {"x": answer(x, dy)}

    dy = np.random.default_rng(5).normal(size=x.shape)
    hints = Hints(
        [
            (dy, "dx is dy, passed on everywhere: where x is below 0 nothing depends on it"),
            (dy * (dy > 0), "dx asks where dy is positive, not where x is"),
            (np.maximum(x, 0), "dx is the forward pass"),
            (dy * np.maximum(x, 0), "dx is dy times the value: the slope belongs there"),
            (dy * np.sign(x), "dx: where x is below 0 the function is flat, not falling"),
            ((x > 0) * 1.0, "dx: dy has no part in it"),
        ]
    )
    right_backward("x", ReLU(), x, {}, backward, hints)
    if np.any(as_array("dx", answer(np.zeros(3), np.ones(3))) != 0):
        raise WrongAnswer("dx where x is exactly 0 is not 0, as the task asks")


def max_pooling_backward(answer: Answer) -> None:
    """Windows that lie side by side."""
    _pooled_back(answer, (1, 2, 6, 6), 2, 2)
    _pooled_back(answer, (2, 1, 7, 5), 3, 3)


def _overlaps(answer: Answer) -> None:
    max_pooling_backward(answer)
    _pooled_back(answer, (2, 2, 7, 7), 3, 2)
    _pooled_back(answer, (1, 1, 5, 5), 3, 1)


def _ties(answer: Answer) -> None:
    max_pooling_backward(answer)
    flat = answer(np.zeros((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), 2, 2)
    last = np.array([[[[0.0, 0.0], [0.0, 1.0]]]])
    hints = Hints(
        [
            (np.ones((1, 1, 2, 2)), "dx: of equal values only the first one counts"),
            (last, "dx: of equal values the last one counts: the first one should"),
        ]
    )
    first = np.array([[[[1.0, 0.0], [0.0, 0.0]]]])
    same("dx", flat, first, hints, "(for a window of equal values)")


def _pooled_back(answer: Answer, shape: tuple[int, ...], size: int, stride: int) -> None:
    generator = np.random.default_rng(8)
    x = generator.permutation(float(np.prod(shape)) - np.arange(np.prod(shape))).reshape(shape)

    def backward(x: np.ndarray, params: Any, dy: np.ndarray) -> dict[str, Any]:
        return {"x": answer(x, dy, size, stride)}

    rows, columns = ((side - size) // stride + 1 for side in shape[2:])
    dy = np.random.default_rng(5).normal(size=(*shape[:2], rows, columns))
    share, last, largest, turned, scaled = (
        _spread(x, dy, size, stride, way) for way in ("even", "last", "max", "turned", "value")
    )
    hints = Hints(
        [
            (share, "dx is spread evenly over each window: only one pixel was passed on"),
            (
                last,
                "dx: where windows overlap, the last one replaces what others gave: a pixel "
                "that is the largest of several windows gets from each",
            ),
            (largest, "dx goes to every pixel of a window"),
            (turned, "dx: a window's row and column have changed places"),
            (scaled, "dx is dy times the value: what is passed on has slope 1"),
            (_ones(x, dy, size, stride), "dx: dy has no part in it"),
        ]
    )
    right_backward("x", MaxPooling(size, stride), x, {}, backward, hints)


def _step() -> tuple[Any, ...]:
    """A value, its velocity and derivative, learning rate and momentum, and the new velocity."""
    value, velocity, slope = np.random.default_rng(9).normal(size=(3, 2, 4))
    rate, momentum = 0.1, 0.9
    return value, velocity, slope, rate, momentum, momentum * velocity - rate * slope


def _new_velocity(answer: Answer) -> None:
    value, velocity, slope, rate, momentum, moved = _step()
    found = parts(answer(value, velocity, slope, rate, momentum), ("value", "velocity"))
    exchanged = "the value and the velocity have changed places"
    rateless = "the velocity: the learning rate has no part in it"
    hints = Hints(
        [
            (value + moved, exchanged),
            (momentum * velocity + rate * slope, "the velocity goes up the slope"),
            (momentum * velocity - slope, f"{rateless} (it comes with the derivative here)"),
            (momentum * velocity + slope, rateless),
            (velocity - rate * slope, "the velocity: the momentum has no part in it"),
            (-rate * slope, "the velocity: what it was is forgotten"),
            (velocity, "the velocity stays as it was"),
            (
                momentum * velocity - (1 - momentum) * slope,
                "the velocity is an average, with 1 - momentum in place of the learning rate",
            ),
            (
                momentum * velocity - (1 - momentum) * rate * slope,
                "the velocity: the step counts in full, not by 1 - momentum",
            ),
            (momentum * (velocity - rate * slope), "the velocity: momentum times the step, too"),
        ]
    )
    same("the velocity", found[1], moved, hints)


def _new_value(answer: Answer) -> None:
    value, velocity, slope, rate, momentum, moved = _step()
    found = parts(answer(value, velocity, slope, rate, momentum), ("value", "velocity"))
    hints = Hints(
        [
            (moved, "the value and the velocity have changed places"),
            (value - moved, "the value goes against its velocity"),
            (value - rate * slope, "the value: the velocity has no part in it"),
            (value + velocity, "the value moves by the velocity before the step, not after"),
            (value + rate * moved, "the value: the learning rate is there twice"),
            (value, "the value stays as it was"),
        ]
    )
    same("the value", found[0], value + moved, hints)


def _dw(x: np.ndarray, dy: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    patches = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    dw: np.ndarray = np.einsum("nkij,ncijuv->kcuv", dy, patches)
    return dw


def _dx(dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    h, v = w.shape[2:]
    around = np.pad(dy, ((0, 0), (0, 0), (h - 1, h - 1), (v - 1, v - 1)))
    patches = np.lib.stride_tricks.sliding_window_view(around, (h, v), axis=(2, 3))
    dx: np.ndarray = np.einsum("nkijuv,kcuv->ncij", patches, w[:, :, ::-1, ::-1])
    return dx


def _last_place_alone(dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    """dx as it is when each output's part is put in place of what is there."""
    rows, columns = dy.shape[2] + w.shape[2] - 1, dy.shape[3] + w.shape[3] - 1
    dx = np.zeros((len(dy), w.shape[1], rows, columns))
    for i, j in np.ndindex(dy.shape[2:]):
        part = np.einsum("nk,kcuv->ncuv", dy[:, :, i, j], w)
        dx[:, :, i : i + w.shape[2], j : j + w.shape[3]] = part
    return dx


def _spread(x: np.ndarray, dy: np.ndarray, size: int, stride: int, way: str) -> np.ndarray:
    """dx as it is when a window's dy is put in a wrong way."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        place = (n, c, slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
        window = x[place]
        row, column = np.unravel_index(window.argmax(), window.shape)
        if way == "turned":
            dx[place][column, row] += dy[n, c, i, j]
        elif way == "value":
            dx[place][row, column] += dy[n, c, i, j] * window.max()
        elif way == "last":
            dx[place][row, column] = dy[n, c, i, j]
        else:
            dx[place] += dy[n, c, i, j] / (window.size if way == "even" else 1)
    return dx


def _ones(x: np.ndarray, dy: np.ndarray, size: int, stride: int) -> np.ndarray:
    return (_spread(x, np.ones(dy.shape), size, stride, "last") > 0) * 1.0


TASKS: dict[str, tuple[Part, ...]] = {
    "convolution_backward": (
        Part("dw", 2, _convolution_backward_by("weight")),
        Part("db", 1, _convolution_backward_by("bias")),
        Part("dx", 2, _convolution_backward_by("x")),
    ),
    "relu_backward": (Part("dx", 1, relu_backward),),
    "max_pooling_backward": (
        Part("windows side by side", 2, max_pooling_backward),
        Part("windows that overlap", 1, _overlaps),
        Part("equal values", 1, _ties),
    ),
    "momentum_step": (
        Part("the velocity", 1, _new_velocity),
        Part("the value", 1, _new_value),
    ),
}
