"""`chainrule report`: the whole report, run again."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.keeping import keeps
from chainrule.cli.output import JsonOption, print_json
from chainrule.cli.points_options import output_folder
from chainrule.cli.progress import duration
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.report import AnsweredPart, ReportSettings

OnPart = Callable[["AnsweredPart", float], None]
OnProgress = Callable[[float, float], None]

PhotosOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Photographs for part 5, one folder a class; voc2007 fetches the original's.",
        show_default="tiles of those in packages",
    ),
]


def report(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder for index.html and results.json.")
    ] = Path("report"),
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="A first page with few trials and epochs, from which a whole one goes on.",
        ),
    ] = False,
    trials: Annotated[int, typer.Option(help="Runs of each setting in the studies.")] = 100,
    seed: Annotated[int, typer.Option(help="All that is random follows from it.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Processes at the same time.", show_default="one a core")
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="The parts to run, as 1,2.", show_default="all"),
    ] = None,
    photos: PhotosOption = None,
    original_recipe: Annotated[
        bool,
        typer.Option(
            "--original-recipe",
            help="Part 4: show the original's recipe, with jitter too (minutes).",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run every experiment of the original report again, and write it beside its figures.

    Writes DIR/index.html, one page that opens without a network, and DIR/results.json, the same
    findings as numbers. The same seed gives the same page. A run that is stopped, or a quick one,
    is gone on with by the next one of the same seed.

    Example: chainrule report --out report --quick
    """
    from chainrule.report import ReportSettings
    from chainrule.report.contents import PARTS

    wanted = _numbers(parts, [part.number for part in PARTS])
    settings = ReportSettings(seed, trials, workers, photos, original_recipe, quick)
    started = time.perf_counter()
    with output_folder(out) as folder:
        results = _made(settings, wanted, out, folder)
    seconds = time.perf_counter() - started

    if as_json:
        files = [str(out / name) for name in ("index.html", "results.json")]
        print_json({**results, "files": files, "seconds": seconds})
    else:
        print(f"the report lies in {out / 'index.html'} ({duration(seconds)})")
        if quick:
            print("the same command without --quick goes on from it")


def _made(settings: "ReportSettings", wanted: list[int], out: Path, folder: Path) -> dict[str, Any]:
    """Run the parts, write the page and its results, and give the results."""
    from chainrule.report.making import make_report, unfinished_folder

    kept = unfinished_folder(out)
    again = f"what was finished lies in {kept}: the same command goes on from there"
    with keeps(again, kept), _progress() as (on_part, on_progress):
        _, results = make_report(
            settings, wanted, out, folder, on_part=on_part, on_progress=on_progress
        )
    return results


@contextmanager
def _progress() -> Iterator[tuple[OnPart, OnProgress]]:
    """On a terminal a bar with the time that is left; a line a part above it, and elsewhere."""
    started = time.monotonic()

    def told(part: "AnsweredPart", left: float) -> str:
        since = duration(time.monotonic() - started)
        rest = f"; about {duration(left)} left" if left >= 1 else ""
        return f"part {part.number}, {part.title.lower()}: {_found(part)} ({since}{rest})"

    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda part, left: _say(told(part, left)), lambda share, left: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("report"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("report", total=1.0, left="preparing")

        def shown(share: float, left: float) -> None:
            text = f"{100 * share:.0f} %, about {duration(left)} left"
            bar.update(task, completed=share, left=text)

        yield lambda part, left: bar.console.print(told(part, left), highlight=False), shown


def _found(part: "AnsweredPart") -> str:
    """What a part found, in a few words: 31 agree, 2 disagree."""
    from chainrule.report.page import counted

    counts = counted(fact for section in part.sections for fact in section.facts)
    words = {
        "agrees": "agree",
        "disagrees": "disagree",
        "the original errs": "are errors of the original's",
        "cannot be compared": "cannot be compared",
    }
    return ", ".join(f"{n} {words[verdict]}" for verdict, n in counts.items() if n)


def _say(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


def _numbers(text: str | None, there_are: list[int]) -> list[int]:
    """The parts named in `text`, in the report's order. Raises InputError."""
    if text is None:
        return there_are
    names = [name.strip() for name in text.split(",")]
    known = [str(number) for number in there_are]
    for name in names:
        if name not in known:
            raise InputError(
                f"parts: found {name!r}; expected numbers among {', '.join(known)}, as 1,2"
            )
    return [number for number in there_are if str(number) in names]
