"""Features of many pictures by an executor's workers: they read the pictures, and compute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from chainrule.chain.inference.precision import Precision
from chainrule.errors import FileError
from chainrule.executors import Executor
from chainrule.images.listing import DRAWING, Skipped, is_drawing_content
from chainrule.images.network import FeatureSource
from chainrule.images.preprocessing import Preprocessing
from chainrule.images.rows import Features, Rows
from chainrule.images.store import FeatureStore
from chainrule.io.names import shown
from chainrule.io.pictures import LOOK, picture_from_bytes, read_bytes
from chainrule.io.progress import Progress

BATCH = 32


@dataclass(frozen=True)
class Batch:
    """The rows of those pictures of a batch that can be read, which these are, and their keys."""

    rows: Float32[np.ndarray, "m d"]
    there: list[int]
    keys: list[bytes]
    skipped: list[Skipped]


def far_features(
    files: Sequence[Path],
    network: FeatureSource,
    precision: Precision,
    cache: Path | None,
    executor: Executor,
    progress: Progress | None,
) -> Features:
    """As `network_features`. The rows are the same whatever the executor is."""
    store = FeatureStore(cache, f"{network.key} {precision} {LOOK}") if cache is not None else None
    rows = Rows(len(files))
    skipped: dict[int, list[Skipped]] = {}
    done = 0
    batches = batches_of(files)
    try:
        for k, batch in executor.results(
            batch_features, batches, (network, precision), prepare=ready, name=first_of
        ):
            for i, row in zip(batch.there, batch.rows, strict=True):
                rows.put(k * BATCH + i, row)
            if store is not None:
                store.put(dict(zip(batch.keys, batch.rows, strict=True)))
            skipped[k] = batch.skipped
            done += len(batches[k])
            if progress is not None:
                progress(done, len(files))
    finally:
        if store is not None:
            store.close()
    return Features(*rows.kept(), [one for k in sorted(skipped) for one in skipped[k]])


Ready = tuple[Callable[[Tensor], Tensor], Preprocessing]


def ready(shared: tuple[FeatureSource, Precision]) -> Ready:
    """What a worker computes features with, on one core."""
    network, precision = shared
    torch.set_num_threads(1)
    return network.feature_function(precision), network.preprocessing


def batch_features(shared: Ready, files: Sequence[Path | str]) -> Batch:
    """The job of a worker: read a batch of pictures and compute."""
    function, look = shared
    squares, there, keys, skipped = [], [], [], []
    for i, file in enumerate(files):
        try:
            content = photograph_bytes(file)
            squares.append(look.square(picture_from_bytes(content, file, look.at_least)))
        except FileError as error:
            skipped.append(Skipped(str(file), str(error)))
            continue
        there.append(i)
        keys.append(blake2b(content, digest_size=16).digest())
    if not squares:
        return Batch(np.zeros((0, 0), np.float32), [], [], skipped)
    return Batch(function(look.scaled(np.stack(squares))).numpy(), there, keys, skipped)


def photograph_bytes(file: Path | str) -> bytes:
    """The bytes of a picture. Raises FileError if it cannot be read or is a drawing of ours."""
    content = read_bytes(file)
    if is_drawing_content(content):
        raise FileError(f"{shown(file)} is {DRAWING}")
    return content


def batches_of(files: Sequence[Path]) -> list[Sequence[Path]]:
    """The files in batches, in order."""
    return [files[first : first + BATCH] for first in range(0, len(files), BATCH)]


def first_of(files: Sequence[Path | str]) -> str:
    """How a sentence calls a batch."""
    return f"the pictures from {shown(files[0])} on"
