"""Throughput of independent jobs by executor, and a model of what a thousand nodes would give."""

import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.executors import Executor, RayCluster, Threads
from chainrule.executors.bundles import SECONDS
from chainrule.io.cores import available_cores
from chainrule.io.journal import Journal
from chainrule.io.progress import Progress

RAY_WORKERS = (1, 2, 4)
NODES = (1, 3, 10, 30, 100, 300, 1000)
NETWORK = 1.25e9  # bytes a second that the driver's network card takes: 10 Gbit/s, assumed
STORAGE = 1.25e9  # bytes a second that the pictures' storage gives to all nodes, assumed
PICTURES, LINES, RUNS = 768, 1024, 300  # of a round: some seconds, as real work takes
_ROUNDS = 5


@dataclass(frozen=True)
class Work:
    """One kind of work: done by an executor, it gives so many items.

    sent, answered: bytes an item from and to the driver; read: bytes an item that a node reads;
    journal: whether the driver writes a line an item.
    """

    name: str
    do: Callable[[Executor], int]
    sent: float
    answered: float
    read: float = 0.0
    journal: bool = False


def measure(progress: Progress | None = None) -> dict[str, Any]:
    """The document of `chainrule bench cluster --json`.

    rows: items a second, the median of rounds in which Ray and as many threads take turns.
    efficiency: of threads over one thread times their number; of Ray over those threads, the median
    of the rounds' ratios. model: see `modelled`. fitted: what it is made of.
    """
    cores = available_cores()
    rows: list[dict[str, Any]] = []
    one: dict[str, float] = {}
    message = 0.0
    with tempfile.TemporaryDirectory() as folder:
        works = [_study(), _features(Path(folder)), _read()]
        for count, workers in enumerate(RAY_WORKERS):
            with RayCluster("local", workers) as ray, Threads(min(workers, cores)) as threads:
                for place, work in enumerate(works):
                    here, there, ratio = _speeds(work, threads, ray)
                    one.setdefault(work.name, here)
                    if workers <= cores:
                        efficiency = here / (one[work.name] * workers)
                        rows.append(_row(work, "threads", workers, here, efficiency))
                    rows.append(_row(work, "ray", workers, there, ratio))
                    if progress is not None:
                        done = len(works) * count + place + 1
                        progress(done, len(works) * len(RAY_WORKERS))
                message = _seconds_a_message(ray)
        line = _seconds_a_line(Path(folder))
    model = [
        modelled(work, 1 / one[work.name], nodes, cores, message, line)
        for work in works
        for nodes in NODES
    ]
    fitted = {"cores_a_node": cores, "seconds_a_message": message, "seconds_a_journal_line": line}
    return {"rows": rows, "model": model, "fitted": fitted}


def _row(
    work: Work, executor: str, workers: int, speed: float, efficiency: float
) -> dict[str, Any]:
    return {
        "work": work.name,
        "executor": executor,
        "workers": workers,
        "items_per_second": speed,
        "efficiency": efficiency,
    }


def modelled(
    work: Work, seconds: float, nodes: int, cores: int, message: float, line: float
) -> dict[str, Any]:
    """What so many nodes of so many cores give, if the least of these were all that limits them.

    With t seconds an item on one core, b = max(1, 0.4 / t) items a bundle, and per item s bytes
    sent, a answered and r read:

        cores          nodes cores / t
        driver         1 / (message / b + line),  it sends, takes and notes down every bundle
        object store   NETWORK / (s + a),         all of which passes the driver's node
        reading        STORAGE / r
    """
    bundle = max(1.0, SECONDS / seconds)
    limits = {
        "cores": nodes * cores / seconds,
        "driver": 1 / (message / bundle + (line if work.journal else 0.0)),
        "object store": NETWORK / (work.sent + work.answered),
    }
    if work.read:
        limits["reading"] = STORAGE / work.read
    limit = min(limits, key=limits.__getitem__)
    return {
        "work": work.name,
        "nodes": nodes,
        "items_per_second": limits[limit],
        "limit": limit,
    }


def _speeds(work: Work, threads: Executor, ray: Executor) -> tuple[float, float, float]:
    """Items a second on threads and on Ray, and how many times the one's the other's are.

    Medians of rounds in which both take turns, once their workers have loaded and compiled all that
    they need; the last of the ratios of each round, so that what else the machine does counts for
    both.
    """
    found: list[tuple[float, float]] = []
    for number in range(_ROUNDS + 1):
        speeds = []
        for executor in (threads, ray) if number % 2 else (ray, threads):
            start = time.perf_counter()
            count = work.do(executor)
            speeds.append(count / (time.perf_counter() - start))
        here, there = speeds if number % 2 else reversed(speeds)
        if number:
            found.append((here, there))
    medians = [statistics.median(speeds) for speeds in zip(*found, strict=True)]
    return medians[0], medians[1], statistics.median(there / here for here, there in found)


def _study() -> Work:
    from chainrule.points import Setting, double_moon, run_study
    from chainrule.points.study import Trial

    data = double_moon(seed=1), double_moon(seed=2)
    setting = Setting(7, 0.02, 100_000, RUNS)

    def do(executor: Executor) -> int:
        run_study([setting], *data, executor=executor)
        return setting.trials

    answer = len(pickle.dumps(Trial(1, 0.1, 0.1, None, "converged")))
    return Work("study", do, len(pickle.dumps((setting, 1))), answer, journal=True)


def _features(folder: Path) -> Work:
    from chainrule.images.features import network_features
    from chainrule.images.networks import load_feature_source
    from chainrule.io.pictures import sample_picture

    network = load_feature_source("efficientnet-lite0")
    files = [folder / f"{k}.jpg" for k in range(PICTURES)]
    sample_picture().save(files[0], quality=90)
    for file in files[1:]:
        file.write_bytes(files[0].read_bytes())

    def do(executor: Executor) -> int:
        return len(network_features(files, network, executor=executor).kept)

    return Work("features", do, len(str(files[0])) + 8, 4 * 1280 + 48, files[0].stat().st_size)


def _read() -> Work:
    from chainrule.glyphs.lines import load_line_fonts, render_line
    from chainrule.reader.far_reading import texts_far
    from chainrule.reader.model_file import load_reader

    reader = load_reader(None)
    fonts = load_line_fonts()
    rng = np.random.default_rng(0)
    words = ["every", "derivative", "is", "written", "by", "hand", "and", "checked"]
    lines = [
        render_line(
            fonts[int(rng.integers(len(fonts)))], " ".join(rng.permutation(words)[:4])
        ).image
        for _ in range(LINES)
    ]

    def do(executor: Executor) -> int:
        return len(texts_far(reader, lines, executor))

    sent = sum(line.nbytes for line in lines) / len(lines)
    return Work("read", do, sent, 40)


def _seconds_a_message(executor: Executor) -> float:
    """What the driver takes for a bundle, there and back: with nothing to do in it."""
    found = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        count = sum(1 for _ in executor.results(_nothing, range(400), bundle=0))
        found.append((time.perf_counter() - start) / count)
    return statistics.median(found)


def _nothing(shared: Any, k: int) -> None:
    return None


def _seconds_a_line(folder: Path) -> float:
    """What a line of a journal takes."""
    journal = Journal(folder / "journal.jsonl", "a benchmark", {})
    record = {"cell": "7/0.02/100000", "trial": 1, "train_error": 0.1, "state": "converged"}
    start = time.perf_counter()
    for _ in range(1000):
        journal.append(record)
    return (time.perf_counter() - start) / 1000
