"""The best classes of many pictures, in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from chainrule.errors import FileError
from chainrule.images.features import BATCH
from chainrule.images.in_order import THREADS, in_order
from chainrule.images.listing import DRAWING, Skipped, is_drawing_content
from chainrule.images.network import Guess, Network
from chainrule.io.names import shown
from chainrule.io.pictures import PictureSource, open_picture, picture_from_bytes, read_bytes
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
    progress: Progress | None = None,
) -> Classification:
    """The `top` classes of each picture that can be read, computed in float32."""
    function = network.logit_function()
    kept: list[Path] = []
    best: list[tuple[Guess, ...]] = []
    skipped: list[Skipped] = []
    batch: list[torch.Tensor] = []

    def prepare(file: Path) -> torch.Tensor:
        look, content = network.preprocessing, read_bytes(file)
        if is_drawing_content(content):
            raise FileError(f"{shown(file)} is {DRAWING}")
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
