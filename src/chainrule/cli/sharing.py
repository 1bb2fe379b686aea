"""Trainings that several processes share: those that `torchrun` started, or those of `--on`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.on import far
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.training.state import RunOptions

TrainOnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS",
        help="A Ray cluster, whose processes share each batch: ray://HOST:PORT, HOST:PORT, auto "
        "for the one this machine is in, or local for Ray on this machine (needs the extra `ray`).",
        show_default="this process alone",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --on: so many processes share each batch.",
        show_default="one a core of the cluster",
    ),
]


@dataclass(frozen=True)
class Shared:
    """first: whether this process says and writes something; options: of the training."""

    first: bool
    options: "RunOptions"


@contextmanager
def shared_training(on: str | None, workers: int | None) -> Iterator[Shared]:
    """How a training is shared. Raises InputError if the options contradict each other."""
    from chainrule.training.ranks import joined_ranks

    if workers is not None and on is None:
        raise InputError(f"--workers: found {workers} without --on; expected them together")
    with joined_ranks() as ranks:
        if ranks is None:
            with far(on, workers if on == "local" else None) as executor:
                yield Shared(True, {"executor": executor, "processes": workers})
            return
        if on is not None:
            raise InputError(
                f"--on: found {on} in a process that torchrun started; expected one of the two"
            )
        yield Shared(ranks.number == 0, {"ranks": ranks})
