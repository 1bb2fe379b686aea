"""Of each kind of mistake several more than `chainrule bench checks` has: all are found and named.

`chainrule.benchmarks.checks` plants one or two of a kind; here are their siblings, written in other
ways, with parameters, as blocks, functions, modules and losses.
"""

import copy
import random
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from chainrule.checking import check_derivatives, check_projection
from chainrule.checking.check import Subject, started
from chainrule.checking.kinds import Kind
from chainrule.checking.probes.steadiness import kept_by_place
from chainrule.errors import InputError
from right_functions import FUNCTIONS, IN_16_BITS, draw


class Own:
    """A block of two functions; `kept` is what it keeps between calls."""

    def __init__(self, forwards, backwards):
        self.forwards, self.backwards, self.kept = forwards, backwards, {}

    def forward(self, x, params):
        return self.forwards(x, params, self.kept)

    def backward(self, dy, params, saved):
        given = self.backwards(dy, params, saved, self.kept)
        return given if isinstance(given, tuple) else (given, {})


class OwnLoss(Own):
    def forward(self, x, target):
        return self.forwards(x, target)

    def backward(self, dloss, target, saved):
        return self.backwards(dloss, target, saved)


def as_function(forwards, backwards):
    class Made(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *given):
            ctx.given = given
            return forwards(*given)

        @staticmethod
        def backward(ctx, *dy):
            return backwards(ctx.given, *dy)

    return Made


class AsModule(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, *given):
        return self.call(*given)


@dataclass
class Planted:
    name: str
    kinds: set
    layer: Any
    x: Any
    params: Any = None
    target: Any = None

    def fresh(self):
        """The layer as it was before any test called it."""
        return copy.deepcopy(self.layer)


IMAGES, ROWS, SCORES, CLASSES = (
    draw(3, 2, 4, 4),
    draw(5, 3),
    draw(5, 4),
    torch.tensor([0, 2, 1, 3, 2]),
)
LINEAR = {"weight": draw(4, 3, seed=1), "bias": draw(4, seed=2)}
WIDE = 10.0 ** -torch.arange(12, dtype=torch.float64)
ONE_LARGE = torch.tensor([1e10, 0.0], dtype=torch.float64).view(1, 2, 1, 1)
THREE = {"b": draw(3, seed=3)}
PLANTED = []


def plant(name, kinds, layer, x=IMAGES, params=None, target=None):
    PLANTED.append(Planted(name, set(kinds.split(", ")), layer, x, params, target))


def square(x, p, kept):
    return x**2, x


def square_back(dy, p, x, kept):
    return 2 * x * dy


def linear(x, p, kept):
    return x @ p["weight"].T + p["bias"], x


def linear_back(dy, p, x, kept):
    return dy @ p["weight"], {"weight": dy.T @ x, "bias": dy.sum(0)}


def then(do, backwards=square_back):
    """The right derivative, and then something that should not be done."""

    def both(dy, p, saved, kept):
        given = backwards(dy, p, saved, kept)
        do(dy, p, saved, kept)
        return given

    return both


def first_do(do, forwards=square):
    def both(x, p, kept):
        do(x, p, kept)
        return forwards(x, p, kept)

    return both


