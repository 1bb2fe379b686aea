"""`chainrule reader`: a network that reads letters, and lines of them."""

from typing import Annotated

import typer

from chainrule.cli.reader_calibrate import calibrate
from chainrule.cli.reader_evaluate import evaluate
from chainrule.cli.reader_evaluate_pages import evaluate_pages
from chainrule.cli.reader_label import label
from chainrule.cli.reader_read import read
from chainrule.cli.reader_train_letters import train_letters
from chainrule.cli.reader_train_lines import train_lines
from chainrule.errors import InputError

app = typer.Typer(
    help="""Read lines of text; train networks that read letters and lines.

    Example: chainrule reader read label.jpg
    """,
    no_args_is_help=True,
)
app.command("train-letters")(train_letters)
app.command("train-lines")(train_lines)
app.command("read")(read)
app.command("evaluate")(evaluate)
app.command("evaluate-pages")(evaluate_pages)
app.command("label")(label)
app.command("calibrate")(calibrate)


@app.command("train", hidden=True, context_settings={"ignore_unknown_options": True})
def train(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="...")] = None,
) -> None:
    """The two commands' former name, refused.

    Example: chainrule reader train-letters
    """
    raise InputError(
        "reader train is two commands now; expected reader train-letters (single letters) or "
        "reader train-lines (whole lines: --fonts, --lines, --built)"
    )
