"""What the commands print: a JSON document or text on standard output, progress beside it."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from chainrule.cli.progress import progress

__all__ = ["JsonOption", "name_column", "print_json", "print_table", "progress"]

_NAME = 40  # places that a name takes in a column

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


def name_column(names: Iterable[str]) -> list[str]:
    """Names as a column of text: as wide as the widest, which is cut at 40 places.

    A Chinese, Japanese or Korean letter takes two places of a terminal.
    """
    from rich.cells import cell_len, set_cell_size

    cut = [
        name if cell_len(name) <= _NAME else set_cell_size(name, _NAME - 1) + "…" for name in names
    ]
    width = max(map(cell_len, cut), default=0)
    return [set_cell_size(name, width) for name in cut]
