"""`--on ADDRESS`: where a command's jobs are done."""

from typing import Annotated

import typer

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
