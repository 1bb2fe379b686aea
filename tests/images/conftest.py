"""Pictures made by code, photographs from packages, a network small enough to check."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from chainrule.blocks import Convolution, Flatten, FullyConnected, GlobalAveragePooling, ReLU
from chainrule.chain import Chain
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """No test sees what another, or the user, has computed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def photographs():
    """Photographs that scikit-image and scikit-learn install, as files."""
    skimage = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    sklearn = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "images"
    names = ("coffee.png", "chelsea.png", "astronaut.png", "rocket.jpg", "motorcycle_left.png")
    return {p.stem: p for p in [*(skimage / n for n in names), *sorted(sklearn.glob("*.jpg"))]}


@pytest.fixture
def small_network():
    """Two convolutions and a classifier of three classes on pictures of 16 x 16 pixels."""
    chain = Chain(
        [
            ("conv1", Convolution(3, 4, 3, padding=1)),
            ("relu1", ReLU()),
            ("conv2", Convolution(4, 5, 3, stride=2, padding=(0, 1, 0, 1))),
            ("relu2", ReLU()),
            ("pool", GlobalAveragePooling()),
            ("flatten", Flatten()),
            ("classifier", FullyConnected(5, 3)),
        ],
        (1, 3, 16, 16),
    )
    params = chain.initial_parameters(torch.Generator().manual_seed(3))
    names = ("one", "two", "three")
    return Network("small", chain, params, Preprocessing(16, 16), names, "pool", "relu2")


@pytest.fixture
def shapes(tmp_path):
    """A folder of two classes: twelve pictures of discs and twelve of squares."""
    generator = np.random.default_rng(5)
    root = tmp_path / "shapes"
    for name in ("disc", "square"):
        (root / name).mkdir(parents=True)
        for i in range(12):
            pixels = generator.integers(0, 60, (64, 64, 3), dtype=np.uint8)
            image = Image.fromarray(pixels)
            x, y, side = generator.integers(4, 20), generator.integers(4, 20), 36
            draw = ImageDraw.Draw(image)
            shape = draw.ellipse if name == "disc" else draw.rectangle
            shape((x, y, x + side, y + side), fill=tuple(generator.integers(150, 255, 3).tolist()))
            image.save(root / name / f"{i:02}.png")
    return root
