"""`chainrule reader`: a network that reads letters, and lines of them."""

import typer

from chainrule.cli.reader_train import train

app = typer.Typer(help="A network that reads letters: train it.", no_args_is_help=True)


@app.callback()
def _reader() -> None:
    """A network that reads letters: train it."""


app.command("train")(train)
