"""The network that reads a line: convolutions to one row, then looks left and right."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.blocks import Convolution, Interleave, Residual
from chainrule.blocks.block import Block
from chainrule.chain import Chain
from chainrule.reader.letters.network import normalized_layer

Size = Literal["small", "medium", "large"]


class _Width(NamedTuple):
    """How wide and deep a line network is: the channels of its four convolutions, how many residual
    blocks follow the second and the third ("detail"), and how many are at the end ("context")."""

    channels: tuple[int, int, int, int]
    detail: int
    context: int


_WIDTHS: dict[Size, _Width] = {
    "small": _Width((32, 48, 96, 160), 0, 3),
    "medium": _Width((32, 48, 96, 160), 1, 5),
    "large": _Width((32, 64, 128, 256), 2, 6),
}


def line_network(classes: int, size: Size = "small") -> Chain:
    """From a crop (N, 1, 32, W) to the scores of `classes` (the blank is 0) at each frame.

    A frame is two columns of the crop: (N, classes, 1, 2 ceil(W / 4)). The row of features has a
    column for every four of the crop, which is too few for two narrow letters and the blank
    between them; so each gives the scores of two frames. A frame of the small network sees 73
    columns, of the medium one, which takes about 1.8 times the operations, 121, of the large one,
    which takes about 5 times, 153.
    """
    channels, detail, context = _WIDTHS[size]
    one, two, three, four = channels
    layers: list[tuple[str, Block]] = [
        *normalized_layer("1", Convolution(1, one, 5, stride=2, padding=2, bias=False)),
        *normalized_layer("2", Convolution(one, two, 3, stride=2, padding=1, bias=False)),
        *(_residual("detail", f"2{'b' * k}", two, (3, 3)) for k in range(detail)),
        *normalized_layer("3", Convolution(two, three, 3, stride=(2, 1), padding=1, bias=False)),
        *(_residual("detail", f"3{'b' * k}", three, (3, 3)) for k in range(detail)),
        *normalized_layer("4", Convolution(three, four, (4, 3), padding=(0, 0, 1, 1), bias=False)),
        *(_residual("context", str(5 + k), four, (1, 5)) for k in range(context)),
    ]
    scores = Convolution(four, 2 * classes, 1)
    return Chain([*layers, ("scores", scores), ("frames", Interleave(2))])


def size_of(chain: Chain) -> Size | None:
    """Which of the line networks a chain is; None if it is none."""
    scores = dict(chain.layers).get("scores")
    if isinstance(scores, Convolution):
        for size in _WIDTHS:
            expected = line_network(scores.out_channels // 2, size)
            if chain.in_training() == expected.in_training():
                return size
    return None


def _residual(kind: str, number: str, channels: int, window: tuple[int, int]) -> tuple[str, Block]:
    down, across = (side // 2 for side in window)
    inner = Convolution(
        channels, channels, window, padding=(down, down, across, across), bias=False
    )
    return f"{kind}{number}", Residual(Chain(normalized_layer(number, inner)))


def of_classes(parameter: Tensor, classes: Sequence[int]) -> Tensor:
    """The weights or biases of "scores" for some of the classes, in this order."""
    return torch.cat([frame[classes] for frame in parameter.chunk(2)])


def padded(
    crops: Sequence[NDArray[np.float32]], width: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Crops (32, w) side by side (N, 1, 32, width), with paper, 0, at their right."""
    x = torch.zeros(len(crops), 1, len(crops[0]), width, dtype=dtype)
    for row, crop in zip(x, crops, strict=True):
        row[0, :, : crop.shape[1]] = torch.from_numpy(crop)
    return x


def frames(width: int) -> int:
    """How many frames a crop of so many columns has."""
    return 2 * -(-width // 4)
