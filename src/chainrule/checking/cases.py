"""Random cases of every block and of a few chains: settings, shapes, inputs and parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule import blocks
from chainrule.chain import Chain

Draw = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A block (or, with a target, a loss) at a point; `fixed` parameters are not learned."""

    block: Any
    x: Tensor
    params: Mapping[str, Tensor] = field(default_factory=dict)
    target: Tensor | None = None

    @property
    def fixed(self) -> frozenset[str]:
        """Running moments and masks."""
        last = ("mean", "variance", "mask")
        return frozenset(name for name in self.params if name.rpartition(".")[2] in last)


def _convolution(draw: Draw) -> Case:
    groups = _whole(draw, 1, 3)
    return _window_case(
        draw,
        lambda channels, window: blocks.Convolution(
            channels,
            groups * _whole(draw, 1, 2),
            **window,
            dilation=(_whole(draw, 1, 2), _whole(draw, 1, 2)),
            groups=groups,
            bias=bool(draw.random() < 0.7),
        ),
        channels=groups * _whole(draw, 1, 2),
    )


def _depthwise_convolution(draw: Draw) -> Case:
    channels = _whole(draw, 2, 4)
    return _window_case(
        draw,
        lambda channels, window: blocks.Convolution(channels, channels, **window, groups=channels),
        channels=channels,
    )


def _max_pooling(draw: Draw) -> Case:
    return _window_case(draw, lambda _, window: blocks.MaxPooling(**window, **_wider(draw)))


def _average_pooling(draw: Draw) -> Case:
    count = bool(draw.random() < 0.5)
    return _window_case(
        draw,
        lambda _, window: blocks.AveragePooling(**window, count_padding=count, **_wider(draw)),
    )


def _wider(draw: Draw) -> dict[str, Any]:
    """Settings of half the poolings: dilated, and with a last window that is not full."""
    if draw.random() < 0.5:
        return {}
    return {"dilation": (_whole(draw, 1, 2), _whole(draw, 1, 2)), "ceil_mode": True}


def _window_case(
    draw: Draw, make: Callable[[int, dict[str, Any]], Any], channels: int | None = None
) -> Case:
    """A block with a random window and an image that it fits into."""
    kernel = (_whole(draw, 1, 3), _whole(draw, 1, 3))
    sides = tuple(_whole(draw, 0, k - 1) for k in (kernel[0], kernel[0], kernel[1], kernel[1]))
    stride = (_whole(draw, 1, 3), _whole(draw, 1, 3))
    channels = channels or _whole(draw, 1, 3)
    block = make(channels, {"kernel_size": kernel, "stride": stride, "padding": sides})
    (eh, ew), (dh, dw) = block.window.extent, block.window.dilation
    # taps that are further apart than the image is long may all miss it
    height = max(dh, eh - sides[0] - sides[1]) + _whole(draw, 0, 3)
    width = max(dw, ew - sides[2] - sides[3]) + _whole(draw, 0, 3)
    return _case(draw, block, (_whole(draw, 1, 3), channels, height, width))


def _entrywise(make: Callable[[Draw], Any], spread: float = 1.0) -> Callable[[Draw], Case]:
    return lambda draw: _case(draw, make(draw), _image_shape(draw), spread)


def _local_response_normalisation(draw: Draw) -> Case:
    block = blocks.LocalResponseNormalization(
        rho=_whole(draw, 1, 6),
        kappa=float(draw.uniform(0.5, 2)),
        alpha=float(draw.uniform(0, 0.5)),
        beta=float(draw.uniform(0, 1)),
    )
    return _case(draw, block, (_whole(draw, 1, 2), _whole(draw, 1, 7), 2, _whole(draw, 1, 3)))


def _batch_normalisation(training: bool) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        channels = _whole(draw, 1, 3)
        block = blocks.BatchNormalization(channels, training=training)
        # eight numbers a channel at least: with two, the derivative by x is always 0
        shape = (_whole(draw, 2, 3), channels, _whole(draw, 2, 3), _whole(draw, 2, 3))
        return _case(draw, block, shape)

    return draw_case


