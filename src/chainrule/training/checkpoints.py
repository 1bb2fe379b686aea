"""Training checkpoints: all that a run needs to go on to the same bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from chainrule.io.model_file import read_model_file, write_model_file

_KIND = "training checkpoint"
_GROUPS = ("parameter", "moment", "best")


@dataclass(frozen=True)
class Checkpoint:
    """A run after a whole number of epochs.

    parameters, moments (what the optimizer remembers) and best (the parameters of the best epoch,
    where there is a patience): by name; generator: the state of the run's random generator;
    history: one dict an epoch; run: what must be the same for the run to go on (settings,
    architecture, data), as JSON values.
    """

    parameters: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    generator: Tensor
    history: list[dict[str, Any]]
    run: dict[str, Any]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint as safetensors, whole or not at all. Raises FileError."""
    tensors = {
        f"{kind}.{name}": value
        for kind, named in zip(
            _GROUPS, (checkpoint.parameters, checkpoint.moments, checkpoint.best), strict=True
        )
        for name, value in named.items()
    }
    tensors["generator"] = checkpoint.generator
    settings = {"history": checkpoint.history, "run": checkpoint.run}
    write_model_file(path, _KIND, tensors, settings)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises FileError if the file is missing, cut off, changed, or no checkpoint.
    """
    found = read_model_file(path, _KIND, "a checkpoint that a training wrote", as_tensors=True)
    tensors = found.tensors
    parameters, moments, best = (_named(tensors, f"{kind}.") for kind in _GROUPS)
    return Checkpoint(
        parameters,
        moments,
        best,
        tensors["generator"],
        found.settings["history"],
        found.settings["run"],
    )


def differences(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The entries of `run` in which a checkpoint and the run at hand differ, as short texts."""
    return [
        f"{name} {found.get(name)!r} instead of {expected.get(name)!r}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    ]


def _named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
