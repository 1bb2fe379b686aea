"""How little a block's output changes when the picture is shifted or turned: measured."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Float32
from PIL import Image
from torch import Tensor

from chainrule.blocks import AveragePooling, MaxPooling
from chainrule.chain import Chain
from chainrule.errors import InputError
from chainrule.io.progress import Progress
from chainrule.practical.on_picture import WINDOW, as_tensor

SHIFTS = tuple(range(1, 9))  # pixels
TURNS = tuple(range(1, 9))  # degrees
GREY_LEVEL = 1 / 255
MOST_PIXELS = 1_000_000

_MARGIN = 2  # pixels between a turned picture's corners and the part that is compared


@dataclass(frozen=True)
class Change:
    """How much an output changed: see `stability`."""

    relative: float
    unchanged: float


@dataclass(frozen=True)
class Stability:
    """By pooling ("none", "average", "max"): the change by shift in pixels, by turn in degrees.

    `size` is the width and height of the picture that it was measured on.
    """

    window: int
    size: tuple[int, int]
    shifts: dict[str, dict[int, Change]]
    turns: dict[str, dict[int, Change]]


def stability(
    picture: Image.Image, window: int = WINDOW, progress: Progress | None = None
) -> Stability:
    """Compare max pooling, average pooling and none under shifts and turns of 1 to 8.

    The window is `window` by `window` pixels, at stride 1. With f the pooling, x the picture, x'
    the picture moved, means over pixels and channels, and std the root of the mean variance of the
    channels,

        relative  = sqrt(mean (f(x') - f(x))^2) / (sqrt(2) std f(x))
        unchanged = the share of f(x') that lies within a grey level (1/255) of f(x)

    relative is 0 where nothing changes, and about 1 where the two outputs have no more to do with
    each other than unrelated pictures: for independent u and v of the same variance the mean of
    (u - v)^2 is twice the variance. Dividing by std f(x) is what makes the three comparable, for
    pooling also takes away contrast.

    A shift is a mean over left, right, up and down; a turn over both senses. Only what lies inside
    the picture before and after is compared, so no border is made up. At stride 1 the output of
    the shifted picture is the shifted output, so each picture is pooled once. Turned pixels are
    interpolated (bicubic), which alone changes the picture somewhat.

    A picture of more than `MOST_PIXELS` pixels is scaled down to that first: more would change
    nothing but the time and the memory that it takes. The progress counts pictures pooled.

    Raises InputError if the picture is too small for that, or holds one colour only.
    """
    picture = _scaled(picture)
    # over a square is over its rows, then over their results: a seventh of the work at 15 by 15
    poolings = {
        "none": Chain([]),
        "average": Chain([(f"{k}", AveragePooling(k, 1)) for k in ((1, window), (window, 1))]),
        "max": Chain([(f"{k}", MaxPooling(k, 1)) for k in ((1, window), (window, 1))]),
    }
    least = 2 * max(SHIFTS) + window
    inner = _inner_box(picture.width, picture.height)
    if min(inner[2] - inner[0], inner[3] - inner[1]) < window or min(picture.size) < least:
        raise InputError(
            f"the picture has {picture.width}x{picture.height} pixels, too few to shift and turn "
            f"it under a window of {window}x{window}; expected about {2 * least} each way, or "
            "more if it is long"
        )
    x = as_tensor(picture)
    if torch.equal(x, x[:, :, :1, :1].expand_as(x)):
        raise InputError("the picture holds one colour only; expected one that a shift can change")
    done, total = 0, len(poolings) * (2 + 2 * len(TURNS))

    def pooled(pooling: Chain, x: Tensor) -> Tensor:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)
        return pooling.apply(x, {})

    turned = {
        angle: as_tensor(picture.rotate(angle, Image.Resampling.BICUBIC).crop(inner))
        for turn in TURNS
        for angle in (turn, -turn)
    }
    still = as_tensor(picture.crop(inner))
    shifts, turns = {}, {}
    for name, pooling in poolings.items():
        shifts[name] = _shifts(pooled(pooling, x))
        outputs = {angle: pooled(pooling, t) for angle, t in turned.items()}
        turns[name] = _turns(pooled(pooling, still), outputs)
    return Stability(window, picture.size, shifts, turns)


def _scaled(picture: Image.Image) -> Image.Image:
    scale = math.sqrt(MOST_PIXELS / (picture.width * picture.height))
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _shifts(y: Float32[Tensor, "1 3 h w"]) -> dict[int, Change]:
    m = max(SHIFTS)
    height, width = y.shape[2] - 2 * m, y.shape[3] - 2 * m

    def moved(down: int, right: int) -> Tensor:
        return y[:, :, m - down : m - down + height, m - right : m - right + width]

    return {
        d: _changes(moved(0, 0), [moved(d, 0), moved(-d, 0), moved(0, d), moved(0, -d)])
        for d in SHIFTS
    }


def _turns(
    still: Float32[Tensor, "1 3 h w"], turned: Mapping[int, Float32[Tensor, "1 3 h w"]]
) -> dict[int, Change]:
    return {d: _changes(still, [turned[d], turned[-d]]) for d in TURNS}


def _changes(before: Tensor, after: Iterable[Tensor]) -> Change:
    """The mean change from one output to several."""
    # sums over a million entries are taken in float64, for float32 would lose digits
    mean = before.mean((2, 3), keepdim=True, dtype=torch.float64)
    scale = math.sqrt(2 * float((before - mean).square().mean(dtype=torch.float64)))
    relative, unchanged = [], []
    for moved in after:
        difference = (moved - before).abs()
        rms = math.sqrt(float(difference.square().mean(dtype=torch.float64)))
        relative.append(rms / scale if scale else math.inf if rms else 0.0)
        unchanged.append(int((difference <= GREY_LEVEL).sum()) / difference.numel())
    return Change(fmean(relative), fmean(unchanged))


def _inner_box(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest centred box of the picture's shape that no turn lets leave the picture."""
    angle = math.radians(max(TURNS))
    cos, sin = math.cos(angle), math.sin(angle)
    share = min(
        width / (width * cos + height * sin),
        height / (height * cos + width * sin),
    )
    left = math.ceil((1 - share) * width / 2) + _MARGIN
    top = math.ceil((1 - share) * height / 2) + _MARGIN
    return left, top, width - left, height - top
