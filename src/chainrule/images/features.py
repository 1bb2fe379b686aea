"""Features of many pictures: read and resized in threads while the network computes."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from chainrule.chain.inference.precision import Precision, best_precision
from chainrule.errors import FileError
from chainrule.executors import Executor
from chainrule.images.far_features import BATCH, far_features, photograph_bytes
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.rows import Features, Rows
from chainrule.images.store import FeatureStore
from chainrule.images.svm import normalized
from chainrule.io.pictures import (
    LOOK,
    PictureSource,
    open_picture,
    picture_from_bytes,
)
from chainrule.io.progress import Progress


def network_features(
    files: Sequence[Path],
    network: FeatureSource,
    *,
    precision: Precision | None = None,
    cache: Path | None = None,
    batch_size: int = BATCH,
    threads: int = THREADS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Features:
    """The penultimate features of each picture that can be read, in float32.

    `precision` is the arithmetic (the processor's best by default). With a `cache` folder what was
    computed before is not computed again. Memory does not grow with the number of pictures, but
    for the features themselves. With an `executor` its workers read the pictures and compute, a
    batch a job, and the cache is written but not read.
    """
    precision = precision or best_precision()
    if executor is not None:
        return far_features(files, network, precision, cache, executor, progress)
    function, preprocessing = network.feature_function(precision), network.preprocessing
    model = f"{network.key} {precision} {LOOK}"
    store = FeatureStore(cache, model) if cache is not None else None
    squares: list[tuple[int, bytes, np.ndarray]] = []
    rows = Rows(len(files))
    skipped: list[Skipped] = []

    def prepare(file: Path) -> tuple[bytes, np.ndarray | None, np.ndarray | None]:
        content = photograph_bytes(file)
        key = blake2b(content, digest_size=16).digest()
        known = store.get(key) if store is not None else None
        if known is not None:
            return key, known, None
        picture = picture_from_bytes(content, file, preprocessing.at_least)
        return key, None, preprocessing.square(picture)

    def compute() -> None:
        pixels = np.stack([square for _, _, square in squares])
        new = function(preprocessing.scaled(pixels)).numpy()
        if store is not None:
            store.put({key: row for (_, key, _), row in zip(squares, new, strict=True)})
        for (i, _, _), row in zip(squares, new, strict=True):
            rows.put(i, row)
        squares.clear()

    try:
        for i, result in enumerate(in_order(files, prepare, threads, ahead=2 * batch_size)):
            if isinstance(result, FileError):
                skipped.append(Skipped(str(files[i]), str(result)))
            elif result[1] is not None:
                rows.put(i, result[1])
            elif result[2] is not None:
                squares.append((i, result[0], result[2]))
            if len(squares) == batch_size or (squares and i + 1 == len(files)):
                compute()
            if progress is not None:
                progress(i + 1, len(files))
    finally:
        if store is not None:
            store.close()
    return Features(*rows.kept(), skipped)


def picture_features(
    pictures: Sequence[PictureSource], network: FeatureSource
) -> Float32[np.ndarray, "n d"]:
    """The features of pictures that are paths, pictures of Pillow or arrays, none of them kept.

    Raises what `chainrule.io.pictures.open_picture` raises.
    """
    function, look = network.feature_function(best_precision()), network.preprocessing
    rows = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        squares = [look.square(open_picture(p, at_least=look.at_least)) for p in batch]
        rows.append(function(look.scaled(np.stack(squares))).numpy())
    return np.concatenate(rows) if rows else np.zeros((0, 0), dtype=np.float32)


def joined_features(
    blocks: Sequence[Float[np.ndarray, "n _"]],
) -> Float[np.ndarray, "n d"]:
    """The features of several networks side by side, each of length 1, and the row as well."""
    return normalized(np.concatenate([normalized(block) for block in blocks], axis=1))
