"""`chainrule points study`: many runs over a grid of settings."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.keeping import keeps
from chainrule.cli.on import OnOption
from chainrule.cli.output import JsonOption, print_json, print_table, progress
from chainrule.cli.points_data import described, note_data, print_data
from chainrule.cli.points_options import (
    DataOption,
    DataSeedOption,
    Initialization,
    InitializationOption,
    LabelOption,
    ShareOption,
    StandardizeOption,
    numbers,
    output_folder,
    replace_earlier,
)
from chainrule.errors import InputError
from chainrule.io.figures import write_figure

if TYPE_CHECKING:
    from chainrule.points.study import Setting, Summary


def study(
    grid: Annotated[
        str | None,
        typer.Option(help="A named grid: report (the report's own tables) or map (h by rate)."),
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Hidden units, comma-separated (default 7).")
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="Learning rates, comma-separated (default 0.02).")
    ] = None,
    iterations: Annotated[
        str | None, typer.Option(help="Iterations, comma-separated (default 100000).")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Runs of each setting (default: the grid's own, or 3).")
    ] = None,
    data: DataOption = "double-moon",
    label: LabelOption = None,
    validation_share: ShareOption = 0.5,
    standardize: StandardizeOption = None,
    data_seed: DataSeedOption = 0,
    seed: Annotated[int, typer.Option(help="Gives every run its own seed.")] = 0,
    initialization: InitializationOption = Initialization.UNIFORM,
    workers: Annotated[
        int | None, typer.Option(help="Runs at the same time (default: one a core).")
    ] = None,
    on: OnOption = None,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path(
        "runs/points-study"
    ),
    as_json: JsonOption = False,
) -> None:
    """Run a grid of settings, many trials each, on all cores; print and save a table.

    Without a grid the report's own studies run. The table says per setting: the share of runs
    that reach zero training error with its Wilson 95 % interval, the median convergence iteration
    of those, and both final errors (median and range). The numbers are the same for any number of
    workers, here or on a cluster. Writes into --out: settings.csv, runs.csv, study.json, a picture
    (map.png for a whole grid of hidden units and rates, else shares.png), and journal.jsonl: a
    study that was killed goes on from there when the same command runs again.

    Example: chainrule points study --hidden 2,5,7 --learning-rate 0.02,0.2 --trials 20
    """
    from chainrule.executors import open_executor
    from chainrule.points.data import load_dataset
    from chainrule.points.study import run_study

    tables = _tables(grid, hidden, learning_rate, iterations, trials)
    dataset = load_dataset(
        data,
        label=label,
        validation_share=validation_share,
        standardize=standardize,
        seed=data_seed,
    )
    note_data(dataset.training)
    started = time.perf_counter()
    with output_folder(out) as folder:
        journal = folder / "journal.jsonl"
        again = f"the finished runs are in {journal}: the same command goes on from there"
        with (
            keeps(again, journal),
            progress("study", "runs") as show,
            open_executor(on, workers) as executor,
        ):
            summaries = run_study(
                [setting for settings in tables.values() for setting in settings],
                dataset.training,
                dataset.validation,
                seed=seed,
                initialization=initialization.value,
                executor=executor,
                journal=journal,
                progress=show,
            )
        document = {
            **described(dataset.training),
            "settings": [summary.document() for summary in summaries],
        }
        files = _write_study(folder, summaries, document)
    document["seconds"] = time.perf_counter() - started  # in no file: the same run, the same bytes
    if as_json:
        print_json(document)
        return
    print_data(dataset.training)
    print()
    first = 0
    for title, settings in tables.items():
        _print_table(title, summaries[first : first + len(settings)])
        first += len(settings)
    print(f"time     {document['seconds']:.2f} s")
    for file in files:
        print(f"written  {file}")


def _tables(
    name: str | None,
    hidden: str | None,
    learning_rate: str | None,
    iterations: str | None,
    trials: int | None,
) -> "dict[str, list[Setting]]":
    """The tables of the named grid, or one table of every combination of the lists."""
    from chainrule.points.grids import BASE, named_grid
    from chainrule.points.study import grid

    if hidden is None and learning_rate is None and iterations is None:
        return named_grid(name or "report", trials)
    if name is not None:
        raise InputError(
            f"--grid {name}: found --hidden, --learning-rate or --iterations beside it; "
            "expected either a named grid or these lists"
        )
    settings = grid(
        [BASE.hidden] if hidden is None else numbers("--hidden", hidden, int),
        [BASE.learning_rate]
        if learning_rate is None
        else numbers("--learning-rate", learning_rate, float),
        [BASE.iterations] if iterations is None else numbers("--iterations", iterations, int),
        BASE.trials if trials is None else trials,
    )
    return {"settings": list(dict.fromkeys(settings))}


def _write_study(
    folder: Path, summaries: "Sequence[Summary]", document: dict[str, Any]
) -> list[Path]:
    from chainrule.io.files import write_json
    from chainrule.points import figures
    from chainrule.points.files import save_study

    whole_grid = _is_map(summaries)
    picture = folder / ("map.png" if whole_grid else "shares.png")
    files = [folder / "settings.csv", folder / "runs.csv", folder / "study.json", picture]
    save_study(files[0], files[1], summaries)
    write_json(files[2], document)
    replace_earlier(folder, {"map.png", "shares.png"}, files)
    write_figure(picture, (figures.study_map if whole_grid else figures.study_shares)(summaries))
    return files


def _is_map(summaries: "Sequence[Summary]") -> bool:
    """Is there one setting for every pair of at least two hidden units and two rates?"""
    pairs = {(s.setting.hidden, s.setting.learning_rate) for s in summaries}
    hidden, rates = {h for h, _ in pairs}, {rate for _, rate in pairs}
    whole = len(pairs) == len(summaries) == len(hidden) * len(rates)
    return whole and len(hidden) > 1 and len(rates) > 1


def _print_table(title: str, summaries: "Sequence[Summary]") -> None:
    header = (
        "hidden", "rate", "iterations", "trials", "zero error % (95 %)", "converged at",
        "training error %", "validation error %",
    )  # fmt: skip
    rows = []
    for summary in summaries:
        s = summary.document()
        low, high = (100 * share for share in s["zero_share_interval"])
        median = s["converged_at_median"]
        rows.append(
            (
                str(s["hidden"]),
                f"{s['learning_rate']:g}",
                f"{s['iterations']:,}",
                str(s["trials"]),
                f"{100 * s['zero_share']:.0f} ({low:.0f} to {high:.0f})",
                "none" if median is None else f"{median:,.0f}",
                _range(s["train_error"]),
                _range(s["validation_error"]),
            )
        )
    print_table(title, header, rows)
    print()


def _range(errors: dict[str, float]) -> str:
    return "{:.1f} ({:.1f} to {:.1f})".format(
        *(100 * errors[name] for name in ("median", "min", "max"))
    )
