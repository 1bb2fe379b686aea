"""The lab as its users find it: a real browser on one, and a class at work on the other."""

import http.client
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chainrule.benchmarks.lab_blocks import SIDE, an_edit
from chainrule.benchmarks.lab_lines import OwnSheet, a_cancel
from chainrule.benchmarks.lab_photographs import folder_of_many, one_picture
from chainrule.errors import InputError
from chainrule.io.progress import Progress

_TOKEN = "a-token-for-the-benchmark"
_LONG = 10_000_000  # iterations
_CLICKS_A_LINE = 20  # a student types a line about every ten seconds
_FRAMES = """() => new Promise(done => {
  const canvas = document.querySelector("canvas");
  const first = Number(canvas.dataset.drawn), began = performance.now();
  setTimeout(() => {
    done((Number(canvas.dataset.drawn) - first) / (performance.now() - began) * 1000);
  }, 2000);
})"""
_USABLE = """run => new Promise(done => {
  const look = () => {
    const room = document.querySelector("[data-room]")?.dataset;
    const isDrawn = document.querySelector("canvas")?.dataset.drawn;
    const isThere = Number(room?.known) > 0 && isDrawn && (run === null || room.run === run);
    isThere ? done(true) : requestAnimationFrame(look);
  };
  look();
})"""


def measure(
    students: int, seconds: float, photos: Path | None = None, report: Progress | None = None
) -> dict[str, Any]:
    """{"rows": [{"name", "value", "unit"}]}. Raises InputError without Chromium.

    photos: a folder of classes that is dropped; without, that is not measured.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise InputError("found no Chromium; expected the program chromium, as Debian has it")
    rows: list[dict[str, Any]] = []

    def add(name: str, value: float, unit: str) -> None:
        rows.append({"name": name, "value": value, "unit": unit})
        if report is not None:
            report(len(rows), 14 if photos is None else 18)

    library = _library_speed()
    with tempfile.TemporaryDirectory() as folder:
        _alone(Path(folder, "alone"), chromium, library, add)
        _photographs(Path(folder, "photographs"), chromium, photos, add)
        with _serving(Path(folder, "lines"), "--token", _TOKEN) as serving:
            seconds_to_end = a_cancel(Client(serving), lambda: _children(serving.process))
        add("a reader's training cancelled, until its process is gone", seconds_to_end, "s")
        found = _class(Path(folder, "class"), students, seconds)
    add(f"class of {students}: answers", len(found.waits), "")
    median = 1000 * statistics.median(found.waits or [0.0])
    add(f"class of {students}: median answer to a click", median, "ms")
    add(f"class of {students}: 95th percentile", _percentile(found.waits), "ms")
    add(f"class of {students}: lines typed and read", len(found.lines), "")
    add(f"class of {students}: 95th percentile of a line", _percentile(found.lines), "ms")
    add(f"class of {students}: errors", found.errors, "")
    add(f"class of {students}: memory of all processes", found.memory / 2**20, "MiB")
    return {"rows": rows}


def _percentile(seconds: list[float]) -> float:
    """The 95th, in milliseconds."""
    return 1000 * sorted(seconds)[int(0.95 * len(seconds))] if seconds else 0.0


def _library_speed() -> float:
    """Iterations a second of `chainrule.points.train`, as the lab's run has them."""
    from chainrule.points import load_dataset, train

    data = load_dataset("double-moon")
    train(data.training, data.validation, iterations=1)
    run = train(data.training, data.validation, learning_rate=0.2, iterations=_LONG)
    return _LONG / run.seconds


def _alone(folder: Path, chromium: str, library: float, add: Any) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        began = time.perf_counter()
        with _serving(folder, "--token", _TOKEN) as lab:
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(lab.address)
            tab.evaluate(_USABLE, None)
            add(
                "from the start until a network trains on the page",
                time.perf_counter() - began,
                "s",
            )
            client = Client(lab)
            run = client.post("/api/points/runs", {"settings": {"iterations": 100 * _LONG}})["id"]
            tab.evaluate(f"location.hash = '#points?run={run}'")
            client.post(f"/api/points/runs/{run}/do", {"do": "pace", "pace": None})
            tab.evaluate(_USABLE, run)
            first, start = client.known(run), time.perf_counter()
            frames = tab.evaluate(_FRAMES)
            speed = (client.known(run) - first) / (time.perf_counter() - start)
            add("training while the page draws, of the library's speed", speed / library, "")
            add("frames a second meanwhile", frames, "1/s")
            client.post(f"/api/points/runs/{run}/do", {"do": "pause"})
            add("a zoom into the curves of 10^7 iterations, median", 1000 * _zoom(client), "ms")
            origin = "http://" + urlsplit(lab.address).netloc
            name = f"a filter changed at {SIDE} pixels until it is painted, median"
            add(name, an_edit(tab, origin), "ms")
        browser.close()


