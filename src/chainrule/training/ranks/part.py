"""One process' part in a training on a cluster."""

import time
from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from chainrule.errors import ChainruleError
from chainrule.executors.work import sendable
from chainrule.io.temporary import temporary_folder
from chainrule.training.ranks.ranks import Ranks

_PAUSE = 0.5  # seconds between two reports of progress


def take_part(told: Mapping[str, Any]) -> None:
    """Train, in a process that is connected to the others; the first tells how it goes.

    told: "work", a training packed with its arguments; "notes", the actor that is told; "shown",
    whether progress is.
    """
    import ray
    from ray import cloudpickle

    torch.set_num_threads(1)
    notes = told["notes"]
    train, arguments, options = cloudpickle.loads(ray.get(told["work"]))
    ranks = Ranks(dist.get_rank(), dist.get_world_size())
    begun = ray.get(notes.checkpoint.remote())
    with temporary_folder() as folder:
        checkpoint = folder / "checkpoint.safetensors"
        if begun:
            checkpoint.write_bytes(begun)

        def on_epoch(line: dict[str, Any], parameters: Mapping[str, Tensor]) -> None:
            kept = {name: value.clone() for name, value in parameters.items()}
            ray.get(notes.tell.remote("epoch", (line, kept, checkpoint.read_bytes())))

        options |= {
            "ranks": ranks, "checkpoint": checkpoint, "resume": bool(begun), "on_epoch": on_epoch,
            "progress": _Progress(notes) if told["shown"] else None,
        }  # fmt: skip
        try:
            found = train(*arguments, **options)
        except ChainruleError as error:  # it would come again
            ray.get(notes.tell.remote("error", sendable(error)))
            return
    if ranks.number == 0:
        ray.get(notes.tell.remote("trained", found))


class _Progress:
    """Tells how far the training is, now and then."""

    def __init__(self, notes: Any) -> None:
        self._notes, self._last = notes, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last >= _PAUSE or done == total:
            self._last = now
            self._notes.tell.remote("progress", (done, total))
