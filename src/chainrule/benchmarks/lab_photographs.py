"""The lab's room for photographs as its users find it: one picture, and a folder of many."""

import io
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from chainrule.errors import InputError
from chainrule.io.pictures import read_picture, sample_files

if TYPE_CHECKING:
    from chainrule.benchmarks.lab import Client

Add = Callable[[str, float, str], None]

_PICTURES = 10  # of which the first is not counted
_JUDGED = """() => new Promise(done => {
  const look = () => {
    const now = document.querySelector(".classifier")?.dataset;
    now?.judged || now?.training === "failed" ? done(now.judged) : setTimeout(look, 50);
  };
  look();
})"""
_TAKEN = """() => new Promise(done => {
  const look = () => {
    const now = document.querySelector(".give")?.dataset;
    now?.sending === "false" && Number(now.sent) > 0 ? done(true) : setTimeout(look, 50);
  };
  look();
})"""


def one_picture(client: "Client") -> float:
    """Seconds from a picture that is given to its classes and what decided, after the first."""
    album = client.post("/api/photographs/albums", {"with": "nothing"})["id"]
    base = f"/api/photographs/albums/{album}/pictures"
    photograph = read_picture(sample_files()[0])
    waits = []
    for k in range(_PICTURES):
        content = _encoded(photograph.crop((8 * k, 4 * k, photograph.width, photograph.height)))
        began = time.perf_counter()
        number = client.give(f"{base}?name={k}.jpg", content)["number"]
        client.get(f"{base}/{number}/best")
        client.get(f"{base}/{number}/decided")
        waits.append(time.perf_counter() - began)
    return statistics.median(waits[1:])


def folder_of_many(
    tab: Any, origin: str, photos: Path, memory: Callable[[], int], add: Add
) -> None:
    """Drop a folder of classes, and train; then `images train` on the same, without a cache.

    `memory`: the bytes that the lab's processes hold.
    """
    if not photos.is_dir():
        raise InputError(f"--photos: found {photos}; expected a folder of folders with pictures")
    tab.goto(f"{origin}/#photographs")
    tab.get_by_role("button", name="New album").click()
    tab.locator("[data-state=empty]").wait_for()
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            most[0] = max(most[0], memory())

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.perf_counter()
    tab.get_by_label("Open a folder").set_input_files(photos)
    tab.evaluate(_TAKEN)
    taken = time.perf_counter() - began
    tab.get_by_role("button", name="Train", exact=True).click()
    judged = tab.evaluate(_JUDGED)
    ours = time.perf_counter() - began
    over.set()
    watching.join()
    if judged is None:
        raise InputError(f"--photos: {tab.locator('.classifier .wrong').inner_text()}")
    found = _command(photos)
    count = found["pictures"]
    add(f"{count:,} photographs: from the drop until all are taken", taken, "s")
    add(f"{count:,} photographs: from the drop until they are a measured classifier", ours, "s")
    add(f"{count:,} photographs: that time over `images train`'s", ours / found["wall"], "")
    add(f"{count:,} photographs: most memory of the lab's processes", most[0] / 2**20, "MiB")


def _command(photos: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "chainrule", "images", "train", str(photos), "--json"]
        command += ["--out", f"{folder}/model.safetensors", "--cache", f"{folder}/cache"]
        began = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        return {**json.loads(result.stdout), "wall": time.perf_counter() - began}


def _encoded(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()
