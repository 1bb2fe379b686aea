"""What single blocks do to a picture: each demonstration is a chain with its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from PIL import Image
from torch import Tensor

from chainrule.blocks import Convolution, LocalResponseNormalization, MaxPooling, ReLU
from chainrule.chain import Chain
from chainrule.errors import InputError

WINDOW = 15  # of max pooling, in pixels
FILTERS, FILTER_SIZE = 10, 5  # of the random bank

LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
VERTICAL_EDGE = ((1.0, 0.0, -1.0),)


@dataclass(frozen=True)
class Demonstration:
    """A chain for pictures of three channels, and its parameters; `sooner` has the same output."""

    chain: Chain
    parameters: Mapping[str, Tensor]
    sooner: Chain | None = None

    def apply(self, x: Float32[Tensor, "n 3 h w"]) -> Float32[Tensor, "n c i j"]:
        """The chain's output. Raises ShapeError if the picture is smaller than the filter."""
        self.chain.shape(tuple(x.shape))
        return (self.sooner or self.chain).apply(x, self.parameters)


def as_tensor(picture: Image.Image) -> Float32[Tensor, "1 3 h w"]:
    """An RGB picture as a batch of one, from 0 (black) to 1."""
    pixels = np.array(picture, dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def demonstration(
    name: str, *, window: int = WINDOW, stride: int = 1, seed: int = 0
) -> Demonstration:
    """The demonstration called `name`, one of `DEMONSTRATIONS`.

    window, stride: of max pooling, in pixels. seed: of the random filters.
    Raises InputError on another name, or if the block refuses its settings.
    """
    if name not in DEMONSTRATIONS:
        raise InputError(f"block: found {name!r}; expected one of {', '.join(DEMONSTRATIONS)}")
    if name == "maxpool":
        return max_pooling(window, stride)
    return random_filters(seed) if name == "random" else _PLAIN[name]()


def laplacian() -> Demonstration:
    """The Laplacian filter on each colour channel, summed over the channels.

    y = sum_c (x[c] above + below + left + right - 4 x[c] here): 0 on even and on evenly rising
    ground, large where the picture bends.
    """
    weight = torch.tensor(LAPLACIAN).expand(1, 3, 3, 3).contiguous()
    return _convolution(weight)


def edges() -> Demonstration:
    """A pair of filters for vertical edges, (1, 0, -1) on each channel and its negative."""
    edge = torch.tensor(VERTICAL_EDGE).expand(1, 3, 1, 3)
    return _convolution(torch.cat([edge, -edge]))


def rectified_edges() -> Demonstration:
    """`edges` and a ReLU: one channel keeps the falling edges, the other the rising ones."""
    pair = edges()
    return Demonstration(Chain([*pair.chain.layers, ("relu", ReLU())]), pair.parameters)


def max_pooling(window: int = WINDOW, stride: int = 1) -> Demonstration:
    """The largest value of each `window` by `window` pixels, channel by channel.

    The largest over a square is that over its rows' largest: window / 2 times less work.
    """
    whole = Chain([("maxpool", MaxPooling(window, stride))])
    rows, columns = MaxPooling((1, window), (1, stride)), MaxPooling((window, 1), (stride, 1))
    return Demonstration(whole, {}, Chain([("rows", rows), ("columns", columns)]))


def normalization() -> Demonstration:
    """Each pixel's colour divided by its length: y[c] = x[c] / sqrt(sum_k x[k]^2).

    Local response normalisation with kappa = 0, alpha = 1, beta = 1/2 over a group of 5 channels,
    which holds all three: every pixel that is not black has norm 1 afterwards.
    """
    block = LocalResponseNormalization(rho=5, kappa=0.0, alpha=1.0, beta=0.5)
    return Demonstration(Chain([("normalize", block)]), {})


def random_filters(seed: int = 0) -> Demonstration:
    """Ten filters of 5 by 5 pixels and 3 channels, drawn from N(0, 1)."""
    if seed < 0:
        raise InputError(f"seed: found {seed}; expected a whole number of at least 0")
    shape = (FILTERS, 3, FILTER_SIZE, FILTER_SIZE)
    weight = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return _convolution(torch.from_numpy(weight))


def pixel_norms(x: Float32[Tensor, "n c h w"]) -> Float32[Tensor, "n h w"]:
    """The length of each pixel's colour."""
    norms: Tensor = torch.linalg.vector_norm(x, dim=1)
    return norms


_PLAIN: dict[str, Callable[[], Demonstration]] = {
    "laplacian": laplacian,
    "edges": edges,
    "relu": rectified_edges,
    "normalize": normalization,
}
DEMONSTRATIONS = ("laplacian", "edges", "relu", "maxpool", "normalize", "random")


def _convolution(weight: Tensor) -> Demonstration:
    out_channels, in_channels, height, width = weight.shape
    block = Convolution(in_channels, out_channels, (height, width), bias=False)
    return Demonstration(Chain([("filter", block)]), {"filter.weight": weight})
