"""What the commands print: a JSON document or text on standard output, progress beside it."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from chainrule.cli.progress import progress

__all__ = ["JsonOption", "print_json", "print_table", "progress"]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]


def print_json(document: Any) -> None:
    """Print `document` as the one JSON document on standard output."""
    print(json.dumps(document, indent=2, allow_nan=False))


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, its first column to the left and the others to the right.

    On a terminal it takes the terminal's width; elsewhere each row is one line.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 1000
    print(title)
    Console(width=width, markup=False, highlight=False).print(table)