def _photographs(folder: Path, chromium: str, photos: Path | None, add: Any) -> None:
    with _serving(folder, "--token", _TOKEN) as lab:
        client = Client(lab)
        seconds = one_picture(client)
        add("a photograph classified and explained, after the first", seconds, "s")
    if photos is None:
        return
    from playwright.sync_api import sync_playwright

    with (
        sync_playwright() as playwright,
        _serving(folder / "many", "--token", _TOKEN) as lab,  # whose worker has seen no picture
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(600_000)
        context.request.get(lab.address)  # the token's cookie
        tab = context.new_page()
        origin = "http://" + urlsplit(lab.address).netloc
        folder_of_many(tab, origin, photos, lambda: _memory(lab.process), add)
        browser.close()


def _zoom(client: "Client") -> float:
    """Seconds for the curves of a part of 10^7 iterations, as the page asks for them."""
    settings = {"iterations": _LONG}
    run = client.post("/api/points/runs", {"settings": settings, "at": _LONG})["id"]
    while client.known(run) < _LONG:
        time.sleep(0.1)
    waits = []
    for k in range(20):
        span = _LONG // (k + 1)
        began = time.perf_counter()
        client.get(f"/api/points/runs/{run}/curves?from={span // 3 + 1}&to={span}&pieces=700")
        waits.append(time.perf_counter() - began)
    return statistics.median(waits)


@dataclass
class _Found:
    waits: list[float] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)
    errors: int = 0
    memory: int = 0


def _class(folder: Path, students: int, seconds: float) -> _Found:
    """Each student trains, takes a point apart twice a second, and reads a line now and then."""
    found = _Found()
    with _serving(folder, "--host", "0.0.0.0", "--token", _TOKEN) as lab:
        together = threading.Barrier(students)  # the clock runs once all of them train
        threads = [
            threading.Thread(target=_student, args=(lab, number, together, seconds, found))
            for number in range(students)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.memory = _memory(lab.process)
    return found


def _student(
    lab: "Serving", number: int, together: threading.Barrier, seconds: float, found: _Found
) -> None:
    try:
        client = Client(lab)
        settings = {"iterations": 1_000_000, "seed": number}
        run = client.post("/api/points/runs", {"settings": settings})["id"]
        while client.known(run) < 1:
            time.sleep(0.2)
        sheet = OwnSheet(client)
        sheet.read("room 214")  # the readers are loaded
        together.wait()
        until = time.monotonic() + seconds
        for click in itertools.count(number):  # not all of them read at the same time
            if time.monotonic() >= until:
                break
            began = time.perf_counter()
            client.get(f"/api/points/runs/{run}/derivation?point=7")
            found.waits.append(time.perf_counter() - began)
            if click % _CLICKS_A_LINE == 0:
                began = time.perf_counter()
                sheet.read(f"room {click}")
                found.lines.append(time.perf_counter() - began)
            time.sleep(0.5)
    except (OSError, ValueError, http.client.HTTPException, threading.BrokenBarrierError):
        found.errors += 1
        together.abort()


@dataclass
class Serving:
    """A lab in a process of its own."""

    process: "subprocess.Popen[str]"
    address: str


@contextmanager
def _serving(folder: Path, *arguments: str) -> Iterator[Serving]:
    command = [sys.executable, "-m", "chainrule", "lab", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--out", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Serving(process, process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait()


class Client:
    """A session of its own, without a browser. Raises ValueError on a refusal."""

    def __init__(self, lab: Serving) -> None:
        parts = urlsplit(lab.address)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=300)
        self._headers = {"Origin": f"http://{parts.netloc}"}
        self._connection.request("GET", f"/?{parts.query}")
        answer = self._connection.getresponse()
        answer.read()
        self._headers["Cookie"] = (answer.getheader("set-cookie") or "").partition(";")[0]

    def get(self, path: str) -> bytes:
        """The answer's bytes."""
        return self._asked("GET", path, None)

    def post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """The answer's document."""
        return dict(json.loads(self._asked("POST", path, json.dumps(document))))

    def give(self, path: str, content: bytes) -> dict[str, Any]:
        """The answer's document, to a file's bytes."""
        return dict(json.loads(self._asked("POST", path, content)))

    def known(self, run: str) -> int:
        """How many iterations a run has taken."""
        return int(json.loads(self.get(f"/api/points/runs/{run}"))["news"].get("known", 0))

    def _asked(self, method: str, path: str, body: str | bytes | None) -> bytes:
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise ValueError(content.decode())
        return content


def _memory(process: "subprocess.Popen[str]") -> int:
    """The bytes that a process and its children hold, each shared page once (PSS); 0 if unknown."""
    try:
        total = 0
        for pid in (process.pid, *_children(process)):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return 1024 * total
    except OSError:
        return 0


def _children(process: "subprocess.Popen[str]") -> set[int]:
    """The numbers of the processes that a process has started. Raises OSError if unknown."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
    return {int(pid) for pid in found.split()}
