"""`--on ADDRESS`: where a command's jobs are done."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from chainrule.executors import Executor

OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS",
        help="A Ray cluster: ray://HOST:PORT, HOST:PORT, auto for the one this machine is in, or "
        "local for Ray on this machine (needs the extra `ray`). The results are the same.",
        show_default="this process",
    ),
]


def far(on: str | None, workers: int | None = None) -> "AbstractContextManager[Executor | None]":
    """The executor of the address; None, to work as without the option, if there is no address.

    workers: so many cores of this machine, with "local".
    """
    if on is None:
        return nullcontext()
    from chainrule.executors import open_executor

    return open_executor(on, workers)