# backward overwrites dy
plant("dy is zeroed afterwards", "overwrites", Own(square, then(lambda dy, p, s, k: dy.zero_())))
plant(
    "dy by NumPy",
    "overwrites",
    Own(square, lambda dy, p, x, k: torch.from_numpy(np.multiply(dy, 2 * x, out=dy.numpy()))),
)
plant("out=dy", "overwrites", Own(square, lambda dy, p, x, k: torch.mul(dy, 2 * x, out=dy)))
plant(
    "dy gated in place",
    "overwrites",
    Own(lambda x, p, k: (x.clamp(min=0), x), lambda dy, p, x, k: dy.masked_fill_(x < 0, 0)),
)
plant("a Function's dy", "overwrites", as_function(torch.square, lambda g, dy: dy.mul_(2 * g[0])))
plant(
    "y, which was saved",
    "overwrites",
    Own(lambda x, p, k: (torch.tanh(x),) * 2, lambda dy, p, y, k: dy * (1 - y.pow_(2))),
)
plant("x, after its use", "overwrites", Own(square, then(lambda dy, p, x, k: x.zero_())))
plant(
    "a step within backward",
    "overwrites",
    Own(linear, then(lambda dy, p, x, k: p["weight"].mul_(0.9), linear_back)),
    ROWS,
    LINEAR,
)
# forward overwrites x
plant(
    "x is gated in place",
    "overwrites",
    Own(lambda x, p, k: (x.relu_(), x > 0), lambda dy, p, on, k: dy * on),
)
plant(
    "the mean of x is taken off in place",
    "overwrites",
    Own(
        lambda x, p, k: (x.sub_(x.mean((2, 3), keepdim=True)), None),
        lambda dy, p, s, k: dy - dy.mean((2, 3), keepdim=True),
    ),
)
plant(
    "x is clamped in place, far away alone",
    "overwrites",
    Own(lambda x, p, k: (x.clamp_(-50, 50), x.abs() < 50), lambda dy, p, on, k: dy * on),
)
plant(
    "weights are normalised in place",
    "overwrites",
    Own(first_do(lambda x, p, k: p["weight"].div_(p["weight"].norm()), linear), linear_back),
    ROWS,
    LINEAR,
)
plant(
    "a Function's x", "overwrites", as_function(lambda x: x.mul_(3).clone(), lambda g, dy: 3 * dy)
)
plant("a module's relu_", "overwrites", AsModule(torch.relu_))
plant(
    "a loss's x",
    "overwrites",
    OwnLoss(
        lambda x, t: (x.sub_(t).square().mean(), x.clone()), lambda d, t, x: d * 2 * x / x.numel()
    ),
    ROWS,
    target=draw(5, 3, seed=4),
)
plant(
    "a loss's target",
    "overwrites",
    OwnLoss(
        lambda x, t: (t.neg_().add_(x).square().mean(), t.clone()),
        lambda d, t, x: d * 2 * x / x.numel(),
    ),
    ROWS,
    target=draw(5, 3, seed=4),
)
plant(
    "whole numbers",
    "overwrites",
    Own(
        lambda x, p, k: (p["table"][x.clamp_(max=3)], x),
        lambda dy, p, x, k: (
            None,
            {"table": torch.zeros_like(p["table"]).index_put_((x,), dy, accumulate=True)},
        ),
    ),
    torch.tensor([[0, 2], [2, 4]]),
    {"table": draw(5, 3)},
)
plant(
    "the second of two inputs",
    "overwrites",
    Own(
        lambda x, p, k: (x[0] * x[1].mul_(2), x),
        lambda dy, p, x, k: ((dy * x[1], 2 * dy * x[0]), {}),
    ),
    (draw(3, 4), draw(3, 4, seed=1)),
)
# right at the first call only
plant(
    "saved.pop()", "saved", Own(lambda x, p, k: (x**2, [x]), lambda dy, p, s, k: 2 * s.pop() * dy)
)
plant(
    "saved is emptied, with zeros for nothing",
    "saved",
    Own(
        lambda x, p, k: (x**2, {"x": x}),
        lambda dy, p, s, k: 2 * s.pop("x", torch.zeros_like(dy)) * dy,
    ),
)
plant(
    "dw adds up in saved",
    "saved",
    Own(
        lambda x, p, k: (linear(x, p, k)[0], (x, torch.zeros(4, 3).to(x))),
        lambda dy, p, s, k: (
            dy @ p["weight"],
            {"weight": s[1].add_(dy.T @ s[0]), "bias": dy.sum(0)},
        ),
    ),
    ROWS,
    LINEAR,
)


def counted(dy, p, saved, kept, right_until=1):
    kept["calls"] = kept.get("calls", 0) + 1
    return 2 * saved * dy * (1 if kept["calls"] <= right_until else 1.1)


