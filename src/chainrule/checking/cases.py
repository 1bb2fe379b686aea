"""Random cases of every block and of a few chains: settings, shapes, inputs and parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import blocks
from chainrule.checking.cases_chains import CHAINS
from chainrule.checking.cases_losses import LOSSES
from chainrule.checking.drawing import (
    Case,
    Draw,
    case_of,
    image_shape,
    scores_shape,
    whole,
)


def _convolution(draw: Draw) -> Case:
    groups = whole(draw, 1, 3)
    return _window_case(
        draw,
        lambda channels, window: blocks.Convolution(
            channels,
            groups * whole(draw, 1, 2),
            **window,
            dilation=(whole(draw, 1, 2), whole(draw, 1, 2)),
            groups=groups,
            bias=bool(draw.random() < 0.7),
        ),
        channels=groups * whole(draw, 1, 2),
    )


def _mirrored_convolution(draw: Draw) -> Case:
    """Padding that shows the image's own pixels again, or as much as keeps the size."""
    channels = whole(draw, 1, 3)
    sides = (whole(draw, 0, 2), whole(draw, 0, 2), whole(draw, 0, 2), whole(draw, 0, 2))
    padding: blocks.Padding = "same" if draw.random() < 0.3 else sides
    block = blocks.Convolution(
        channels,
        whole(draw, 1, 3),
        (whole(draw, 1, 3), whole(draw, 1, 3)),
        stride=whole(draw, 1, 2),
        padding=padding,
        padding_mode="reflect",
    )
    return case_of(draw, block, (whole(draw, 1, 3), channels, whole(draw, 3, 6), whole(draw, 3, 6)))