def _dropout(draw: Draw) -> Case:
    return _case(draw, blocks.Dropout(rate=float(draw.uniform(0, 0.9))), _image_shape(draw))


def _fully_connected(draw: Draw) -> Case:
    features = _whole(draw, 1, 6)
    block = blocks.FullyConnected(features, _whole(draw, 1, 5), bias=bool(draw.random() < 0.7))
    return _case(draw, block, (_whole(draw, 1, 4), features))


def _interleave(draw: Draw) -> Case:
    parts = _whole(draw, 1, 3)
    shape = _image_shape(draw, parts * _whole(draw, 1, 3))
    return _case(draw, blocks.Interleave(parts), shape)


def _softmax(draw: Draw) -> Case:
    return _case(draw, blocks.Softmax(), _scores_shape(draw), 2.0)


def _residual(draw: Draw) -> Case:
    channels = _whole(draw, 1, 3)
    body = Chain(
        [
            ("conv1", blocks.Convolution(channels, 2, 3, padding=1)),
            ("tanh", blocks.Tanh()),
            ("conv2", blocks.Convolution(2, channels, (1, 3), padding=(0, 1))),
        ]
    )
    return _case(draw, blocks.Residual(body), _image_shape(draw, channels))


def _character_chain(draw: Draw) -> Case:
    """The character network, small: convolutions and max pooling down to one pixel."""
    classes = _whole(draw, 2, 4)
    layers: list[tuple[str, Any]] = [
        ("conv1", blocks.Convolution(1, 2, 3)),
        ("pool1", blocks.MaxPooling(2)),
        ("conv2", blocks.Convolution(2, 3, 2)),
        ("relu", blocks.ReLU()),
        ("conv3", blocks.Convolution(3, classes, 2)),
        ("softmax", blocks.Softmax()),
    ]
    return _case(draw, Chain(layers), (_whole(draw, 1, 2), 1, 8, 8))


def _mobile_chain(draw: Draw) -> Case:
    """An inverted residual with batch normalisation, as photograph networks have it."""
    body: list[tuple[str, Any]] = [
        ("expand", blocks.Convolution(2, 4, 1, bias=False)),
        ("norm1", blocks.BatchNormalization(4, training=True)),
        ("relu6", blocks.ReLU6()),
        ("depthwise", blocks.Convolution(4, 4, 3, padding=1, groups=4, bias=False)),
        ("norm2", blocks.BatchNormalization(4, training=False)),
        ("project", blocks.Convolution(4, 2, 1)),
    ]
    layers: list[tuple[str, Any]] = [
        ("block", blocks.Residual(Chain(body))),
        ("pool", blocks.GlobalAveragePooling()),
        ("flatten", blocks.Flatten()),
        ("drop", blocks.Dropout(rate=0.25)),
        ("scores", blocks.FullyConnected(2, 3)),
    ]
    return _case(draw, Chain(layers), (3, 2, _whole(draw, 2, 4), _whole(draw, 2, 4)))


def _classic_chain(draw: Draw) -> Case:
    """Convolution, leaky ReLU, local response normalisation, average pooling, sigmoid."""
    layers: list[tuple[str, Any]] = [
        ("conv", blocks.Convolution(2, 4, 3, stride=2, padding=(1, 0, 0, 1))),
        ("relu", blocks.LeakyReLU(slope=0.1)),
        ("norm", blocks.LocalResponseNormalization(rho=3, kappa=1.0, alpha=0.2)),
        ("pool", blocks.AveragePooling(2, stride=1)),
        ("sigmoid", blocks.Sigmoid()),
    ]
    return _case(draw, Chain(layers), (_whole(draw, 1, 2), 2, 6, _whole(draw, 5, 7)))


def _classes_loss(loss: Any, *, probabilities: bool = False) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        shape = _scores_shape(draw)
        if probabilities:
            x = torch.as_tensor(draw.uniform(0.1, 1.0, shape))
        else:
            x = _numbers(draw, shape, 2.0)
        return Case(
            loss, x, target=torch.as_tensor(draw.integers(0, shape[1], shape[:1] + shape[2:]))
        )

    return draw_case