def wrong_at_the_third(dy, p, saved, kept):
    saved["calls"] += 1
    return 2 * saved["x"] * dy * (1 if saved["calls"] < 3 else 2)


def adds_up(dy, p, x, kept):
    kept["dw"] = kept.get("dw", 0) + dy.T @ x
    return dy @ p["weight"], {"weight": kept["dw"], "bias": dy.sum(0)}


plant("wrong from the second call on", "state, cache", Own(square, counted))
plant(
    "wrong from the twelfth call on",
    "state",
    Own(square, lambda *given: counted(*given, right_until=12)),
)
plant(
    "wrong at the third backward",
    "saved",
    Own(lambda x, p, k: (x**2, {"x": x, "calls": 0}), wrong_at_the_third),
)
plant("dw adds up in the layer", "state", Own(linear, adds_up), ROWS, LINEAR)
# a cache
plant(
    "the first weights, transposed",
    "cache",
    Own(
        lambda x, p, k: (linear(x, p, k)[0], (x, k.setdefault("w", p["weight"].T.clone()))),
        lambda dy, p, s, k: (dy @ s[1].T, {"weight": dy.T @ s[0], "bias": dy.sum(0)}),
    ),
    ROWS,
    LINEAR,
)
plant(
    "the first mask of a shape",
    "cache",
    Own(
        lambda x, p, k: (x.clamp(min=0), k.setdefault(x.shape, (x > 0).clone())),
        lambda dy, p, on, k: dy * on,
    ),
)
plant(
    "the first y of a shape",
    "cache, mask",
    Own(lambda x, p, k: (k.setdefault(x.shape, x**2).clone(), x), square_back),
)
plant(
    "the first dy of a shape",
    "state, cache",
    Own(square, lambda dy, p, x, k: 2 * x * k.setdefault(dy.shape, dy.clone())),
)
plant(
    "the first x's scale",
    "cache",
    Own(
        lambda x, p, k: (x / k.setdefault("scale", float(x.abs().max())), k["scale"]),
        lambda dy, p, scale, k: dy / scale,
    ),
)
plant(
    "the first moments of a shape",
    "cache, offset",
    Own(
        lambda x, p, k: (x - k.setdefault(x.shape, x.mean((0, 2, 3), keepdim=True)), None),
        lambda dy, p, s, k: dy - dy.mean((0, 2, 3), keepdim=True),
    ),
)
plant(
    "dx in a buffer by shape",
    "buffer",
    Own(
        square,
        lambda dy, p, x, k: torch.mul(2 * x, dy, out=k.setdefault(dy.shape, torch.empty_like(dy))),
    ),
)
# a cache with too poor a key
KEYS = {
    "sum": lambda x: float(x.sum()),
    "norm": lambda x: float(x.square().sum()),
    "mean and shape": lambda x: (x.shape, float(x.mean())),
    "largest and smallest": lambda x: (float(x.max()), float(x.min())),
    "first entry": lambda x: float(x.flatten()[0]),
    "first eight": lambda x: tuple(x.flatten()[:8].tolist()),
    "corners": lambda x: (float(x.flatten()[0]), float(x.flatten()[-1])),
    "address": lambda x: x.data_ptr(),
    "identity": id,
}
BY_NUMBERS = "cache, state, buffer, grad mode, threads, layout, elsewhere"
for NAME, KEY in KEYS.items():
    # what lies at an address next depends on who frees memory first: it is found, whatever it seems
    BY_KEY = ", ".join(get_args(Kind)) if NAME in ("address", "identity") else BY_NUMBERS
    plant(
        f"x by its {NAME}",
        BY_KEY,
        Own(lambda x, p, k, key=KEY: (x**2, k.setdefault(key(x), x.clone())), square_back),
        ROWS,
    )
    plant(
        f"the weights by their {NAME}",
        BY_KEY,
        Own(
            lambda x, p, k, key=KEY: (
                linear(x, p, k)[0],
                (x.clone(), k.setdefault(key(p["weight"]), p["weight"].clone())),
            ),
            lambda dy, p, s, k: (dy @ s[1], {"weight": dy.T @ s[0], "bias": dy.sum(0)}),
        ),
        ROWS,
        LINEAR,
    )
    if NAME not in ("sum", "mean and shape", "address"):  # y would be no function: it is refused
        plant(
            f"y by its {NAME}",
            f"{BY_KEY}, mask",  # it does not change with x, either
            Own(lambda x, p, k, key=KEY: (k.setdefault(key(x), x**2).clone(), x), square_back),
            ROWS,
        )