def _transposed_convolution(draw: Draw) -> Case:
    groups, stride = whole(draw, 1, 2), (whole(draw, 1, 3), whole(draw, 1, 3))
    kernel = (whole(draw, 1, 4), whole(draw, 1, 4))
    block = blocks.TransposedConvolution(
        groups * whole(draw, 1, 2),
        groups * whole(draw, 1, 2),
        kernel,
        stride=stride,
        padding=(whole(draw, 0, (kernel[0] - 1) // 2), whole(draw, 0, (kernel[1] - 1) // 2)),
        output_padding=(whole(draw, 0, stride[0] - 1), whole(draw, 0, stride[1] - 1)),
        dilation=(whole(draw, 1, 2), whole(draw, 1, 2)),
        groups=groups,
        bias=bool(draw.random() < 0.7),
    )
    shape = (whole(draw, 1, 2), block.in_channels, whole(draw, 1, 4), whole(draw, 1, 4))
    return case_of(draw, block, shape)


def _depthwise_convolution(draw: Draw) -> Case:
    channels = whole(draw, 2, 4)
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
    return {"dilation": (whole(draw, 1, 2), whole(draw, 1, 2)), "ceil_mode": True}


def _window_case(
    draw: Draw, make: Callable[[int, dict[str, Any]], Any], channels: int | None = None
) -> Case:
    """A block with a random window and an image that it fits into."""
    kernel = (whole(draw, 1, 3), whole(draw, 1, 3))
    sides = tuple(whole(draw, 0, k - 1) for k in (kernel[0], kernel[0], kernel[1], kernel[1]))
    stride = (whole(draw, 1, 3), whole(draw, 1, 3))
    channels = channels or whole(draw, 1, 3)
    block = make(channels, {"kernel_size": kernel, "stride": stride, "padding": sides})
    (eh, ew), (dh, dw) = block.window.extent, block.window.dilation
    # taps that are further apart than the image is long may all miss it
    height = max(dh, eh - sides[0] - sides[1]) + whole(draw, 0, 3)
    width = max(dw, ew - sides[2] - sides[3]) + whole(draw, 0, 3)
    return case_of(draw, block, (whole(draw, 1, 3), channels, height, width))


def _entrywise(make: Callable[[Draw], Any], spread: float = 1.0) -> Callable[[Draw], Case]:
    return lambda draw: case_of(draw, make(draw), image_shape(draw), spread)


def _local_response_normalisation(draw: Draw) -> Case:
    block = blocks.LocalResponseNormalization(
        rho=whole(draw, 1, 6),
        kappa=float(draw.uniform(0.5, 2)),
        alpha=float(draw.uniform(0, 0.5)),
        beta=float(draw.uniform(0, 1)),
    )
    return case_of(draw, block, (whole(draw, 1, 2), whole(draw, 1, 7), 2, whole(draw, 1, 3)))


def _batch_normalisation(training: bool) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        channels = whole(draw, 1, 3)
        block = blocks.BatchNormalization(channels, training=training)
        # eight numbers a channel at least: with two, the derivative by x is always 0
        shape = (whole(draw, 2, 3), channels, whole(draw, 2, 3), whole(draw, 2, 3))
        return case_of(draw, block, shape)

    return draw_case


def _dropout(draw: Draw) -> Case:
    return case_of(draw, blocks.Dropout(rate=float(draw.uniform(0, 0.9))), image_shape(draw))


def _fully_connected(draw: Draw) -> Case:
    features = whole(draw, 1, 6)
    block = blocks.FullyConnected(features, whole(draw, 1, 5), bias=bool(draw.random() < 0.7))
    return case_of(draw, block, (whole(draw, 1, 4), features))


def _interleave(draw: Draw) -> Case:
    parts = whole(draw, 1, 3)
    shape = image_shape(draw, parts * whole(draw, 1, 3))
    return case_of(draw, blocks.Interleave(parts), shape)


def _softmax(draw: Draw) -> Case:
    return case_of(draw, blocks.Softmax(), scores_shape(draw), 2.0)


def _set_normalisation(kind: str) -> Callable[[Draw], Case]:
    """Sets of eight numbers at least: with two, the derivative by x is always 0."""

    def draw_case(draw: Draw) -> Case:
        size: tuple[int, ...] = (whole(draw, 2, 3), whole(draw, 4, 5))
        block: Any
        if kind == "layer":
            block = blocks.LayerNormalization(whole(draw, 8, 10))
            size = size if draw.random() < 0.5 else ()
        elif kind == "group":
            groups = whole(draw, 1, 2)
            block = blocks.GroupNormalization(groups, groups * whole(draw, 1, 3))
        else:
            block = blocks.InstanceNormalization(whole(draw, 1, 3))
        return case_of(draw, block, (whole(draw, 1, 3), block.channels, *size))

    return draw_case


def _upsampling(mode: str) -> Callable[[Draw], Case]:
    return _entrywise(lambda draw: blocks.Upsampling((whole(draw, 1, 3), whole(draw, 1, 3)), mode))


CASES: Mapping[str, Callable[[Draw], Case]] = {
    "convolution": _convolution,
    "depthwise convolution": _depthwise_convolution,
    "mirrored convolution": _mirrored_convolution,
    "transposed convolution": _transposed_convolution,
    "max pooling": _max_pooling,
    "average pooling": _average_pooling,
    "global average pooling": _entrywise(lambda draw: blocks.GlobalAveragePooling()),
    "upsampling, nearest": _upsampling("nearest"),
    "upsampling, bilinear": _upsampling("bilinear"),
    "ReLU": _entrywise(lambda draw: blocks.ReLU()),
    "ReLU6": _entrywise(lambda draw: blocks.ReLU6(), spread=6.0),
    "leaky ReLU": _entrywise(lambda draw: blocks.LeakyReLU(float(draw.uniform(0, 0.5)))),
    "sigmoid": _entrywise(lambda draw: blocks.Sigmoid()),
    "tanh": _entrywise(lambda draw: blocks.Tanh()),
    "GELU": _entrywise(lambda draw: blocks.GELU(tanh=bool(draw.random() < 0.5))),
    "SiLU": _entrywise(lambda draw: blocks.SiLU()),
    "softplus": _entrywise(lambda draw: blocks.Softplus(float(draw.uniform(0.5, 2)))),
    "local response normalisation": _local_response_normalisation,
    "batch normalisation, training": _batch_normalisation(True),
    "batch normalisation, inference": _batch_normalisation(False),
    "layer normalisation": _set_normalisation("layer"),
    "group normalisation": _set_normalisation("group"),
    "instance normalisation": _set_normalisation("instance"),
    "dropout": _dropout,
    "flatten": _entrywise(lambda draw: blocks.Flatten()),
    "fully connected": _fully_connected,
    "interleave": _interleave,
    "softmax": _softmax,
    **LOSSES,
    **CHAINS,
}
