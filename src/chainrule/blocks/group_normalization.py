"""Layer, group and instance normalisation: each image by itself."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    check_number,
    check_whole,
)
from chainrule.blocks.kernels import wide
from chainrule.blocks.torch_modules import ChannelLayerNorm, with_parameters
from chainrule.errors import InputError, ShapeError


class _SetNormalization(Block):
    """What the three share: sets of entries of one image are brought to mean 0 and variance 1."""

    channels: int
    epsilon: float

    @abstractmethod
    def _in_sets(self, x: Tensor) -> tuple[Tensor, list[int]]:
        """x with each set along some dimensions of its own, and these."""

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        self.shape(tuple(x.shape))
        sets, along = self._in_sets(wide(x))
        away = sets - sets.mean(along, keepdim=True)
        r = (away.square().mean(along, keepdim=True) + self.epsilon).rsqrt()
        x_hat = (away * r).reshape(x.shape)
        y = _along(params["bias"], x) + _along(params["weight"], x) * x_hat
        return y.to(x.dtype), (x_hat, r)

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Derivatives]:
        (x_hat, r), weight, given = saved, params["weight"], wide(dy)
        everything = [d for d in range(dy.ndim) if d != 1]
        derivatives = {
            "weight": (given * x_hat).sum(everything).to(weight.dtype),
            "bias": given.sum(everything).to(weight.dtype),
        }
        g, along = self._in_sets(given * _along(weight, dy))
        sets, _ = self._in_sets(x_hat)
        dx = r * (g - g.mean(along, keepdim=True) - sets * (g * sets).mean(along, keepdim=True))
        return dx.reshape(dy.shape).to(dy.dtype), derivatives

    def parameter_shapes(self) -> dict[str, Shape]:
        return dict.fromkeys(("weight", "bias"), (self.channels,))


@dataclass(frozen=True)
class LayerNormalization(_SetNormalization):
    """At each position the channels are brought to mean 0 and variance 1, then scaled and shifted.

        y = w x_hat + b,      x_hat = (x - mu) r,      r = (v + epsilon)^(-1/2)

    with mu and v the mean and the (biased) variance over the M = `channels` entries of one image at
    one position: of a row (N, channels), of each pixel of an image.

    Derivation. As for `BatchNormalization`, but the set of M entries over which mu and v are taken
    is another one, in which w differs from entry to entry. With g = dy w for ds/dx_hat, x enters
    through x_hat itself, through mu and through v, and the means are over the set:

        dx = r (g - mean(g) - x_hat mean(g x_hat))
        db = sum dy,      dw = sum dy x_hat                over all images and positions

    Smooth: no kinks. The same in training and in inference.

    Parameters: weight, bias, each (channels,).
    Shapes: x (N, channels) or (N, channels, H, W) to y of the same shape. Moments are taken in
    float32 at least. (One mean over all of an image: `GroupNormalization` with one group.)
    Source: Ba, Kiros and Hinton, Layer normalization, 2016.
    """

    channels: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_whole("LayerNormalization", "channels", self.channels, 2)
        check_number("LayerNormalization", "epsilon", self.epsilon, low=0.0)

    def shape(self, x_shape: Shape) -> Shape:
        return _checked("LayerNormalization", x_shape, self.channels)

    def to_torch(self, params: Parameters) -> nn.Module:
        return with_parameters(ChannelLayerNorm(self.channels, self.epsilon, device="meta"), params)

    def _in_sets(self, x: Tensor) -> tuple[Tensor, list[int]]:
        return x, [1]


@dataclass(frozen=True)
class GroupNormalization(_SetNormalization):
    """The channels of an image in groups, each brought to mean 0 and variance 1 over all positions.

        y = w x_hat + b,      x_hat = (x - mu) r,      r = (v + epsilon)^(-1/2)

    with mu and v over the M = (channels / groups) H W entries of one group of one image.

    Derivation: as for `LayerNormalization`, with the means over a group's M entries.

        dx = r (g - mean(g) - x_hat mean(g x_hat)),      g = dy w
        db = sum dy,      dw = sum dy x_hat                over all images and positions

    Smooth: no kinks. The same in training and in inference, and for each image by itself.

    Parameters: weight, bias, each (channels,).
    Shapes: x (N, channels, H, W) or (N, channels) to y of the same shape. M must be at least 2.
    Moments are taken in float32 at least.
    Source: Wu and He, Group normalization, 2018.
    """

    groups: int
    channels: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_whole("GroupNormalization", "groups", self.groups, 1)
        check_whole("GroupNormalization", "channels", self.channels, 1)
        check_number("GroupNormalization", "epsilon", self.epsilon, low=0.0)
        if self.channels % self.groups:
            raise InputError(
                f"GroupNormalization: `groups` is {self.groups}; expected a divisor of `channels` "
                f"({self.channels})"
            )

    def shape(self, x_shape: Shape) -> Shape:
        return _checked("GroupNormalization", x_shape, self.channels, self.groups)

    def to_torch(self, params: Parameters) -> nn.Module:
        module = nn.GroupNorm(self.groups, self.channels, self.epsilon, device="meta")
        return with_parameters(module, params)

    def _in_sets(self, x: Tensor) -> tuple[Tensor, list[int]]:
        groups = x.reshape(len(x), self.groups, self.channels // self.groups, *x.shape[2:])
        return groups, list(range(2, groups.ndim))


@dataclass(frozen=True)
class InstanceNormalization(_SetNormalization):
    """Each channel of each image is brought to mean 0 and variance 1, then scaled and shifted.

        y = w x_hat + b,      x_hat = (x - mu) r,      r = (v + epsilon)^(-1/2)

    with mu and v over the M = H W entries of one channel of one image.

    Derivation: as for `LayerNormalization`, with the means over a channel's M entries, in which w
    is the same and comes out of them:

        dx = w r (dy - mean(dy) - x_hat mean(dy x_hat))
        db = sum dy,      dw = sum dy x_hat                over all images and positions

    Smooth: no kinks. The same in training and in inference.

    Parameters: weight, bias, each (channels,).
    Shapes: x (N, channels, H, W) to y of the same shape. M must be at least 2. Moments are taken in
    float32 at least.
    Source: Ulyanov, Vedaldi and Lempitsky, Instance normalization, 2016.
    """

    channels: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        check_whole("InstanceNormalization", "channels", self.channels, 1)
        check_number("InstanceNormalization", "epsilon", self.epsilon, low=0.0)

    def shape(self, x_shape: Shape) -> Shape:
        return _checked("InstanceNormalization", x_shape, self.channels, self.channels)

    def to_torch(self, params: Parameters) -> nn.Module:
        module = nn.InstanceNorm2d(self.channels, self.epsilon, affine=True, device="meta")
        return with_parameters(module, params)

    def _in_sets(self, x: Tensor) -> tuple[Tensor, list[int]]:
        return x, list(range(2, x.ndim))


def _checked(block: str, x_shape: Shape, channels: int, groups: int | None = None) -> Shape:
    """x's shape, if it fits. Raises ShapeError."""
    if len(x_shape) not in (2, 4) or x_shape[1] != channels:
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}; expected (N, {channels}, H, W) or "
            f"(N, {channels})"
        )
    entries = channels // (groups or 1)
    for length in x_shape[2:] if groups else ():
        entries *= length
    if entries < 2:
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}, of which {entries} is normalised by "
            "itself; expected two entries at least, for one alone becomes 0"
        )
    return tuple(x_shape)


def _along(per_channel: Tensor, x: Tensor) -> Tensor:
    """One number a channel, laid along x's channels, in float32 at least."""
    return wide(per_channel).view(-1, *[1] * (x.ndim - 2))