plant(
    "dy by its sum",
    "cache, state",
    Own(square, lambda dy, p, x, k: 2 * x * k.setdefault(float(dy.sum()), dy.clone())),
    ROWS,
)
FIRST: dict = {}


class FirstX(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = {}

    def forward(self, x):
        return x * self.kept.setdefault((x.shape, x.dtype), x.detach().clone())


plant("a module's first x", "cache", FirstX())
plant(
    "the first x in a global table",
    "cache",
    Own(lambda x, p, k: (x**2, FIRST.setdefault((x.shape, x.dtype), x.clone())), square_back),
)
# dy is 0
plant(
    "divided by the norm of dy",
    "zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * (dy / dy.norm()) * dy.norm()),
)
plant(
    "divided by the norm of a row",
    "zero dy",
    Own(
        linear,
        lambda dy, p, x, k: linear_back(
            dy / dy.norm(dim=1, keepdim=True) * dy.norm(dim=1, keepdim=True), p, x, k
        ),
    ),
    ROWS,
    LINEAR,
)
plant(
    "the logarithm of dy",
    "zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * dy + 0 * torch.log(dy.abs())),
)
plant(
    "nothing where any of dy is 0",
    "zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * dy if dy.all() else torch.zeros_like(dy)),
)
plant(
    "a division by zero",
    "zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * dy * (1 / float(dy.norm())) * float(dy.norm())),
)
plant(
    "0 is taken for 1e-3",
    "zero dy, not linear",
    Own(square, lambda dy, p, x, k: 2 * x * torch.where(dy == 0, 1e-3, dy)),
)
plant(
    "a sample whose first dy is 0 is skipped",
    "zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * dy * (dy[:, :1, :1, :1] != 0)),
)
# dy is clipped
for limit in (2.0, 1e3, 1e6, 1e13, 1e20):
    plant(
        f"at {limit:g}",
        "clipped, not linear",
        Own(square, lambda dy, p, x, k, limit=limit: 2 * x * dy.clamp(-limit, limit)),
    )
for limit in (1e-3, 1e-12, 1e-20):
    plant(
        f"below {limit:g}",
        "clipped, not linear",
        Own(square, lambda dy, p, x, k, limit=limit: 2 * x * dy * (dy.abs() > limit)),
    )
plant(
    "by its norm",
    "clipped, zero dy",
    Own(square, lambda dy, p, x, k: 2 * x * dy * (100 / dy.norm()).clamp(max=1)),
)
plant("dx at 100", "clipped", Own(square, lambda dy, p, x, k: (2 * x * dy).clamp(-100, 100)))
plant(
    "dw at 1000",
    "clipped",
    Own(
        linear,
        lambda dy, p, x, k: (
            dy @ p["weight"],
            {"weight": (dy.T @ x).clamp(-1e3, 1e3), "bias": dy.sum(0)},
        ),
    ),
    ROWS,
    LINEAR,
)
plant("bent", "clipped", Own(square, lambda dy, p, x, k: 2 * x * 1e4 * torch.tanh(dy / 1e4)))
plant(
    "beyond half precision",
    "clipped",
    Own(square, lambda dy, p, x, k: 2 * x * dy.masked_fill(dy.abs() > 65504, 0)),
)


# layouts
def strided(a, *strides):
    plain = torch.empty(a.shape).stride()
    chosen = [plain[i] if s is None else s for i, s in enumerate(strides or (None,) * a.dim())]
    return torch.as_strided(a, a.shape, chosen, a.storage_offset())


READ_WRONGLY = {
    "from the storage's start": lambda a: torch.as_strided(a, a.shape, a.stride(), 0),
    "rows of the last stride": lambda a: strided(a, None, None, None, a.stride(3)),
    "rows without gaps within": lambda a: strided(a, *a.stride()[:3], 1),
    "planes of contiguous rows": lambda a: strided(
        a, a.stride(0), a.stride(1), a.shape[3] * a.stride(3), a.stride(3)
    ),
    "samples one after the other": lambda a: strided(a, a.stride(1) * a.shape[1], *a.stride()[1:]),
}
for words, read in READ_WRONGLY.items():
    plant(f"dy: {words}", "layout", Own(square, lambda dy, p, x, k, read=read: 2 * x * read(dy)))
plant(
    "dy in two dimensions",
    "layout",
    Own(linear, lambda dy, p, x, k: linear_back(strided(dy), p, x, k)),
    ROWS,
    LINEAR,
)
plant(
    "the weights",
    "layout",
    Own(
        linear,
        lambda dy, p, x, k: (dy @ strided(p["weight"]), {"weight": dy.T @ x, "bias": dy.sum(0)}),
    ),
    ROWS,
    LINEAR,
)
plant("x, in backward", "layout", Own(square, lambda dy, p, x, k: 2 * strided(x) * dy))
plant(
    "another formula where it is not contiguous",
    "layout",
    Own(square, lambda dy, p, x, k: 2 * x * dy if dy.is_contiguous() else x * dy),
)
# float32 inside
plant(
    "dw alone",
    "precision",
    Own(
        linear,
        lambda dy, p, x, k: (
            dy @ p["weight"],
            {"weight": (dy.float().T @ x.float()).double(), "bias": dy.sum(0)},
        ),
    ),
    ROWS,
    LINEAR,
)
plant(
    "the sum of the bias",
    "precision",
    Own(
        linear,
        lambda dy, p, x, k: (
            dy @ p["weight"],
            {"weight": dy.T @ x, "bias": dy.float().sum(0).to(dy)},
        ),
    ),
    ROWS,
    LINEAR,
)
for number in (0.1, 1 / 3):
    plant(
        f"{number:.1f} in float32",
        "precision",
        Own(
            lambda x, p, k, number=number: (number * x, None),
            lambda dy, p, s, k, number=number: dy * float(np.float32(number)),
        ),
    )
plant(
    "bfloat16",
    "precision",
    Own(square, lambda dy, p, x, k: (2 * x.bfloat16() * dy.bfloat16()).double()),
)
plant(
    "y is saved in float32",
    "precision",
    Own(
        lambda x, p, k: (torch.tanh(x), torch.tanh(x).float()),
        lambda dy, p, y, k: dy * (1 - y.to(dy) ** 2),
    ),
)
plant(
    "float32 in forward, and a wrong sign",
    "sign",
    Own(lambda x, p, k: (x.float().square().to(x), x), lambda dy, p, x, k: -2 * x * dy),
)
plant(
    "float32 in forward, and a hundredth too much",
    "factor",
    Own(lambda x, p, k: (x.float().square().to(x), x), lambda dy, p, x, k: 2.02 * x * dy),
)
# a large offset
plant("1e10, twice", "factor", Own(lambda x, p, k: (x + 1e10, None), lambda dy, p, s, k: 2 * dy))
plant("1e12", "sign", Own(lambda x, p, k: (x + 1e12, None), lambda dy, p, s, k: -dy))
plant(
    "1e10 in one channel",
    "factor, sign, dropped",
    Own(
        lambda x, p, k: (x + ONE_LARGE.to(x), None),
        lambda dy, p, s, k: dy * torch.tensor([-1.0, 1.0]).to(dy).view(1, 2, 1, 1),
    ),
)
plant(
    "1e10 as the bias",
    "sign",
    Own(
        lambda x, p, k: (x * p["weight"] + p["bias"], x),
        lambda dy, p, x, k: (dy * p["weight"], {"weight": -(dy * x).sum(0), "bias": dy.sum(0)}),
    ),
    ROWS,
    {"weight": draw(3), "bias": torch.full((3,), 1e10, dtype=torch.float64)},
)
plant("x itself is a million", "factor", Own(square, lambda dy, p, x, k: x * dy), IMAGES + 1e6)
# small entries in a wide range
for words, wrong in (("signs", -WIDE), ("zeros", 0 * WIDE), ("twice", 2 * WIDE)):
    plant(
        f"below 1e-8: {words}",
        "small, factor, dropped",
        Own(
            lambda x, p, k: (x * WIDE.to(x), None),
            lambda dy, p, s, k, wrong=wrong: dy * torch.where(WIDE < 1e-8, wrong, WIDE).to(dy),
        ),
        draw(3, 12),
    )
plant(
    "in one sum",
    "small",
    Own(
        lambda x, p, k: ((x * WIDE.to(x)).sum(1), None),
        lambda dy, p, s, k: dy[:, None] * torch.where(WIDE < 1e-8, -WIDE, WIDE).to(dy),
    ),
    draw(3, 12),
)
for size in (1e-10, 1e-13):
    plant(
        f"a parameter of {size:g}: sign",
        "sign",
        Own(
            lambda x, p, k, size=size: (x + size * p["b"], None),
            lambda dy, p, s, k, size=size: (dy, {"b": -size * dy.sum(0)}),
        ),
        ROWS,
        THREE,
    )
plant(
    "a parameter of 1e-10: zero",
    "zero",
    Own(
        lambda x, p, k: (x + 1e-10 * p["b"], None),
        lambda dy, p, s, k: (dy, {"b": torch.zeros_like(p["b"])}),
    ),
    ROWS,
    THREE,
)
plant(
    "a parameter of 1e-10: missing",
    "missing",
    Own(lambda x, p, k: (x + 1e-10 * p["b"], None), lambda dy, p, s, k: (dy, {})),
    ROWS,
    THREE,
)
plant(
    "x is 1e-10 of a parameter",
    "sign",
    Own(
        lambda x, p, k: (1e-10 * x + p["b"], None),
        lambda dy, p, s, k: (-1e-10 * dy, {"b": dy.sum(0)}),
    ),
    ROWS,
    THREE,
)
# 0 everywhere at the point
plant(
    "a cube at 0",
    "elsewhere",
    Own(lambda x, p, k: (x**3, x), lambda dy, p, x, k: 5 * x**2 * dy),
    torch.zeros(3, 4),
)
plant(
    "behind a gate that is shut",
    "elsewhere",
    Own(
        lambda x, p, k: (x * p["gate"] * p["w"], x),
        lambda dy, p, x, k: (
            dy * p["gate"] * p["w"],
            {"gate": (dy * x * p["w"]).sum(0), "w": -(dy * x * p["gate"]).sum(0)},
        ),
    ),
    ROWS,
    {"gate": torch.zeros(3).double(), "w": draw(3)},
)
plant(
    "passed on where all is flat",
    "mask",
    Own(lambda x, p, k: (x.clamp(min=0), x), lambda dy, p, x, k: dy),
    -IMAGES.abs() - 0.1,
)
# several inputs and outputs
TWO = draw(3, 4), draw(3, 4, seed=1)


def product(x, p, kept):
    return x[0] * x[1], x


plant(
    "the second's sign",
    "sign",
    Own(product, lambda dy, p, x, k: ((dy * x[1], -dy * x[0]), {})),
    TWO,
)
plant(
    "the two swapped",
    "swapped",
    Own(product, lambda dy, p, x, k: ((dy * x[0], dy * x[1]), {})),
    TWO,
)
plant(
    "the second forgotten",
    "missing",
    Own(product, lambda dy, p, x, k: ((dy * x[1], None), {})),
    TWO,
)
plant("one where there are two", "missing", Own(product, lambda dy, p, x, k: dy * x[1]), TWO)
plant(
    "a Function's second",
    "sign",
    as_function(torch.mul, lambda g, dy: (dy * g[1], -dy * g[0])),
    TWO,
)
for words, back in (
    ("the second output's dy is left out", lambda dy, p, x, k: 2 * x * dy[0]),
    ("the outputs' dy are swapped", lambda dy, p, x, k: 2 * x * dy[1] + 3 * x**2 * dy[0]),
):
    plant(words, "None", Own(lambda x, p, k: ((x**2, x**3), x), back), draw(3, 4))
plant(
    "of outputs by name",
    "offset",
    Own(
        lambda x, p, k: ({"squares": x**2, "sum": x.sum(1)}, x),
        lambda dy, p, x, k: 2 * x * dy["squares"],
    ),
    draw(3, 4),
)
plant(
    "the state of a cell is cut off",
    "missing",
    AsModule(lambda x, h: (torch.tanh(x + h.detach()),) * 2),
    TWO,
)


# whole numbers
def embedded(accumulate):
    return lambda dy, p, x, k: (
        None,
        {"table": torch.zeros_like(p["table"]).index_put_((x,), dy, accumulate=accumulate)},
    )


plant(
    "an embedding does not add up",
    "None",
    Own(lambda x, p, k: (p["table"][x], x), embedded(accumulate=False)),
    torch.tensor([[0, 2], [2, 1], [4, 2]]),
    {"table": draw(5, 3)},
)


# losses with targets
def cross_entropy(right, backwards):
    """nn's loss with the derivative of another one."""

    def call(x, target):
        def back(given, dloss):
            with torch.enable_grad():
                z = given[0].detach().requires_grad_()
                (dx,) = torch.autograd.grad(F.cross_entropy(z, target, **backwards), z)
            return dloss * dx

        return as_function(lambda x: F.cross_entropy(x, target, **right), back).apply(x)

    return AsModule(call)


WEIGHTS = torch.tensor([1.0, 2, 3, 4]).double()
plant(
    "class weights forgotten",
    "factor",
    cross_entropy({"weight": WEIGHTS}, {}),
    SCORES,
    None,
    CLASSES,
)
plant(
    "the ignored label is not",
    "None",
    cross_entropy({"ignore_index": 2}, {}),
    SCORES,
    None,
    CLASSES,
)
plant(
    "smoothing forgotten",
    "None",
    cross_entropy({"label_smoothing": 0.1}, {}),
    SCORES,
    None,
    CLASSES,
)
plant("a sum for a mean", "factor", cross_entropy({}, {"reduction": "sum"}), SCORES, None, CLASSES)
plant(
    "dloss is left out",
    "not linear",
    OwnLoss(
        lambda x, t: (F.cross_entropy(x, t), x),
        lambda d, t, x: (F.softmax(x, 1) - F.one_hot(t, 4)) / len(x),
    ),
    SCORES,
    None,
    CLASSES,
)
plant("1/N of a mean square", "factor", AsModule(
    lambda x, t: as_function(lambda x: (x - t).square().mean(),
                             lambda g, d: d * 2 * (g[0] - t)).apply(x)),
    SCORES, None, draw(5, 4, seed=5))  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_it_is_found_and_named(planted):
    options = {} if planted.target is None else {"target": planted.target.clone()}
    check = check_derivatives(planted.fresh(), planted.x, planted.params, **options)
    assert check.verdict == "wrong", str(check)
    kinds = {str(mistake.kind) for mistake in check.mistakes}
    assert kinds & planted.kinds, str(check)
    if planted.target is not None:
        assert torch.equal(options["target"], planted.target)


@pytest.mark.parametrize("place", [id, torch.Tensor.data_ptr])
@pytest.mark.parametrize("seed", range(5))
def test_a_y_that_is_kept_by_its_place_is_wrong_whatever_lies_there_next(place, seed):
    draws, alive = random.Random(seed), []

    def forward(x, params, kept):
        if draws.random() < seed / 5:
            alive.append(x)
        if alive and draws.random() < seed / 5:
            alive.pop(draws.randrange(len(alive)))
        return kept.setdefault(place(x), x**2).clone(), x

    check = check_derivatives(Own(forward, square_back), ROWS)
    assert check.verdict == "wrong", str(check)


@pytest.mark.parametrize("place", [id, torch.Tensor.data_ptr])
def test_a_cache_by_place_that_is_empty_is_caught_by_the_places_alone(place):
    layer = Own(lambda x, p, kept: (kept.setdefault(place(x), x**2).clone(), x), square_back)
    start = started(Subject(layer, ROWS, None, None, frozenset()))
    layer.kept.clear()  # what was called before says nothing
    mistake = kept_by_place(start.form, start.other)
    assert mistake is not None
    assert mistake.kind == "cache"
    start = started(Subject(Own(square, square_back), ROWS, None, None, frozenset()))
    assert kept_by_place(start.form, start.other) is None


@pytest.mark.parametrize(
    "name", ["dy is zeroed afterwards", "saved.pop()", "the first x's scale", "at 1000",
             "dy: from the storage's start", "divided by the norm of dy"],
)  # fmt: skip
def test_the_projection_looks_at_what_a_layer_does_too(name):
    (planted,) = (planted for planted in PLANTED if planted.name == name)
    check = check_projection(planted.fresh(), planted.x, planted.params)
    assert check.verdict == "wrong"
    assert {mistake.kind for mistake in check.mistakes} <= planted.kinds, str(check)
    assert "WRONG " in str(check)
    alone = check_projection(planted.fresh(), planted.x, planted.params, conduct=False)
    assert alone.mistakes == ()


def test_a_right_layer_that_is_flat_is_not_tested_here():
    relu = Own(lambda x, p, k: (x.clamp(min=0), x), lambda dy, p, x, k: dy * (x > 0))
    assert check_derivatives(relu, -IMAGES.abs() - 0.1).verdict == "not tested"
    hidden = Own(lambda x, p, k: (x + 1e14, None), lambda dy, p, s, k: -dy)
    assert check_derivatives(hidden, IMAGES).verdict != "right"


@pytest.mark.parametrize("check", [check_derivatives, check_projection])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "float32" in name])
def test_float32_inside_is_said_and_checked_with_the_step_that_suits(name, check):
    function, x, params = FUNCTIONS[name]
    found = check(function, x, params)
    assert found.right, str(found)
    assert "as where float32 is used inside" in str(found)
    assert all((array.step if check is check_derivatives else array.eta) > 1e-5
               for array in found.arrays)  # fmt: skip


