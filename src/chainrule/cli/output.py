"""What the commands print: a JSON document or text on standard output, progress beside it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from chainrule.io.progress import Progress

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]


def print_json(document: Any) -> None:
    """Print `document` as the one JSON document on standard output."""
    print(json.dumps(document, indent=2, allow_nan=False))


@contextmanager
def progress(title: str, unit: str) -> Iterator[Progress]:
    """Give a function (done, total) that shows progress on standard error.

    On a terminal it is a bar with the rate and the time left; elsewhere a plain line at most
    every five seconds.
    """
    if sys.stderr.isatty():
        with _bar(title, unit) as report:
            yield report
    else:
        yield _lines(title, unit)


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1, rate="")
        started = time.monotonic()

        def report(done: int, total: int) -> None:
            rate = done / max(time.monotonic() - started, 1e-9)
            bar.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s" if done else "")

        yield report


def _lines(title: str, unit: str) -> Progress:
    started = last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 5:
            return
        last = now
        rate = done / (now - started)
        left = f", {(total - done) / rate:.0f} s left" if rate else ""
        print(
            f"{title}: {done:,} of {total:,} {unit}, {rate:,.1f}/s{left}",
            file=sys.stderr,
            flush=True,
        )

    return report
