"""Random cases of every loss: scores, targets, and weights."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from chainrule import blocks
from chainrule.checking.drawing import Case, Draw, numbers, scores_shape, whole


def _classes_loss(loss: Any, *, probabilities: bool = False) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        shape = scores_shape(draw)
        if probabilities:
            x = torch.as_tensor(draw.uniform(0.1, 1.0, shape))
        else:
            x = numbers(draw, shape, 2.0)
        return Case(
            loss, x, target=torch.as_tensor(draw.integers(0, shape[1], shape[:1] + shape[2:]))
        )

    return draw_case


def _weighted_classes_loss(
    make: Callable[..., Any], *, probabilities: bool = False
) -> Callable[[Draw], Case]:
    """Weights of classes and of positions, and classes to be ignored; or soft targets."""

    def draw_case(draw: Draw) -> Case:
        shape = (*scores_shape(draw)[:1], whole(draw, 2, 5), *scores_shape(draw)[2:])
        positions = shape[:1] + shape[2:]
        weights = tuple(draw.uniform(0.5, 2.0, shape[1]).tolist())
        x = numbers(draw, shape, 2.0)
        if probabilities:
            x = torch.as_tensor(draw.uniform(0.1, 1.0, shape))
        u = torch.as_tensor(draw.uniform(0.5, 2.0, positions))
        if draw.random() < 0.3:
            soft = torch.as_tensor(draw.uniform(0.1, 1.0, shape))
            return Case(make(draw, weights, None), x, target=(soft / soft.sum(1, keepdim=True), u))
        classes = draw.integers(0, shape[1], positions)
        classes[draw.random(positions) < 0.3] = -1
        classes.flat[0] = 0  # one at least counts
        target: Any = torch.as_tensor(classes)
        target = target if draw.random() < 0.5 else (target, u)
        return Case(make(draw, weights, -1), x, target=target)

    return draw_case


def _sequence_loss(draw: Draw) -> Case:
    """Targets of 0 to 3 characters, repeated ones among them, in frames that hold the longest."""
    images, classes = whole(draw, 1, 3), whole(draw, 2, 4)
    target = draw.integers(1, classes, (images, 3))
    target[np.arange(3) >= draw.integers(0, 4, (images, 1))] = -1
    x = numbers(draw, (images, classes, 1, whole(draw, 5, 8)), 2.0)
    return Case(blocks.CTCLoss(), x, target=torch.as_tensor(target))


def _signs_loss(make: Callable[[Draw], Any]) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        shape = scores_shape(draw)
        target: Any = torch.as_tensor(draw.choice([-1.0, 1.0], shape))
        if draw.random() < 0.3:
            target = target, torch.as_tensor(draw.uniform(0.5, 2.0, shape))
        return Case(make(draw), numbers(draw, shape), target=target)

    return draw_case


LOSSES: Mapping[str, Callable[[Draw], Case]] = {
    "softmax log-loss": _classes_loss(blocks.SoftmaxLogLoss()),
    "softmax log-loss, weighted": _weighted_classes_loss(
        lambda draw, weights, ignored: blocks.SoftmaxLogLoss(
            weights, ignored, smoothing=float(draw.choice([0.0, 0.1, 0.5]))
        )
    ),
    "log-loss": _classes_loss(blocks.LogLoss(), probabilities=True),
    "log-loss, weighted": _weighted_classes_loss(
        lambda draw, weights, ignored: blocks.LogLoss(weights, ignored), probabilities=True
    ),
    "logistic loss": _signs_loss(lambda draw: blocks.LogisticLoss()),
    "hinge loss": _signs_loss(lambda draw: blocks.HingeLoss(float(draw.uniform(0, 2)))),
    "CTC loss": _sequence_loss,
}
