"""The best classes of many pictures, in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from chainrule.chain.inference.fused import FusedChain
from chainrule.errors import FileError
from chainrule.executors import Executor
from chainrule.images.far_features import BATCH, batches_of, first_of, photograph_bytes
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.listing import Skipped
from chainrule.images.network import Guess, Network
from chainrule.io.pictures import PictureSource, open_picture, picture_from_bytes
from chainrule.io.progress import Progress


@dataclass(frozen=True)
class Classification:
    """`best[i]` are the most probable classes of `files[i]`, best first."""

    files: tuple[Path, ...]
    best: tuple[tuple[Guess, ...], ...]
    skipped: tuple[Skipped, ...]


def classify_files(
    files: Sequence[Path],
    network: Network,
    *,
    top: int = 5,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Classification:
    """The `top` classes of each picture that can be read, computed in float32.

    With an `executor` its workers read the pictures and compute, a batch a job.
    """
    if executor is not None:
        return _far(files, network, top, executor, progress)
    function = network.logit_function()
    kept: list[Path] = []
    best: list[tuple[Guess, ...]] = []
    skipped: list[Skipped] = []
    batch: list[torch.Tensor] = []

    def prepare(file: Path) -> torch.Tensor:
        look, content = network.preprocessing, photograph_bytes(file)
        return look.input(picture_from_bytes(content, file, look.at_least))

    def compute() -> None:
        best.extend(_best(function(torch.cat(batch)), network.classes, top))
        batch.clear()

    for i, result in enumerate(in_order(files, prepare, THREADS, ahead=2 * BATCH)):
        if isinstance(result, FileError):
            skipped.append(Skipped(str(files[i]), str(result)))
        else:
            kept.append(files[i])
            batch.append(result)
        if len(batch) == BATCH:
            compute()
        if progress is not None:
            progress(i + 1, len(files))
    if batch:
        compute()
    return Classification(tuple(kept), tuple(best), tuple(skipped))


Ready = tuple[Network, FusedChain, int]
Found = tuple[list[int], list[tuple[Guess, ...]], list[Skipped]]


def _far(
    files: Sequence[Path],
    network: Network,
    top: int,
    executor: Executor,
    progress: Progress | None,
) -> Classification:
    batches = batches_of(files)
    found: dict[int, Found] = {}
    done = 0
    for k, batch in executor.results(
        _batch, batches, (network, top), prepare=_ready, name=first_of
    ):
        found[k] = batch
        done += len(batches[k])
        if progress is not None:
            progress(done, len(files))
    ordered = [(batches[k], *found[k]) for k in sorted(found)]
    return Classification(
        tuple(batch[i] for batch, there, _, _ in ordered for i in there),
        tuple(best for _, _, bests, _ in ordered for best in bests),
        tuple(one for _, _, _, skipped in ordered for one in skipped),
    )


def _ready(shared: tuple[Network, int]) -> Ready:
    network, top = shared
    torch.set_num_threads(1)
    return network, network.logit_function(), top


def _batch(shared: Ready, files: Sequence[Path]) -> Found:
    network, function, top = shared
    look, inputs = network.preprocessing, []
    there, skipped = [], []
    for i, file in enumerate(files):
        try:
            picture = picture_from_bytes(photograph_bytes(file), file, look.at_least)
            inputs.append(look.input(picture))
            there.append(i)
        except FileError as error:
            skipped.append(Skipped(str(file), str(error)))
    best = _best(function(torch.cat(inputs)), network.classes, top) if inputs else []
    return there, best, skipped


def classify_pictures(
    network: Network, pictures: Sequence[PictureSource], top: int
) -> list[tuple[Guess, ...]]:
    """The `top` classes of each picture. Raises what `open_picture` raises."""
    function, look = network.logit_function(), network.preprocessing
    best: list[tuple[Guess, ...]] = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        x = torch.cat([look.input(open_picture(p, at_least=look.at_least)) for p in batch])
        best += _best(function(x), network.classes, top)
    return best


def _best(logits: torch.Tensor, names: Sequence[str], top: int) -> list[tuple[Guess, ...]]:
    probability, index = torch.softmax(logits.double(), 1).topk(min(top, logits.shape[1]))
    return [
        tuple(Guess(i, names[i], p) for i, p in zip(line, values, strict=True))
        for line, values in zip(index.tolist(), probability.tolist(), strict=True)
    ]
