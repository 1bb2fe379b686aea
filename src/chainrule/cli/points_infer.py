"""`chainrule points infer`: the points behind published runs."""

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.keeping import keeps
from chainrule.cli.on import OnOption
from chainrule.cli.output import JsonOption, print_json, print_table, progress
from chainrule.cli.points_options import output_folder
from chainrule.errors import InputError
from chainrule.io.checks import one_of
from chainrule.io.figures import write_figure

if TYPE_CHECKING:
    from chainrule.points.inference import Prediction


def infer(
    table: Annotated[
        Path | None,
        typer.Option(help="A CSV or JSON file of published runs (default: the original's 35)."),
    ] = None,
    hold_out: Annotated[
        int, typer.Option(help="Keep every so many rows out of the fit; 0: none.")
    ] = 3,
    particles: Annotated[int, typer.Option(help="Candidates that are the posterior.")] = 200,
    generations: Annotated[int, typer.Option(help="At most so many generations.")] = 12,
    repeats: Annotated[
        int, typer.Option(help="Runs for each fitted one, whenever a candidate is looked at.")
    ] = 3,
    trials: Annotated[int, typer.Option(help="Runs of each setting in the predictions.")] = 200,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            help="A setting that is known, as NAME=VALUE (width=0.3, noise=square, "
            "exchanged=true); may be given again."
        ),
    ] = None,
    points: Annotated[
        int, typer.Option(help="Points to train on, and as many to validate with.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Gives every draw and every run its own seed.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Runs at the same time (default: one a core).")
    ] = None,
    on: OnOption = None,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path(
        "runs/points-infer"
    ),
    as_json: JsonOption = False,
) -> None:
    """Infer the points that published runs were made on, from nothing but the runs' numbers.

    Two half-moons of unknown width, distance, offset, scale, noise and orientation, and the seeds
    of their draws, are fitted by approximate Bayesian computation (sequential Monte Carlo) to a
    table of errors and iterations. Printed: the posterior, and for every published number its 95 %
    predictive interval and its tail probability, so that what no setting explains stands out (!).
    Rows that were kept out of the fit are marked. The numbers are the same for any number of
    workers. Writes into --out: inference.json, rows.csv, posterior.png, rows.png, and
    journal.jsonl: an inference that was killed goes on from there. The default takes hours; with
    --particles 20 --generations 3 --trials 40 it is a sketch of a few minutes.

    Example: chainrule points infer --particles 20 --generations 3 --trials 40 --out runs/sketch
    """
    from chainrule.executors import open_executor
    from chainrule.points.inference import InferenceSettings, infer, original_runs, read_runs
    from chainrule.points.inference.result import inference_document

    settings = InferenceSettings(
        hold_out, particles, generations, repeats, trials, points, seed, _fixed(fix or [])
    )
    runs = original_runs() if table is None else read_runs(table)
    started = time.perf_counter()
    with output_folder(out) as folder:
        journal = folder / "journal.jsonl"
        again = f"what was finished is in {journal}: the same command goes on from there"
        with keeps(again, journal), _stages() as show, open_executor(on, workers) as executor:
            inference = infer(runs, settings, executor=executor, journal=journal, progress=show)
        document = inference_document(inference)
        written = _write(folder, document, inference.population.candidates, inference.predictions)
    document["seconds"] = time.perf_counter() - started  # in no file: the same run, the same bytes
    if as_json:
        print_json(document)
        return
    _print_posterior(document)
    _print_rows("by the posterior", inference.predictions, document["within"])
    _print_rows("by the best candidate alone", inference.by_best, document["within_by_best"])
    print(f"time     {document['seconds']:.2f} s")
    for file in written:
        print(f"written  {file}")


