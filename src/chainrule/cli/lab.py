"""`chainrule lab`: the page on your own machine."""

import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.keeping import keeps
from chainrule.cli.output import JsonOption, print_json


def lab(
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8765,
    host: Annotated[
        str, typer.Option(help="The address to listen on; beyond this machine only with --token.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    token: Annotated[
        str | None,
        typer.Option(
            help="What opens the lab, 16 letters, digits, - or _ at least. Default: drawn."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that keeps the runs.")] = Path("runs/lab"),
    as_json: JsonOption = False,
) -> None:
    """Serve a page on this machine in which a network is taken apart while it runs.

    Prints the address on a line of its own and opens it in the browser. It needs no network. What
    runs is kept in --out: a lab that is started again lists it, and goes on. Ctrl-C ends the lab.

    With --host 0.0.0.0 --token ... a class uses it: each browser has runs of its own, and quotas.

    Example: chainrule lab --port 8080
    """
    from chainrule.lab.server.run import serve
    from chainrule.lab.settings import LabSettings

    settings = LabSettings(out, port, host, token)

    def ready(address: str) -> None:
        if as_json:
            print_json({"address": address, "folder": str(out)})
            sys.stdout.flush()
        else:
            print(address, flush=True)
        if sys.stderr is not None:
            print("the lab is open at this address; Ctrl-C ends it", file=sys.stderr, flush=True)
        if browser:
            # some browsers keep their caller waiting until they are closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with keeps(f"the runs are kept in {out}: the same command lists them, and goes on", out):
        serve(settings, ready)
