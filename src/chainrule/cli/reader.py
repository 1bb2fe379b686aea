"""`chainrule reader`: a network that reads letters, and lines of them."""

import typer

from chainrule.cli.reader_evaluate import evaluate
from chainrule.cli.reader_read import read
from chainrule.cli.reader_train import train

app = typer.Typer(
    help="Read lines of text; train networks that read letters and lines.", no_args_is_help=True
)


@app.callback()
def _reader() -> None:
    """Read lines of text; train networks that read letters and lines."""


app.command("train")(train)
app.command("read")(read)
app.command("evaluate")(evaluate)
