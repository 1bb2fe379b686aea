"""Wrong derivatives, as people write them: every one is caught, and a named kind is the right one.

Each layer's forward is torch.nn.functional's, and its right backward is torch.autograd's; a mistake
is what a backward written by hand would give, from dy, x, the parameters p and the right dx and dp.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
import torch.nn.functional as F

from chainrule.checking import check_derivatives, check_projection


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Layer:
    function: Callable
    x: torch.Tensor
    params: dict = field(default_factory=dict)
    fixed: frozenset = frozenset()


@dataclass(frozen=True)
class WithBackward:
    """A block whose forward is `function` and whose backward makes a mistake (or none)."""

    layer: Layer
    mistake: Callable = None

    def forward(self, x, params):
        return self.layer.function(x, params), x

    def backward(self, dy, params, saved):
        x = saved.clone().requires_grad_()
        fixed = self.layer.fixed
        p = {name: v.clone().requires_grad_(name not in fixed) for name, v in params.items()}
        with torch.enable_grad():
            y = self.layer.function(x, p)
        learned = [name for name in p if name not in fixed]
        dx, *dp = torch.autograd.grad(y, [x, *(p[name] for name in learned)], dy)
        dp = dict(zip(learned, dp, strict=True))
        if self.mistake is None:
            return dx, dp
        return self.mistake(dy, saved, params, dx, dp)


def lrn(x, p, alpha=0.3, beta=0.75, kappa=1.5):
    square = F.pad(x * x, (0, 0, 0, 0, 1, 1))
    summed = square[:, :-2] + square[:, 1:-1] + square[:, 2:]
    return x * (kappa + alpha * summed) ** -beta


TARGET = torch.tensor([0, 2, 1, 3, 2])
SIGNS = torch.tensor([[1.0], [-1.0], [1.0], [1.0], [-1.0]], dtype=torch.float64)
MASK = (draw(3, 4, 3, 3, seed=9) > 0).double() / 0.75
BANK = {"weight": draw(4, 2, 3, 3, seed=1), "bias": draw(4, seed=2)}
SCALES = {"weight": draw(3, seed=3) + 2.0, "bias": draw(3, seed=4)}

LAYERS = {
    "convolution": Layer(
        lambda x, p: F.conv2d(x, p["weight"], p["bias"], padding=1), draw(3, 2, 8, 7), BANK
    ),
    "convolution of square filters": Layer(
        lambda x, p: F.conv2d(x, p["weight"], p["bias"]),
        draw(3, 3, 5, 6),
        {"weight": draw(3, 3, 2, 2, seed=1), "bias": draw(3, seed=2)},
    ),
    "strided convolution": Layer(
        lambda x, p: F.conv2d(x, p["weight"], p["bias"], stride=(2, 1), padding=1),
        draw(2, 2, 6, 6),
        BANK,
    ),
    "dilated convolution": Layer(
        lambda x, p: F.conv2d(x, p["weight"], p["bias"], dilation=2), draw(2, 2, 7, 6), BANK
    ),
    "depthwise convolution": Layer(
        lambda x, p: F.conv2d(x, p["weight"], p["bias"], groups=3),
        draw(2, 3, 5, 4),
        {"weight": draw(3, 1, 2, 3, seed=1), "bias": draw(3, seed=2)},
    ),
    "fully connected": Layer(
        lambda x, p: F.linear(x, p["weight"], p["bias"]),
        draw(5, 3),
        {"weight": draw(4, 3, seed=1), "bias": draw(4, seed=2)},
    ),
    "square fully connected": Layer(
        lambda x, p: F.linear(x, p["weight"], p["bias"]),
        draw(5, 3),
        {"weight": draw(3, 3, seed=1), "bias": draw(3, seed=2)},
    ),
    "relu": Layer(lambda x, p: F.relu(x), draw(3, 2, 4, 3)),
    "relu6": Layer(lambda x, p: F.relu6(x), 6 * draw(3, 2, 4, 3)),
    "leaky relu": Layer(lambda x, p: F.leaky_relu(x, 0.1), draw(3, 2, 4, 3)),
    "sigmoid": Layer(lambda x, p: torch.sigmoid(x), draw(3, 2, 4, 3)),
    "tanh": Layer(lambda x, p: torch.tanh(x), draw(3, 2, 4, 3)),
    "max pooling": Layer(lambda x, p: F.max_pool2d(x, 2), draw(2, 3, 6, 4)),
    "overlapping max pooling": Layer(lambda x, p: F.max_pool2d(x, 3, 1), draw(2, 3, 6, 5)),
    "average pooling": Layer(
        lambda x, p: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), draw(2, 3, 7, 8)
    ),
    "global average pooling": Layer(lambda x, p: x.mean((2, 3), keepdim=True), draw(2, 3, 5, 4)),
    "batch normalisation": Layer(
        lambda x, p: F.batch_norm(x, None, None, p["weight"], p["bias"], training=True),
        draw(4, 3, 3, 2),
        SCALES,
    ),
    "inference batch normalisation": Layer(
        lambda x, p: F.batch_norm(x, p["mean"], p["variance"], p["weight"], p["bias"]),
        draw(4, 3, 3, 2),
        {**SCALES, "mean": draw(3, seed=5), "variance": draw(3, seed=6) ** 2 + 0.5},
        frozenset({"mean", "variance"}),
    ),
    "local response normalisation": Layer(lrn, draw(2, 5, 3, 2)),
    "softmax": Layer(lambda x, p: F.softmax(x, 1), draw(4, 5)),
    "dropout": Layer(lambda x, p: x * p["mask"], draw(3, 4, 3, 3), {"mask": MASK}, {"mask"}),
    "flatten": Layer(lambda x, p: x.flatten(1), draw(2, 3, 4, 5)),
    "softmax log-loss": Layer(lambda x, p: F.cross_entropy(x, TARGET), draw(5, 4)),
    "hinge loss": Layer(lambda x, p: F.relu(1 - SIGNS * x).mean(), draw(5, 3)),
    "residual": Layer(
        lambda x, p: x + F.conv2d(x, p["weight"], padding=1),
        draw(2, 3, 5, 5),
        {"weight": draw(3, 3, 3, 3, seed=1)},
    ),
}


def normalised(x):
    mean = x.mean((0, 2, 3), keepdim=True)
    rstd = (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).rsqrt()
    return (x - mean) * rstd, rstd


def spread(dy, w, size, stride=(1, 1), padding=1, dilation=1):
    """dx of a convolution, each dy spread over the pixels that its filter saw, in plain loops."""
    dx = torch.zeros(dy.shape[0], w.shape[1], *size, dtype=dy.dtype)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            part = torch.einsum("no,ockl->nckl", dy[:, :, i, j], w)
            for k in range(w.shape[2]):
                for m in range(w.shape[3]):
                    row = i * stride[0] - padding + k * dilation
                    column = j * stride[1] - padding + m * dilation
                    if 0 <= row < size[0] and 0 <= column < size[1]:
                        dx[:, :, row, column] += part[:, :, k, m]
    return dx


def correlated(x, dy, size, stride=(1, 1), padding=1):
    """dw of a convolution, in plain loops."""
    x = F.pad(x, (padding,) * 4)
    dw = torch.zeros(dy.shape[1], x.shape[1], *size, dtype=dy.dtype)
    for k in range(size[0]):
        for m in range(size[1]):
            rows = torch.arange(dy.shape[2]) * stride[0] + k
            columns = torch.arange(dy.shape[3]) * stride[1] + m
            rows, columns = rows.clamp(max=x.shape[2] - 1), columns.clamp(max=x.shape[3] - 1)
            dw[:, :, k, m] = torch.einsum("noij,ncij->oc", dy, x[:, :, rows][..., columns])
    return dw


def routed(dy, x, kernel, stride, pick=torch.argmax, add=True):
    """dx of max pooling, in plain loops."""
    dx = torch.zeros_like(x)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            window = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            where = pick(window.flatten(2), 2)
            for n in range(x.shape[0]):
                for c in range(x.shape[1]):
                    k, m = divmod(int(where[n, c]), kernel)
                    place = (n, c, i * stride + k, j * stride + m)
                    dx[place] = dy[n, c, i, j] + (dx[place] if add else 0)
    return dx


def lrn_backward(dy, x, two=2.0, sign=-1.0, reach=(-1, 0, 1), alpha=0.3, beta=0.75, kappa=1.5):
    square = F.pad(x * x, (0, 0, 0, 0, 1, 1))
    L = kappa + alpha * (square[:, :-2] + square[:, 1:-1] + square[:, 2:])
    inner = F.pad(dy * x * L ** (-beta - 1), (0, 0, 0, 0, 1, 1))
    channels = torch.arange(x.shape[1]) + 1
    summed = sum(inner[:, channels + by] for by in reach)
    return dy * L**-beta + sign * two * alpha * beta * x * summed


def but(dp, **changed):
    return {**dp, **changed}


def without(dp, name):
    return {key: value for key, value in dp.items() if key != name}


# layer, what is wrong, in which derivative, the kind that must be named (None: none may be), how
MISTAKES = [
    # convolution
    ("convolution", "sign of dw", "weight", "sign",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=-correlated(x, dy, (3, 3))))),
    ("convolution", "sign of dx", "x", "sign",
     lambda dy, x, p, dx, dp: (-spread(dy, p["weight"], (8, 7)), dp)),
    ("convolution", "no bias gradient", "bias", "missing",
     lambda dy, x, p, dx, dp: (dx, without(dp, "bias"))),
    ("convolution", "bias gradient left at zero", "bias", "zero",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=torch.zeros_like(p["bias"])))),
    ("convolution", "bias not summed over the batch", "bias", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.sum((2, 3))))),
    ("convolution", "bias not summed over positions", "bias", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.sum(0)))),
    ("convolution", "bias of the first sample", "bias", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy[0].sum((1, 2))))),
    ("convolution", "bias averaged over the batch", "bias", "factor",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.mean(0).sum((1, 2))))),
    ("convolution", "bias averaged over everything", "bias", "factor",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.mean((0, 2, 3))))),
    ("convolution", "dw averaged over the batch", "weight", "factor",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(x, dy / 3, (3, 3))))),
    ("convolution", "dw overwritten in the loop over samples", "weight", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(x[2:], dy[2:], (3, 3))))),
    ("convolution", "dw one for each sample", "weight", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=torch.stack(
         [correlated(x[n:n + 1], dy[n:n + 1], (3, 3)) for n in range(3)])))),
    ("convolution", "dw as of a flipped filter", "weight", "flip",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(x, dy, (3, 3)).flip((2, 3))))),
    ("convolution", "dw of x transposed", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(
         x.transpose(2, 3), dy.transpose(2, 3), (3, 3))))),
    ("convolution", "dw with in and out channels swapped", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=torch.einsum(
         "noij,ncklij->ockl", dy, F.pad(x, (1,) * 4).unfold(2, 3, 1).unfold(3, 3, 1)
         .permute(0, 1, 4, 5, 2, 3)).transpose(0, 1)))),
    ("convolution", "dw without padding", "weight", "shift",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(
         F.pad(x, (0, 2, 0, 2)), dy, (3, 3), padding=0)))),
    ("convolution", "dx with the filter not flipped", "x", None,
     lambda dy, x, p, dx, dp: (F.conv2d(dy, p["weight"].transpose(0, 1), padding=1), dp)),
    ("convolution", "dx off by one padding", "x", "shift",
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"], (8, 7), padding=0), dp)),
    ("convolution", "dx of the inner outputs alone", "x", "border",
     lambda dy, x, p, dx, dp: (spread(F.pad(dy[..., 1:-1, 1:-1], (1,) * 4), p["weight"], (8, 7)),
                               dp)),
    ("convolution", "dx of all channels but one", "x", "dropped",
     lambda dy, x, p, dx, dp: (torch.cat([torch.zeros_like(dx[:, :1]), dx[:, 1:]], 1), dp)),
    ("convolution", "dx summed over the batch", "x", None,
     lambda dy, x, p, dx, dp: (dx.sum(0, keepdim=True).expand_as(dx), dp)),
    ("convolution of square filters", "dw of swapped channels", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(
         x, dy, (2, 2), padding=0).transpose(0, 1)))),
    ("convolution of square filters", "dx by the transposed bank", "x", None,
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"].transpose(0, 1), (5, 6), padding=0), dp)),
    ("strided convolution", "dx with swapped strides", "x", None,
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"], (6, 6), stride=(1, 2)), dp)),
    ("strided convolution", "dx without stride", "x", None,
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"], (6, 6), stride=(1, 1)), dp)),
    ("strided convolution", "dw with swapped strides", "weight", None,
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=correlated(x, dy, (3, 3), stride=(1, 2))))),
    ("dilated convolution", "dx without dilation", "x", None,
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"], (7, 6), padding=0), dp)),
    ("depthwise convolution", "groups in the wrong order", "weight", "flip",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=dp["weight"].flip(0)))),
    ("depthwise convolution", "every group sees the first", "weight", None,
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=dp["weight"][:1].expand(3, 1, 2, 3)))),
    # fully connected
    ("fully connected", "dw transposed", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=x.T @ dy))),
    ("fully connected", "dw reshaped where it should be transposed", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=(x.T @ dy).reshape(4, 3)))),
    ("fully connected", "dw averaged", "weight", "factor",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=dy.T @ x / len(x)))),
    ("fully connected", "bias summed over the wrong axis", "bias", "shape",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.sum(1)))),
    ("fully connected", "bias not summed", "bias", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy))),
    ("fully connected", "bias summed to one number", "bias", "shape",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.sum()))),
    ("fully connected", "dx forgotten", "x", "missing",
     lambda dy, x, p, dx, dp: (None, dp)),
    ("square fully connected", "dx by the transposed weights", "x", None,
     lambda dy, x, p, dx, dp: (dy @ p["weight"].T, dp)),
    ("square fully connected", "square dw transposed", "weight", "transpose",
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=x.T @ dy))),
    ("square fully connected", "dx passed through", "x", "identity",
     lambda dy, x, p, dx, dp: (dy, dp)),
    # activations
    ("relu", "passed on where x is negative", "x", "identity",
     lambda dy, x, p, dx, dp: (dy, dp)),
    ("relu", "the other side", "x", None, lambda dy, x, p, dx, dp: (dy * (x < 0), dp)),
    ("relu", "gated by dy", "x", "not linear", lambda dy, x, p, dx, dp: (dy * (dy > 0), dp)),
    ("relu", "dy forgotten", "x", "not linear", lambda dy, x, p, dx, dp: ((x > 0).double(), dp)),
    ("relu6", "clip forgotten", "x", "mask", lambda dy, x, p, dx, dp: (dy * (x > 0), dp)),
    ("leaky relu", "zero on the negative side", "x", "dropped",
     lambda dy, x, p, dx, dp: (dy * (x > 0), dp)),
    ("leaky relu", "slope squared", "x", None,
     lambda dy, x, p, dx, dp: (dy * torch.where(x > 0, 1.0, 0.01), dp)),
    ("sigmoid", "dy forgotten", "x", "not linear",
     lambda dy, x, p, dx, dp: (torch.sigmoid(x) * (1 - torch.sigmoid(x)), dp)),
    ("sigmoid", "of y where x is meant", "x", None,
     lambda dy, x, p, dx, dp: (dy * x * (1 - x), dp)),
    ("tanh", "square forgotten", "x", None,
     lambda dy, x, p, dx, dp: (dy * (1 - torch.tanh(x)), dp)),
    ("tanh", "sign of the square", "x", None,
     lambda dy, x, p, dx, dp: (dy * (1 + torch.tanh(x) ** 2), dp)),
    # pooling
    ("max pooling", "to the smallest", "x", None,
     lambda dy, x, p, dx, dp: (routed(dy, x, 2, 2, pick=torch.argmin), dp)),
    ("max pooling", "to the whole window", "x", "mask",
     lambda dy, x, p, dx, dp: (dy.repeat_interleave(2, 2).repeat_interleave(2, 3), dp)),
    ("max pooling", "index in column order", "x", None,
     lambda dy, x, p, dx, dp: (routed(dy, x, 2, 2, pick=lambda w, d: w.reshape(
         *w.shape[:2], 2, 2).transpose(2, 3).flatten(2).argmax(d)), dp)),
    ("overlapping max pooling", "overwritten, not added", "x", None,
     lambda dy, x, p, dx, dp: (routed(dy, x, 3, 1, add=False), dp)),
    ("average pooling", "divided by the whole window at the border", "x", "border",
     lambda dy, x, p, dx, dp: (F.avg_pool2d(dy, 3, 1, 1), dp)),
    ("average pooling", "not divided", "x", None,
     lambda dy, x, p, dx, dp: (F.avg_pool2d(dy, 3, 1, 1, divisor_override=1), dp)),
    ("global average pooling", "1/(H W) forgotten", "x", "factor",
     lambda dy, x, p, dx, dp: (dy.expand_as(x), dp)),
    ("global average pooling", "of one pixel", "x", "dropped",
     lambda dy, x, p, dx, dp: (F.pad(dx[..., :1, :1], (0, 3, 0, 4)), dp)),
    # normalisation
    ("batch normalisation", "moments as constants", "x", None,
     lambda dy, x, p, dx, dp: (
         dy * p["weight"].view(1, -1, 1, 1) * normalised(x)[1], dp)),
    ("batch normalisation", "mean not differentiated", "x", "offset",
     lambda dy, x, p, dx, dp: (p["weight"].view(1, -1, 1, 1) * normalised(x)[1] * (
         dy - normalised(x)[0] * (dy * normalised(x)[0]).mean((0, 2, 3), keepdim=True)), dp)),
    ("batch normalisation", "variance not differentiated", "x", None,
     lambda dy, x, p, dx, dp: (p["weight"].view(1, -1, 1, 1) * normalised(x)[1] * (
         dy - dy.mean((0, 2, 3), keepdim=True)), dp)),
    ("batch normalisation", "weight left out of dx", "x", "factor",
     lambda dy, x, p, dx, dp: (dx / p["weight"].view(1, -1, 1, 1), dp)),
    ("batch normalisation", "dw of x, not of x normalised", "weight", None,
     lambda dy, x, p, dx, dp: (dx, but(dp, weight=(dy * x).sum((0, 2, 3))))),
    ("batch normalisation", "dw and db swapped", "weight", "swapped",
     lambda dy, x, p, dx, dp: (dx, {"weight": dp["bias"], "bias": dp["weight"]})),
    ("batch normalisation", "db not summed over the batch", "bias", "batch sum",
     lambda dy, x, p, dx, dp: (dx, but(dp, bias=dy.sum((2, 3))))),
    ("inference batch normalisation", "variance for its square root", "x", "factor",
     lambda dy, x, p, dx, dp: (dy * (p["weight"] / (p["variance"] + 1e-5)).view(1, -1, 1, 1), dp)),
    ("local response normalisation", "the neighbours forgotten", "x", None,
     lambda dy, x, p, dx, dp: (lrn_backward(dy, x, two=0.0), dp)),
    ("local response normalisation", "the 2 of the square forgotten", "x", None,
     lambda dy, x, p, dx, dp: (lrn_backward(dy, x, two=1.0), dp)),
    ("local response normalisation", "sign of the second term", "x", None,
     lambda dy, x, p, dx, dp: (lrn_backward(dy, x, sign=1.0), dp)),
    ("local response normalisation", "one neighbour forgotten", "x", None,
     lambda dy, x, p, dx, dp: (lrn_backward(dy, x, reach=(-1, 0)), dp)),
    ("local response normalisation", "not a number", "x", "not finite",
     lambda dy, x, p, dx, dp: (dx * torch.log(-x.abs()), dp)),
    # softmax, losses
    ("softmax", "the diagonal alone", "x", None,
     lambda dy, x, p, dx, dp: (dy * F.softmax(x, 1) * (1 - F.softmax(x, 1)), dp)),
    ("softmax", "the mean not taken off", "x", None,
     lambda dy, x, p, dx, dp: (dy * F.softmax(x, 1), dp)),
    ("softmax", "along the batch", "x", None,
     lambda dy, x, p, dx, dp: (F.softmax(x, 1) * (
         dy - (dy * F.softmax(x, 1)).sum(0, keepdim=True)), dp)),
    ("softmax log-loss", "1/N forgotten", "x", "factor",
     lambda dy, x, p, dx, dp: (dy * (F.softmax(x, 1) - F.one_hot(TARGET, 4)), dp)),
    ("softmax log-loss", "target minus p", "x", "sign",
     lambda dy, x, p, dx, dp: (dy / 5 * (F.one_hot(TARGET, 4) - F.softmax(x, 1)), dp)),
    ("softmax log-loss", "target not taken off", "x", None,
     lambda dy, x, p, dx, dp: (dy / 5 * F.softmax(x, 1), dp)),
    ("softmax log-loss", "dloss forgotten", "x", "not linear",
     lambda dy, x, p, dx, dp: ((F.softmax(x, 1) - F.one_hot(TARGET, 4)) / 5, dp)),
    ("hinge loss", "margin forgotten", "x", "mask",
     lambda dy, x, p, dx, dp: (-dy * SIGNS.expand_as(x) / x.numel(), dp)),
    ("hinge loss", "sign", "x", "sign",
     lambda dy, x, p, dx, dp: (dy * SIGNS * (SIGNS * x < 1) / x.numel(), dp)),
    # residual, dropout, flatten
    ("residual", "the input's own way forgotten", "x", "term",
     lambda dy, x, p, dx, dp: (spread(dy, p["weight"], (5, 5)), dp)),
    ("residual", "the input's own way twice", "x", "term",
     lambda dy, x, p, dx, dp: (2 * dy + spread(dy, p["weight"], (5, 5)), dp)),
    ("residual", "the chain's way forgotten", "x", "identity",
     lambda dy, x, p, dx, dp: (dy, dp)),
    ("dropout", "mask forgotten", "x", "identity", lambda dy, x, p, dx, dp: (dy, dp)),
    ("dropout", "1/(1 - p) forgotten", "x", "factor",
     lambda dy, x, p, dx, dp: (dy * (p["mask"] > 0), dp)),
    ("flatten", "channels last", "x", "transpose",
     lambda dy, x, p, dx, dp: (dy.reshape(2, 4, 5, 3).permute(0, 3, 1, 2), dp)),
]  # fmt: skip


def test_there_are_enough():
    names = [(layer, what) for layer, what, *_ in MISTAKES]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize("name", LAYERS)
def test_a_right_derivative_is_not_blamed(name):
    layer = LAYERS[name]
    options = {"fixed": layer.fixed}
    check = check_derivatives(WithBackward(layer), layer.x, layer.params, **options)
    assert check.right, str(check)
    assert check_projection(WithBackward(layer), layer.x, layer.params, **options).right


@pytest.mark.parametrize(
    ("name", "parameter", "kind", "mistake"),
    [(name, parameter, kind, mistake) for name, _, parameter, kind, mistake in MISTAKES],
    ids=[f"{name}: {what}" for name, what, *_ in MISTAKES],
)
def test_a_mistake_is_caught_and_named(name, parameter, kind, mistake):
    layer = LAYERS[name]
    block = WithBackward(layer, mistake)
    check = check_derivatives(block, layer.x, layer.params, fixed=layer.fixed)
    assert not check.right
    blamed = {found.parameter: found for found in check.mistakes}
    assert parameter in blamed
    assert set(blamed) == ({"weight", "bias"} if kind == "swapped" else {parameter})
    found = blamed[parameter]
    assert found.kind == kind, str(found)
    options = {"fixed": layer.fixed, "conduct": False}
    projection = check_projection(block, layer.x, layer.params, **options)
    wrong = {a.name for a in projection.arrays if a.relative_error > projection.tolerance}
    assert wrong == set(blamed)
