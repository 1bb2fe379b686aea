"""Training checkpoints: all that a run needs to go on to the same bits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from chainrule.errors import FileError
from chainrule.io.files import written_whole

_FORMAT = "chainrule training checkpoint 2"
_KINDS = ("parameter", "moment", "best")


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
            _KINDS, (checkpoint.parameters, checkpoint.moments, checkpoint.best), strict=True
        )
        for name, value in named.items()
    }
    tensors["generator"] = checkpoint.generator
    metadata = {
        "format": _FORMAT,
        "history": json.dumps(checkpoint.history),
        "run": json.dumps(checkpoint.run, sort_keys=True),
    }
    with written_whole(path) as temporary:
        save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, temporary, metadata)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `write_checkpoint` wrote.

    Raises FileError if the file is missing, cut off, or no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FileError(
            f"{path} cannot be read as a checkpoint ({error}); expected a whole file that a "
            "training wrote"
        ) from error
    if metadata.get("format") != _FORMAT:
        raise FileError(
            f"{path} holds no training checkpoint; expected one that a training wrote "
            f"({_FORMAT!r} in its metadata)"
        )
    parameters, moments, best = (_named(tensors, f"{kind}.") for kind in _KINDS)
    return Checkpoint(
        parameters,
        moments,
        best,
        tensors["generator"],
        json.loads(metadata["history"]),
        json.loads(metadata["run"]),
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