def _fixed(options: list[str]) -> tuple[tuple[str, Any], ...]:
    """NAME=VALUE as a name and a number or a choice. Raises InputError."""
    from chainrule.points.inference.prior import CHOICES, RANGES

    fixed: dict[str, Any] = {}
    for option in options:
        name, _, text = option.partition("=")
        one_of("--fix", name, [*RANGES, *CHOICES])
        known = {str(value).lower(): value for value in CHOICES.get(name, ())}
        try:
            fixed[name] = known[text.lower()] if known else float(text)
        except (KeyError, ValueError) as error:
            expected = f"one of {', '.join(known)}" if known else "a number"
            raise InputError(f"--fix {name}: found {text!r}; expected {expected}") from error
    return tuple(fixed.items())


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None]]:
    """A progress (stage, done, total) whose every stage has a bar or lines of its own."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        current: list[Any] = ["", None]

        def show(stage: str, done: int, total: int) -> None:
            if stage != current[0]:
                stack.close()
                current[:] = stage, stack.enter_context(progress(stage, "jobs"))
            current[1](done, total)

        yield show


def _write(
    folder: Path,
    document: dict[str, Any],
    candidates: "Sequence[Any]",
    predictions: "Sequence[Prediction]",
) -> list[Path]:
    from chainrule.io.files import write_json, write_text
    from chainrule.points.inference.figures import posterior_figure, rows_figure

    names = ("inference.json", "rows.csv", "posterior.png", "rows.png")
    files = [folder / name for name in names]
    write_json(files[0], document)
    write_text(files[1], _csv(document["rows"]))
    write_figure(files[2], posterior_figure(candidates, document["posterior"]))
    write_figure(files[3], rows_figure(predictions))
    return files


def _csv(rows: list[dict[str, Any]]) -> str:
    """One line a row; a number that is not stated is an empty field."""
    text = io.StringIO()
    flat = []
    for row in rows:
        line: dict[str, Any] = {}
        for name, value in row.items():
            if name not in ("train_error", "validation_error", "iteration"):
                line[name] = value
                continue
            low, high = value["interval"] if value else (None, None)
            line[name] = value["published"] if value else None
            line |= {f"{name}_low": low, f"{name}_high": high}
            line[f"{name}_tail"] = value["tail"] if value else None
        flat.append(line)
    writer = csv.DictWriter(text, flat[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _print_posterior(document: dict[str, Any]) -> None:
    last = document["generations"][-1] if document["generations"] else None
    n = len(document["candidates"])
    title = f"posterior: {n} candidates, {len(document['generations'])} generations"
    title += f", distance at most {last['bound']:.2f}" if last else ""
    best = document["best"]["moons"]
    print_table(
        title,
        ("", "median", "95 %", "prior", "best"),
        [
            (
                name,
                f"{number['median']:.3f}",
                "{:.3f} to {:.3f}".format(*number["interval"]),
                "{:g} to {:g}".format(*number["prior"]),
                f"{best[name]:.3f}",
            )
            for name, number in document["posterior"]["numbers"].items()
        ],
    )
    for name, shares in document["posterior"]["choices"].items():
        shown = ", ".join(f"{choice} {100 * share:.0f} %" for choice, share in shares.items())
        print(f"{name.replace('_', ' ')}: {shown} (best: {best[name]})")
    seeds = document["best"]["training_seed"], document["best"]["validation_seed"]
    print("best: drawn from the seeds {} (training) and {} (validation)\n".format(*seeds))


def _print_rows(
    title: str, predictions: "Sequence[Prediction]", within: dict[str, dict[str, int]]
) -> None:
    rows = []
    for row in predictions:
        cells = []
        for k, number in enumerate(row.numbers):
            if number is None:
                cells.append("not stated")
                continue
            shown = [_shown(value, k) for value in (number.published, number.low, number.high)]
            mark = "" if number.within else " !"
            cells.append(f"{shown[0]} ({shown[1]} to {shown[2]}) {number.tail:.2f}{mark}")
        held = "held out" if row.held_out else ""
        rows.append((row.run.id, held, *cells, f"{100 * row.ending:.0f}"))
    print_table(
        f"published rows, predicted {title}: 95 % interval and tail probability",
        ("", "", "training error %", "validation error %", "iteration", "ending %"),
        rows,
    )
    for name, count in within.items():
        print(f"within their intervals, {name.replace('_', ' ')}: {count['within']} of "
              f"{count['rows']} rows")  # fmt: skip
    print()


def _shown(value: float, column: int) -> str:
    """An error in percent, an iteration with its thousands."""
    if column < 2:
        return f"{100 * value:.1f}"
    return "none" if value == math.inf else f"{value:,.0f}"
