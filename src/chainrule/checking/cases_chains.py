"""Random cases of chains: what blocks do together, and blocks of several inputs."""

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import blocks
from chainrule.chain import Chain
from chainrule.checking.drawing import Case, Draw, case_of, image_shape, whole


def _residual(draw: Draw) -> Case:
    channels = whole(draw, 1, 3)
    body = Chain(
        [
            ("conv1", blocks.Convolution(channels, 2, 3, padding=1)),
            ("tanh", blocks.Tanh()),
            ("conv2", blocks.Convolution(2, channels, (1, 3), padding=(0, 1))),
        ]
    )
    return case_of(draw, blocks.Residual(body), image_shape(draw, channels))


def _character_chain(draw: Draw) -> Case:
    """The character network, small: convolutions and max pooling down to one pixel."""
    classes = whole(draw, 2, 4)
    layers: list[tuple[str, Any]] = [
        ("conv1", blocks.Convolution(1, 2, 3)),
        ("pool1", blocks.MaxPooling(2)),
        ("conv2", blocks.Convolution(2, 3, 2)),
        ("relu", blocks.ReLU()),
        ("conv3", blocks.Convolution(3, classes, 2)),
        ("softmax", blocks.Softmax()),
    ]
    # weak inputs: where one score is far above all, no double tells the derivative from rounding
    return case_of(draw, Chain(layers), (whole(draw, 1, 2), 1, 8, 8), 0.25)


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
    return case_of(draw, Chain(layers), (3, 2, whole(draw, 2, 4), whole(draw, 2, 4)))


def _classic_chain(draw: Draw) -> Case:
    """Convolution, leaky ReLU, local response normalisation, average pooling, sigmoid."""
    layers: list[tuple[str, Any]] = [
        ("conv", blocks.Convolution(2, 4, 3, stride=2, padding=(1, 0, 0, 1))),
        ("relu", blocks.LeakyReLU(slope=0.1)),
        ("norm", blocks.LocalResponseNormalization(rho=3, kappa=1.0, alpha=0.2)),
        ("pool", blocks.AveragePooling(2, stride=1)),
        ("sigmoid", blocks.Sigmoid()),
    ]
    return case_of(draw, Chain(layers), (whole(draw, 1, 2), 2, 6, whole(draw, 5, 7)))


def _joining_chain(draw: Draw) -> Case:
    """A graph: one map goes three ways, which are concatenated and summed."""
    layers: list[Any] = [
        ("conv", blocks.Convolution(2, 3, 3, padding="same")),
        ("down", blocks.AveragePooling(2, ceil_mode=True)),
        ("up", blocks.Upsampling(2)),
        ("bend", blocks.Tanh(), "conv"),
        ("sum", blocks.Sum(), ("up", "bend", "conv")),
        ("joined", blocks.Concatenation(), ("sum", "x")),
        ("mix", blocks.Convolution(5, 2, 1)),
    ]
    size = (2 * whole(draw, 1, 2), 2 * whole(draw, 1, 2))
    return case_of(draw, Chain(layers), (whole(draw, 1, 2), 2, *size))


def _sampling_chain(draw: Draw) -> Case:
    """A graph: an image is read where another part of the network says."""
    layers: list[Any] = [
        ("places", blocks.Convolution(2, 2, (1, 2), padding=(0, 0, 0, 1))),
        ("inside", blocks.Tanh()),
        ("read", blocks.BilinearSampler(), ("x", "inside")),
    ]
    size = (whole(draw, 2, 4), whole(draw, 2, 4))
    return case_of(draw, Chain(layers), (whole(draw, 1, 2), 2, *size))


CHAINS: Mapping[str, Callable[[Draw], Case]] = {
    "residual": _residual,
    "chain: characters": _character_chain,
    "chain: inverted residual": _mobile_chain,
    "chain: local response": _classic_chain,
    "chain: sum, concatenation": _joining_chain,
    "chain: bilinear sampler": _sampling_chain,
}
