"""`chainrule report`: the whole report, run again."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

import chainrule
from chainrule.cli.keeping import keeps
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import InputError


def report(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder for index.html and results.json.")
    ] = Path("report"),
    trials: Annotated[int, typer.Option(help="Runs of each setting in the studies.")] = 100,
    seed: Annotated[int, typer.Option(help="All that is random follows from it.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Runs at the same time.", show_default="one a core")
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="The parts to run, as 1,2.", show_default="all"),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Photographs for part 5, one folder a class.",
            show_default="those in packages",
        ),
    ] = None,
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
    findings as numbers. The same seed gives the same page. A run that is stopped goes on where it
    was when it is started again with the same seed.

    Example: chainrule report --out report --trials 20
    """
    from chainrule.io.files import make_folder, write_json, write_text
    from chainrule.report import ReportSettings, run_report
    from chainrule.report.contents import PARTS
    from chainrule.report.page import document, page

    wanted = _numbers(parts, [part.number for part in PARTS])
    unfinished = out / f".unfinished-{chainrule.__version__}"
    settings = ReportSettings(seed, trials, workers, photos, original_recipe, unfinished=unfinished)
    make_folder(out)
    make_folder(unfinished)

    started = time.perf_counter()
    again = f"what was finished lies in {unfinished}: the same command goes on from there"
    with keeps(again), progress("report", "thousandths") as show:
        found = run_report(settings, wanted, show)
    results = document(found, settings)
    write_json(out / "results.json", results)
    write_text(out / "index.html", page(found, settings))
    shutil.rmtree(unfinished)
    seconds = time.perf_counter() - started

    if as_json:
        files = [str(out / name) for name in ("index.html", "results.json")]
        print_json({**results, "files": files, "seconds": seconds})
    else:
        print(f"the report lies in {out / 'index.html'} ({seconds:.0f} s)")


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