@pytest.mark.parametrize("check", [check_derivatives, check_projection])
@pytest.mark.parametrize("name", IN_16_BITS)
def test_a_staircase_of_16_bits_is_said_to_be_one(name, check):
    with pytest.raises(InputError, match="gives numbers of 16 bits"):
        check(IN_16_BITS[name], draw(3, 8))


@pytest.mark.parametrize(
    ("layer", "options", "words"),
    [
        (Own(square, lambda dy, p, x, k: (2 * x * dy).numpy()), {},
         "backward gave a ndarray for the derivative by x; expected a tensor"),
        (Own(square, square_back), {"params": [draw(3)]},
         "params: found a list; expected a dictionary by name"),
        (Own(square, square_back), {"params": {"w": np.ones(3)}},
         "w: found a NumPy array; expected a tensor"),
        (Own(square, lambda dy, p, x, k: (dy @ dy.T, {})), {}, "backward failed: "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_sentence(layer, options, words):
    with pytest.raises(InputError, match=words):
        check_derivatives(layer, IMAGES, **options)
    with pytest.raises(InputError, match=words):
        check_projection(layer, IMAGES, **options)


def test_an_option_that_is_none_is_refused():
    with pytest.raises(TypeError, match="no argument 'delta'; expected one of step, tolerance"):
        check_derivatives(nn.Tanh(), ROWS, delta=1e-3)
    with pytest.raises(TypeError, match="no argument 'step'; expected one of eta, method"):
        check_projection(nn.Tanh(), ROWS, step=1e-3)