def _sequence_loss(draw: Draw) -> Case:
    """Targets of 0 to 3 characters, repeated ones among them, in frames that hold the longest."""
    images, classes = _whole(draw, 1, 3), _whole(draw, 2, 4)
    target = draw.integers(1, classes, (images, 3))
    target[np.arange(3) >= draw.integers(0, 4, (images, 1))] = -1
    x = _numbers(draw, (images, classes, 1, _whole(draw, 5, 8)), 2.0)
    return Case(blocks.CTCLoss(), x, target=torch.as_tensor(target))


def _signs_loss(make: Callable[[Draw], Any]) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        shape = _scores_shape(draw)
        target = torch.as_tensor(draw.choice([-1.0, 1.0], shape))
        return Case(make(draw), _numbers(draw, shape), target=target)

    return draw_case


CASES: Mapping[str, Callable[[Draw], Case]] = {
    "convolution": _convolution,
    "depthwise convolution": _depthwise_convolution,
    "max pooling": _max_pooling,
    "average pooling": _average_pooling,
    "global average pooling": _entrywise(lambda draw: blocks.GlobalAveragePooling()),
    "ReLU": _entrywise(lambda draw: blocks.ReLU()),
    "ReLU6": _entrywise(lambda draw: blocks.ReLU6(), spread=6.0),
    "leaky ReLU": _entrywise(lambda draw: blocks.LeakyReLU(float(draw.uniform(0, 0.5)))),
    "sigmoid": _entrywise(lambda draw: blocks.Sigmoid()),
    "tanh": _entrywise(lambda draw: blocks.Tanh()),
    "local response normalisation": _local_response_normalisation,
    "batch normalisation, training": _batch_normalisation(True),
    "batch normalisation, inference": _batch_normalisation(False),
    "dropout": _dropout,
    "flatten": _entrywise(lambda draw: blocks.Flatten()),
    "fully connected": _fully_connected,
    "interleave": _interleave,
    "residual": _residual,
    "softmax": _softmax,
    "softmax log-loss": _classes_loss(blocks.SoftmaxLogLoss()),
    "log-loss": _classes_loss(blocks.LogLoss(), probabilities=True),
    "logistic loss": _signs_loss(lambda draw: blocks.LogisticLoss()),
    "hinge loss": _signs_loss(lambda draw: blocks.HingeLoss(float(draw.uniform(0, 2)))),
    "CTC loss": _sequence_loss,
    "chain: characters": _character_chain,
    "chain: inverted residual": _mobile_chain,
    "chain: local response": _classic_chain,
}


def _case(draw: Draw, block: Any, x_shape: tuple[int, ...], spread: float = 1.0) -> Case:
    """Parameters and x; variances above 0, masks as the block draws them."""
    params = {
        name: torch.as_tensor(draw.uniform(0.5, 2.0, shape))
        if name.rpartition(".")[2] == "variance"
        else _numbers(draw, shape)
        for name, shape in block.parameter_shapes().items()
    }
    seed = int(draw.integers(2**62))
    params |= block.draw(x_shape, torch.Generator().manual_seed(seed))
    return Case(block, _numbers(draw, x_shape, spread), params)


def _numbers(draw: Draw, shape: tuple[int, ...], spread: float = 1.0) -> Tensor:
    """Normal; in every third case rounded to quarters, so that ties and zeros occur, and kinks."""
    numbers = spread * draw.standard_normal(shape)
    return torch.as_tensor(np.round(4 * numbers) / 4 if draw.random() < 1 / 3 else numbers)


def _image_shape(draw: Draw, channels: int | None = None) -> tuple[int, ...]:
    size = (_whole(draw, 1, 5), _whole(draw, 1, 5))
    return (_whole(draw, 1, 3), channels or _whole(draw, 1, 3), *size)


def _scores_shape(draw: Draw) -> tuple[int, ...]:
    """(N, K) or (N, K, H, W)."""
    size = (_whole(draw, 1, 3), _whole(draw, 1, 3)) if draw.random() < 0.5 else ()
    return (_whole(draw, 1, 4), _whole(draw, 1, 5), *size)


def _whole(draw: Draw, low: int, high: int) -> int:
    """From low to high, both included."""
    return int(draw.integers(low, high + 1))
