"""Local response normalisation and batch normalisation."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    Derivatives,
    Initialization,
    Parameters,
    Shape,
    check_flag,
    check_image_shape,
    check_number,
    check_whole,
)
from chainrule.blocks.torch_modules import AnyBatchNorm, LocalResponseNorm, with_parameters
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class LocalResponseNormalization(Block):
    """Each entry is divided by a power of the energy of the channels around it, pixel by pixel.

        y[c] = x[c] s[c]^-beta,      s[c] = kappa + alpha sum_{k in G(c)} x[k]^2

    where G(c) is the group of rho channels from c - floor((rho - 1)/2) to c + ceil((rho - 1)/2), as
    far as they exist. Some write alpha / rho for this alpha (PyTorch, ONNX).

    Derivation. y[c] depends on x[j] directly if c = j, and through s[c] if j is in G(c):

        dy[c]/dx[j] = [c = j] s[c]^-beta  -  beta x[c] s[c]^(-beta - 1)  2 alpha x[j] [j in G(c)]

    and by the chain rule, with the sum over all outputs that x[j] reaches,

        dx[j] = dy[j] s[j]^-beta  -  2 alpha beta x[j] sum_{c: j in G(c)} dy[c] x[c] s[c]^(-beta-1)

    With B[c, k] = [k in G(c)], the first sum is B x^2 and the last is B' times the product: both
    are convolutions by 1x1 filters.

    Smooth for kappa > 0. With kappa = 0, s is 0 where a whole group is: there y = 0 is taken, and
    the derivative 0.

    Shapes: x (N, C, H, W) to y of the same shape. No parameters.
    Source: Krizhevsky, Sutskever and Hinton, ImageNet classification, 2012, section 3.3.
    """

    rho: int = 5
    kappa: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75

    def __post_init__(self) -> None:
        check_whole("LocalResponseNormalization", "rho", self.rho, 1)
        for setting in ("kappa", "alpha", "beta"):
            value = getattr(self, setting)
            check_number("LocalResponseNormalization", setting, value, low=0.0)
        if self.kappa == 0 and self.alpha == 0:
            raise InputError(
                "LocalResponseNormalization: `kappa` and `alpha` are both 0; expected one of them "
                "to be positive, for they make the divisor"
            )

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        self.shape(tuple(x.shape))
        s = self.alpha * F.conv2d(x * x, self._groups(x)) + self.kappa
        return x * self._power(s, -self.beta), (x, s)

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Derivatives]:
        x, s = saved
        direct = dy * self._power(s, -self.beta)
        through_s = F.conv_transpose2d(dy * x * self._power(s, -self.beta - 1), self._groups(x))
        return direct - 2 * self.alpha * self.beta * x * through_s, {}

    def shape(self, x_shape: Shape) -> Shape:
        check_image_shape("LocalResponseNormalization", x_shape)
        return tuple(x_shape)

    def to_torch(self, params: Parameters) -> nn.Module:
        return LocalResponseNorm(self.rho, self.kappa, self.alpha, self.beta)

    def _groups(self, x: Tensor) -> Tensor:
        """B as filters (C, C, 1, 1)."""
        before, after = (self.rho - 1) // 2, self.rho // 2
        channels = x.shape[1]
        ones = torch.ones(channels, channels, dtype=x.dtype, device=x.device)
        return ones.tril(after).triu(-before)[:, :, None, None]

    def _power(self, s: Tensor, exponent: float) -> Tensor:
        power = s.pow(exponent)
        return power if self.kappa > 0 else torch.where(s > 0, power, 0.0)


@dataclass(frozen=True)
class BatchNormalization(Block):
    """Each channel is brought to mean 0 and variance 1, then scaled and shifted as learned.

        y = w x_hat + b,      x_hat = (x - mu) r,      r = (v + epsilon)^(-1/2)

    per channel. In training mu and v are the mean and the (biased) variance of the channel over the
    M = N H W entries of the batch; in inference they are the parameters `mean` and `variance`, the
    running moments, which `moments` updates after each training step.

    Derivation in training. b enters every y of its channel once, w times x_hat:

        db = sum dy,      dw = sum dy x_hat

    With g = dy w for ds/dx_hat, x enters through three doors: x_hat itself, mu, and v.

        ds/dv  = sum g (x - mu) (-1/2) r^3           since dr/dv = -1/2 r^3
        ds/dmu = -r sum g                            (through v: -2/M sum (x - mu) = 0)
        dx     = g r + ds/dv 2 (x - mu)/M + ds/dmu 1/M
               = r (g - x_hat mean(g x_hat) - mean(g))
               = w r (dy - x_hat dw/M - db/M)

    In inference mu and v don't depend on x: dx = w r dy, and dw, db as above. `mean` and `variance`
    are not learned and get no derivative. Smooth: no kinks.

    Parameters: weight, bias, mean, variance, each (channels,).
    Shapes: x (N, channels, H, W) or (N, channels) to y of the same shape. In training M must be at
    least 2. Moments are taken in float32 at least.
    Source: Ioffe and Szegedy, Batch normalization, 2015.
    """

    channels: int
    epsilon: float = 1e-5
    momentum: float = 0.1
    training: bool = True

    def __post_init__(self) -> None:
        check_whole("BatchNormalization", "channels", self.channels, 1)
        check_number("BatchNormalization", "epsilon", self.epsilon, low=0.0)
        check_number("BatchNormalization", "momentum", self.momentum, low=0.0, high=1.0)
        check_flag("BatchNormalization", "training", self.training)

    def forward(
        self, x: Tensor, params: Parameters
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        self.shape(tuple(x.shape))
        if self.training:
            if x.numel() <= self.channels:
                raise ShapeError(
                    f"BatchNormalization: the input has shape {tuple(x.shape)}, "
                    f"{x.numel() // self.channels} entries a channel; expected at least two in "
                    "training"
                )
            mean, variance = _mean_and_variance(_wide(x))
        else:
            mean, variance = _wide(params["mean"]), _wide(params["variance"])
        scale = params["weight"] * self._r(variance)
        shift = params["bias"] - mean * scale
        y = torch.addcmul(_along(shift, x), _wide(x), _along(scale, x))
        return y.to(x.dtype), (x, mean, variance)

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Derivatives]:
        x, mean, variance = saved
        r, w = self._r(variance), params["weight"]
        x_hat = torch.addcmul(_along(-mean * r, x), _wide(x), _along(r, x))
        dx = _wide(dy)
        db = dx.sum(_all_but_channels(x))
        dw = (dx * x_hat).sum(_all_but_channels(x))
        if self.training:
            M = x.numel() // self.channels
            dx = dx + torch.addcmul(_along(-db / M, x), x_hat, _along(-dw / M, x))
        dx = dx * _along(w * r, x)
        return dx.to(x.dtype), {"weight": dw.to(w.dtype), "bias": db.to(w.dtype)}

    def moments(
        self, params: Parameters, saved: tuple[Tensor, Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Give the running moments after this batch; nothing in inference.

            mean     <- (1 - momentum) mean     + momentum mu
            variance <- (1 - momentum) variance + momentum v M / (M - 1)

        As PyTorch defines `momentum`, and with the unbiased variance as there.
        """
        if not self.training:
            return {}
        x, mean, variance = saved
        M = x.numel() // self.channels
        new = {"mean": mean, "variance": variance * (M / (M - 1))}
        return {k: params[k].lerp(v.to(params[k].dtype), self.momentum) for k, v in new.items()}

    def shape(self, x_shape: Shape) -> Shape:
        if len(x_shape) not in (2, 4) or x_shape[1] != self.channels:
            raise ShapeError(
                f"BatchNormalization: the input has shape {tuple(x_shape)}; expected "
                f"(N, {self.channels}, H, W) or (N, {self.channels})"
            )
        return tuple(x_shape)

    def parameter_shapes(self) -> dict[str, Shape]:
        return dict.fromkeys(("weight", "bias", "mean", "variance"), (self.channels,))

    def initial_parameters(
        self, generator: torch.Generator, *, initialization: Initialization = "he"
    ) -> dict[str, Tensor]:
        """Weights and variances 1, biases and means 0, so that what is normal stays as it is."""
        starts = {"weight": 1.0, "bias": 0.0, "mean": 0.0, "variance": 1.0}
        return {name: torch.full((self.channels,), value) for name, value in starts.items()}

    def to_torch(self, params: Parameters) -> nn.Module:
        module = AnyBatchNorm(self.channels, self.epsilon, self.momentum)
        with_parameters(module, params)
        module.running_mean = params["mean"].detach().clone()
        module.running_var = params["variance"].detach().clone()
        return module.train(self.training)

    def _r(self, variance: Tensor) -> Tensor:
        return (variance + self.epsilon).rsqrt()


def _all_but_channels(x: Tensor) -> list[int]:
    return [d for d in range(x.ndim) if d != 1]


def _mean_and_variance(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel. On a CPU these two passes take a tenth of `torch.var_mean`'s time."""
    mean = x.mean(_all_but_channels(x))
    away = x - _along(mean, x)
    return mean, away.mul_(away).mean(_all_but_channels(x))


def _along(per_channel: Tensor, x: Tensor) -> Tensor:
    """One number a channel, laid along x's channels, in float32 at least."""
    return _wide(per_channel).view(-1, *[1] * (x.ndim - 2))


def _wide(x: Tensor) -> Tensor:
    """x in float32 at least: sums over a batch in 16 bits would lose their last bits.

    On a CPU it also saves time, for each operation would widen its numbers by itself.
    """
    return x.float() if x.dtype.itemsize < 4 else x
