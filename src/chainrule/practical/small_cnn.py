"""One filter, one bias, one max pooling: a network that learns to find dark blobs."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64
from scipy.ndimage import gaussian_filter
from torch import Tensor

from chainrule.blocks import Convolution, Loss, MaxPooling
from chainrule.chain import Chain
from chainrule.errors import DivergedError, InputError
from chainrule.practical.blobs import Labels
from chainrule.training.optimizer import check_learning_rate
from chainrule.training.sgd import SGD

MAX_SMOOTHING = 1000.0
"""The widest Gaussian, in pixels: beyond it nothing of a picture is left."""

CHAIN = Chain([("filter", Convolution(1, 1, 3, padding=1)), ("pool", MaxPooling(3, 1, 1))])


@dataclass(frozen=True)
class SmallCnnSettings:
    """How to prepare the picture and how to learn. Raises InputError on a number out of range.

    smoothing: the Gaussian's width in pixels before the network, 0 for none. subtract_median: take
    the picture's median away, so that the ground is near 0. shrinkage: lambda, on the filter only.
    """

    iterations: int = 500
    learning_rate: float = 0.2
    momentum: float = 0.9
    shrinkage: float = 1e-4
    smoothing: float = 1.0
    subtract_median: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise InputError(f"iterations: found {self.iterations}; expected at least 1")
        check_learning_rate(self.learning_rate)
        if not 0 <= self.shrinkage < np.inf:
            raise InputError(f"shrinkage: found {self.shrinkage:g}; expected at least 0")
        if not 0 <= self.smoothing <= MAX_SMOOTHING:
            raise InputError(
                f"smoothing: found {self.smoothing:g}; expected 0 to {MAX_SMOOTHING:g} pixels"
            )
        if self.seed < 0:
            raise InputError(f"seed: found {self.seed}; expected a whole number of at least 0")
        SGD(self.momentum)


@dataclass(frozen=True)
class SmallCnn:
    """What was learned, and how.

    objective: (iterations, 3): the loss at the labelled pixels, the shrinkage, their sum, each
    before the iteration's step. scores: the network's output for the picture, (H, W).
    """

    settings: SmallCnnSettings
    parameters: dict[str, Tensor]
    objective: Float64[np.ndarray, "iterations 3"]
    scores: Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class BlobLoss(Loss):
    """Hinges at the labelled pixels: blobs should score above 1, their surroundings below 0.

        loss = 1/|P| sum_{p in P} max(0, 1 - x[p])  +  1/|N| sum_{p in N} max(0, x[p])

    Derivation. Each term is a hinge of one score, so

        dx[p] = dloss (-[p in P and x[p] < 1] / |P|  +  [p in N and x[p] > 0] / |N|)

    Kinks: at x = 1 in P and at x = 0 in N the slopes meet. The derivative taken there is 0.

    Shapes: x (1, 1, H, W), target two masks (H, W), P and N.
    """

    def forward(self, x: Tensor, target: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        positive, negative = target
        # a product with a mask is much quicker than picking the mask's pixels out
        missed = ((1 - x).clamp(min=0) * positive).sum() / positive.sum()
        false = (x.clamp(min=0) * negative).sum() / negative.sum()
        return missed + false, x

    def backward(
        self, dloss: Tensor | float, target: tuple[Tensor, Tensor], saved: Tensor
    ) -> Tensor:
        positive, negative = target
        missed = positive & (saved < 1)
        false = negative & (saved > 0)
        dx: Tensor = false / negative.sum() - missed / positive.sum()
        return dloss * dx.to(saved.dtype)


def learn_blobs(
    grey: Float32[np.ndarray, "h w"], labels: Labels, settings: SmallCnnSettings
) -> SmallCnn:
    """Learn from the labelled pixels of one picture, by gradient descent with momentum.

        E(w, b) = loss(scores) + lambda/2 |w|^2

    The filter starts as standard normal entries less their mean, the bias at 0. Each step uses all
    labelled pixels. Raises DivergedError if the objective overflows.
    """
    x = prepared(grey, settings)
    loss, target = (
        BlobLoss(),
        (torch.from_numpy(labels.positive), torch.from_numpy(labels.negative)),
    )
    start = np.random.default_rng(settings.seed).standard_normal((1, 1, 3, 3))
    parameters = {
        "filter.weight": torch.tensor(start - start.mean(), dtype=torch.float32),
        "filter.bias": torch.zeros(1),
    }
    velocities = {name: torch.zeros_like(value) for name, value in parameters.items()}
    sgd = SGD(settings.momentum)
    objective = np.empty((settings.iterations, 3))
    for step in range(settings.iterations):
        scores, saved = CHAIN.forward(x, parameters)
        value, kept = loss.forward(scores, target)
        w = parameters["filter.weight"]
        shrinkage = 0.5 * settings.shrinkage * float(w.square().sum())
        objective[step] = float(value), shrinkage, float(value) + shrinkage
        if not np.isfinite(objective[step, 2]):
            raise DivergedError(
                f"the objective is {objective[step, 2]} at iteration {step + 1} with learning rate "
                f"{settings.learning_rate:g}; expected a finite one: choose a smaller rate"
            )
        gradients = CHAIN.parameter_derivatives(loss.backward(1.0, target, kept), parameters, saved)
        gradients["filter.weight"] = gradients["filter.weight"] + settings.shrinkage * w
        sgd.step(parameters, velocities, gradients, settings.learning_rate)
    return SmallCnn(settings, parameters, objective, scores_of(grey, parameters, settings))


def scores_of(
    grey: Float32[np.ndarray, "h w"], parameters: dict[str, Tensor], settings: SmallCnnSettings
) -> Float32[np.ndarray, "h w"]:
    """The network's output for a picture, prepared as the one that it learned from."""
    scores: np.ndarray = CHAIN.apply(prepared(grey, settings), parameters)[0, 0].numpy()
    return scores


def prepared(
    grey: Float32[np.ndarray, "h w"], settings: SmallCnnSettings
) -> Float32[Tensor, "1 1 h w"]:
    """The picture smoothed and, if so set, without its median."""
    x = np.asarray(grey, dtype=np.float32)
    if settings.smoothing:
        x = gaussian_filter(x, settings.smoothing, mode="nearest")
    if settings.subtract_median:
        x = x - np.median(x)
    return torch.from_numpy(np.ascontiguousarray(x))[None, None]


def errors_of(
    scores: Float32[np.ndarray, "h w"], labels: Labels
) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """The blobs that score below 1/2, and the pixels away from blobs that score 1/2 or more."""
    blob = scores >= 0.5
    return labels.positive & ~blob, labels.negative & blob
