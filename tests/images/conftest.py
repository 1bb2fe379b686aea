"""Pictures made by code, photographs from packages, a network small enough to check, a server."""

import hashlib
import importlib.util
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


class _Server:
    """Sends `files[path]`, as the Hugging Face hub does; after `stop_after` bytes it hangs up."""

    def __init__(self):
        self.files = {}
        self.checksums = {}
        self.stop_after = None
        self.stop_once = False
        self.ranges = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                content = outer.files.get(self.path.split("?")[0])
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", f'"{outer.checksum(self.path, content)}"')
                self.send_header("X-Repo-Commit", "c" * 40)
                self.end_headers()

            def do_GET(self):
                content = outer.files.get(self.path.split("?")[0])
                if content is None:
                    self.send_error(404)
                    return
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                if start >= len(content) and asked:
                    self.send_error(416)
                    return
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end = len(content) if outer.stop_after is None else start + outer.stop_after
                outer.stop_after = None if outer.stop_once else outer.stop_after
                self.wfile.write(content[start:end])

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def checksum(self, path, content):
        return self.checksums.get(path, hashlib.sha256(content).hexdigest())

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server():
    server = _Server()
    yield server
    server.close()
