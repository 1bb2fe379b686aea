"""A run between two epochs: what moves in it, begun anew or taken from its checkpoint."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from chainrule.chain import Chain
from chainrule.errors import FileError, InputError, OtherRunError
from chainrule.executors import Executor
from chainrule.io.progress import Progress
from chainrule.training.checkpoints import (
    Checkpoint,
    differences,
    read_checkpoint,
    write_checkpoint,
)
from chainrule.training.inputs import tensors_of
from chainrule.training.ranks.ranks import Ranks
from chainrule.training.schedules import OPEN_ENDED
from chainrule.training.settings import Settings
from chainrule.training.sources import Source, TensorSource

OnEpoch = Callable[[dict[str, Any], Mapping[str, Tensor]], None]


class RunOptions(TypedDict, total=False):
    """How a run is kept and watched.

    checkpoint: a file that is written after every epoch. resume: go on from that file, to the same
    bits as a run that was never stopped (on the same machine with the same number of threads).
    described: what else must be the same for that (of the data, say), as JSON values by name.
    progress: gets (examples seen, examples in all). on_epoch: gets each line of the history and the
    parameters. until: stop after this epoch, with the schedule of the whole run; a later call that
    resumes goes on. None goes to the end. ranks: the processes that share each batch; the first of
    them alone writes and reads the checkpoint, and tells. executor: a Ray cluster, whose processes
    share each batch, so many `processes`, by default one a core.
    """

    checkpoint: str | Path | None
    resume: bool
    described: Mapping[str, Any] | None
    progress: Progress | None
    on_epoch: OnEpoch | None
    until: int | None
    ranks: Ranks | None
    executor: Executor | None
    processes: int | None


@dataclass
class State:
    """The parts of a run that move: what a checkpoint holds.

    moments: what the optimizer remembers. best: the parameters of the epoch with the lowest
    validation loss, where the settings have a patience.
    """

    parameters: dict[str, Tensor]
    moments: dict[str, Tensor]
    generator: torch.Generator
    history: list[dict[str, Any]]
    best: dict[str, Tensor]


def first_state(parameters: Mapping[str, Tensor], settings: Settings) -> State:
    """The state before the first epoch, with copies of the parameters."""
    copies = {name: torch.as_tensor(value).detach().clone() for name, value in parameters.items()}
    moments = settings.make_optimizer().start(copies)
    return State(copies, moments, torch.Generator().manual_seed(settings.seed), [], {})


def resumed_state(
    path: str | Path | None, run: Mapping[str, Any], like: Mapping[str, Tensor]
) -> State:
    """The state that the checkpoint holds, its tensors on the devices of `like`.

    Raises InputError if there is no path, FileError if there is no file or no whole one, and
    OtherRunError if it is of another run.
    """
    if path is None:
        raise InputError("resume is True without a checkpoint; expected the file to resume from")
    if not Path(path).exists():
        raise FileError(
            f"there is nothing to resume: {path} does not exist; expected the checkpoint of a run "
            "that was stopped, or a training that begins anew"
        )
    found = read_checkpoint(Path(path))
    other = differences(_comparable(found.run, found, run), run)
    if other:
        raise OtherRunError(
            f"{path} is of another run ({'; '.join(other)}); expected the same settings: choose "
            "another file, or train without resuming"
        )
    devices = {name: value.device for name, value in like.items()}

    def placed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {k: v.to(devices.get(_parameter(k, devices), "cpu")) for k, v in tensors.items()}

    generator = torch.Generator()
    generator.set_state(found.generator)
    return State(
        placed(found.parameters), placed(found.moments), generator, found.history,
        placed(found.best),
    )  # fmt: skip


def write_state(path: str | Path, state: State, run: Mapping[str, Any]) -> None:
    """Write the run as a checkpoint, whole or not at all. Raises FileError."""
    generator = state.generator.get_state()
    write_checkpoint(
        Path(path),
        Checkpoint(
            state.parameters, state.moments, state.best, generator, state.history, dict(run)
        ),
    )


def described_run(
    chain: Chain,
    data: Source,
    validation: Source | None,
    settings: Settings,
    described: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What must be the same for a run to be resumed, as JSON values by name."""
    run: dict[str, Any] = {"architecture": in_words(chain.layers)}
    for name, source in (("training", data), ("validation", validation)):
        if source is not None:
            run[f"{name} examples"] = len(source)
        if isinstance(source, TensorSource):
            run[f"{name} data"] = _digest(*tensors_of(source.x), source.y)
    return {**run, **asdict(settings), **(described or {})}


def in_words(value: Any) -> str:
    """A block and its settings as text that is the same in every process.

    What is no dataclass is told by its class and its attributes: an object's own text may hold
    its place in memory.
    """
    if isinstance(value, list | tuple):
        return f"({', '.join(in_words(item) for item in value)})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k!r}: {in_words(v)}' for k, v in value.items())}}}"
    if isinstance(value, Tensor | np.ndarray):
        return f"array {tuple(value.shape)} {_digest(torch.as_tensor(value))}"
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return str(value.__qualname__)
    if is_dataclass(value):
        settings = {field.name: getattr(value, field.name) for field in fields(value)}
    elif "__repr__" in {name for kind in type(value).__mro__[:-1] for name in vars(kind)}:
        return repr(value)
    else:
        settings = dict(sorted(getattr(value, "__dict__", {}).items()))
    inside = ", ".join(f"{name}={in_words(setting)}" for name, setting in settings.items())
    return f"{type(value).__qualname__}({inside})"


def _comparable(
    found: Mapping[str, Any], checkpoint: Checkpoint, run: Mapping[str, Any]
) -> dict[str, Any]:
    """The checkpoint's run, with the epochs of this one where it may have other ones.

    A schedule that does not look at the run's length gives the same steps however long it is.
    """
    same = dict(found)
    if run["schedule"] in OPEN_ENDED and run["epochs"] >= len(checkpoint.history):
        same["epochs"] = run["epochs"]
    if same.get("patience") is not None and run["patience"] is not None:
        same["patience"] = run["patience"]
    return same


def _parameter(name: str, known: Mapping[str, Any]) -> str:
    """The parameter that a moment belongs to: "mean.conv1.weight" to "conv1.weight"."""
    return name if name in known else name.partition(".")[2]


def _digest(*tensors: Tensor) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
        rows = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(rows.view(torch.uint8).numpy().data)
    return digest.hexdigest()
