"""`chainrule points`: the two-layer network on points."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

import chainrule
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.points_derivatives import check, derive
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.points.data import Dataset
    from chainrule.points.study import Setting, Summary
    from chainrule.points.training import Run

app = typer.Typer(help="The two-layer network on points: derive, check, train, study.")
app.command("derive")(derive)
app.command("check")(check)

DataOption = Annotated[
    str,
    typer.Option(
        help="double-moon, breast-cancer, or a CSV or NPZ file of feature columns and a label "
        "column with exactly two values."
    ),
]
LabelOption = Annotated[
    str | None,
    typer.Option(help="The file's label column (default: the one called label, or the last)."),
]
ShareOption = Annotated[
    float, typer.Option(help="The share of a file's points that is held out for validation.")
]
StandardizeOption = Annotated[
    bool | None,
    typer.Option(help="Give each feature mean 0 and variance 1 (default: all but double-moon)."),
]
DataSeedOption = Annotated[
    int, typer.Option(help="The seed that draws the half-moons or the validation points.")
]
InitializationOption = Annotated[
    str, typer.Option(help="Initial weights: uniform (in [0, 1), as the report), he, or normal.")
]


@app.command("train")
def train_command(
    data: DataOption = "double-moon",
    label: LabelOption = None,
    validation_share: ShareOption = 0.5,
    standardize: StandardizeOption = None,
    data_seed: DataSeedOption = 0,
    hidden: Annotated[int, typer.Option(help="Hidden units h.")] = 7,
    learning_rate: Annotated[float, typer.Option(help="The step's factor.")] = 0.02,
    iterations: Annotated[int, typer.Option(help="SGD steps, one example each.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Gives the initial weights and the order.")] = 0,
    initialization: InitializationOption = "uniform",
    snapshots: Annotated[
        str | None,
        typer.Option(
            help="Iterations whose boundary is drawn between start and end, comma-separated "
            "(default: 1/1000, 1/100, 1/10 and 1/2 of the run)."
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=0, help="Frames of the animation; 0: none.")] = 40,
    history: Annotated[str, typer.Option(help="The history's format, csv or npz.")] = "csv",
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path(
        "runs/points-train"
    ),
    as_json: JsonOption = False,
) -> None:
    """Train the network with one random example a step, both errors known after each step.

    Writes into --out: the error curves (errors.png), the decision boundary at the start, between
    and at the end (boundary.png) and as an animation (boundary.gif; both for two features only),
    the weights (weights.safetensors), both errors after every iteration (history.csv or .npz).
    The same seed gives the same bits. A run that ends with a training error is told apart: dead
    (no hidden unit active on any training point), plateau (the boundary is still a line, or the
    error has not moved for the last tenth), oscillating.

    Example: chainrule points train --learning-rate 0.2 --seed 3 --out runs/moons
    """
    from chainrule.points.data import load_dataset
    from chainrule.points.training import check_settings, train

    check_settings(hidden, learning_rate, iterations)
    if history not in ("csv", "npz"):
        raise InputError(f"history: found {history!r}; expected csv or npz")
    steps = _snapshots(snapshots, iterations)
    dataset = load_dataset(
        data,
        label=label,
        validation_share=validation_share,
        standardize=standardize,
        seed=data_seed,
    )
    flat = dataset.training.features.shape[1] == 2
    between = {round(iterations * (k / max(frames - 1, 1)) ** 3) for k in range(frames)}
    with _folder(out) as folder:
        with progress("training", "iterations") as show:
            run = train(
                dataset.training,
                dataset.validation,
                hidden=hidden,
                learning_rate=learning_rate,
                iterations=iterations,
                seed=seed,
                initialization=initialization,
                snapshots=sorted({*steps, *between}) if flat else (),
                progress=show,
            )
        settings = {
            "chainrule": chainrule.__version__,
            "data": data,
            "label": label,
            "validation_share": validation_share,
            "data_seed": data_seed,
            "feature_names": list(dataset.training.feature_names),
            "class_names": list(dataset.training.class_names),
            "mean": dataset.mean.tolist(),
            "scale": dataset.scale.tolist(),
            "hidden": hidden,
            "learning_rate": learning_rate,
            "iterations": iterations,
            "seed": seed,
            "initialization": initialization,
        }
        files = _write_run(folder, run, dataset, settings, history, steps if flat else [], between)
    document = {
        "iterations": iterations,
        "final_train_error": run.final_train_error,
        "final_validation_error": run.final_validation_error,
        "converged_at": run.converged_at,
        "state": run.state,
        "seconds": run.seconds,
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(document)
        return
    _print_errors(document)
    print(f"state             {run.state}")
    print(f"time              {run.seconds:.2f} s")
    for file in files:
        print(f"written           {file}")
    if not flat:
        d = dataset.training.features.shape[1]
        print(f"no boundary is drawn: the points have {d} features, and a picture needs 2")


@app.command("history")
def history_command(
    file: Annotated[Path, typer.Argument(help="history.csv or history.npz of a training.")],
    out: Annotated[
        Path | None, typer.Option(help="Draw the error curves into this file (.png or .svg).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the history that `points train` wrote: final errors, convergence, the error curves.

    Example: chainrule points history runs/points-train/history.csv --out errors.svg
    """
    from chainrule.points.files import load_history
    from chainrule.points.training import converged_at

    history = load_history(file)
    document = {
        "iterations": len(history.train_wrong),
        "final_train_error": int(history.train_wrong[-1]) / history.n_train,
        "final_validation_error": int(history.validation_wrong[-1]) / history.n_validation,
        "converged_at": converged_at(history.train_wrong),
    }
    if out is not None:
        from chainrule.points.figures import error_curves

        if out.suffix.lower() not in (".png", ".svg"):
            raise InputError(f"--out {out}: found {out.suffix!r}; expected a .png or .svg file")
        _draw(
            out,
            error_curves(
                history.train_wrong / history.n_train,
                history.validation_wrong / history.n_validation,
            ),
        )
    if as_json:
        print_json(document)
    else:
        _print_errors(document)


@app.command("study")
def study_command(
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
    initialization: InitializationOption = "uniform",
    workers: Annotated[
        int | None, typer.Option(help="Runs at the same time (default: one a core).")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path(
        "runs/points-study"
    ),
    as_json: JsonOption = False,
) -> None:
    """Run a grid of settings, many trials each, on all cores; print and save a table.

    Without a grid the report's own studies run. The table says per setting: the share of runs
    that reach zero training error with its Wilson 95 % interval, the median convergence iteration
    of those, and both final errors (median and range). The numbers are the same for any number of
    workers. Writes into --out: settings.csv, runs.csv, study.json, a picture (map.png for a whole
    grid of hidden units and rates, else shares.png), and journal.jsonl: a study that was killed
    goes on from there when the same command runs again.

    Example: chainrule points study --hidden 2,5,7 --learning-rate 0.02,0.2 --trials 20
    """
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
    started = time.perf_counter()
    with _folder(out) as folder:
        with progress("study", "runs") as show:
            summaries = run_study(
                [setting for settings in tables.values() for setting in settings],
                dataset.training,
                dataset.validation,
                seed=seed,
                initialization=initialization,
                workers=workers,
                journal=folder / "journal.jsonl",
                progress=show,
            )
        document = {
            "settings": [summary.document() for summary in summaries],
            "seconds": time.perf_counter() - started,
        }
        files = _write_study(folder, summaries, document)
    if as_json:
        print_json(document)
        return
    first = 0
    for title, settings in tables.items():
        _print_table(title, summaries[first : first + len(settings)])
        first += len(settings)
    print(f"time     {document['seconds']:.2f} s")
    for file in files:
        print(f"written  {file}")


_Number = TypeVar("_Number", int, float)


def _numbers(option: str, text: str, kind: type[_Number]) -> list[_Number]:
    """Parse a comma-separated list. Raises InputError."""
    try:
        return [kind(entry) for entry in text.split(",")]
    except ValueError as error:
        expected = "whole numbers" if kind is int else "numbers"
        raise InputError(
            f"{option}: found {text!r}; expected {expected} separated by commas"
        ) from error


def _snapshots(given: str | None, iterations: int) -> list[int]:
    """Start, steps between and end, for the pictures of the boundary."""
    if given is None:
        between = [iterations // k for k in (1000, 100, 10, 2)]
    else:
        between = _numbers("--snapshots", given, int)
        for step in between:
            if not 0 <= step <= iterations:
                raise InputError(
                    f"--snapshots: found {step}; expected iterations from 0 to {iterations}"
                )
        if len(set(between)) > 22:
            raise InputError(
                f"--snapshots: found {len(set(between))} iterations; expected at most 22"
            )
    return sorted({0, *between, iterations})


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
        [BASE.hidden] if hidden is None else _numbers("--hidden", hidden, int),
        [BASE.learning_rate]
        if learning_rate is None
        else _numbers("--learning-rate", learning_rate, float),
        [BASE.iterations] if iterations is None else _numbers("--iterations", iterations, int),
        BASE.trials if trials is None else trials,
    )
    return {"settings": list(dict.fromkeys(settings))}


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """Make the output folder first; if the work then fails, don't leave an empty one behind."""
    from chainrule.files import make_folder

    was_there = out.exists()
    folder = make_folder(out)
    try:
        yield folder
    except BaseException:
        if not was_there:
            with contextlib.suppress(OSError):  # a journal or another file is in it: keep it
                folder.rmdir()
        raise


def _write_run(
    folder: Path,
    run: "Run",
    dataset: "Dataset",
    settings: dict[str, Any],
    history: str,
    steps: Sequence[int],
    frames: set[int],
) -> list[Path]:
    """Write the files of a training; `steps` is empty where no boundary can be drawn."""
    from chainrule.files import written_whole
    from chainrule.points import figures
    from chainrule.points.files import History, save_history, save_weights

    files = [folder / f"history.{history}", folder / "weights.safetensors", folder / "errors.png"]
    save_history(
        files[0], History(run.train_wrong, run.validation_wrong, run.n_train, run.n_validation)
    )
    save_weights(files[1], run.parameters, settings)
    _draw(
        files[2],
        figures.error_curves(
            run.train_wrong / run.n_train, run.validation_wrong / run.n_validation
        ),
    )
    if steps:
        files.append(folder / "boundary.png")
        shown = {step: run.snapshots[step] for step in steps}
        _draw(files[-1], figures.decision_boundaries(shown, dataset.training, dataset.validation))
    if steps and frames:
        files.append(folder / "boundary.gif")
        moving = {step: run.snapshots[step] for step in sorted(frames)}
        content = figures.boundary_animation(moving, dataset.training, dataset.validation)
        with written_whole(files[-1]) as temporary:
            temporary.write_bytes(content)
    return files


def _write_study(
    folder: Path, summaries: "Sequence[Summary]", document: dict[str, Any]
) -> list[Path]:
    from chainrule.files import write_json
    from chainrule.points import figures
    from chainrule.points.files import save_study

    whole_grid = _is_map(summaries)
    picture = folder / ("map.png" if whole_grid else "shares.png")
    files = [folder / "settings.csv", folder / "runs.csv", folder / "study.json", picture]
    save_study(files[0], files[1], summaries)
    write_json(files[2], document)
    _draw(picture, (figures.study_map if whole_grid else figures.study_shares)(summaries))
    return files


def _is_map(summaries: "Sequence[Summary]") -> bool:
    """Is there one setting for every pair of at least two hidden units and two rates?"""
    pairs = {(s.setting.hidden, s.setting.learning_rate) for s in summaries}
    hidden, rates = {h for h, _ in pairs}, {rate for _, rate in pairs}
    whole = len(pairs) == len(summaries) == len(hidden) * len(rates)
    return whole and len(hidden) > 1 and len(rates) > 1


def _draw(path: Path, figure: Any) -> None:
    from chainrule.files import written_whole

    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _print_errors(document: dict[str, Any]) -> None:
    converged = document["converged_at"]
    print(f"iterations        {document['iterations']:,}")
    print(f"training error    {100 * document['final_train_error']:.2f} %")
    print(f"validation error  {100 * document['final_validation_error']:.2f} %")
    print(f"converged at      {'none' if converged is None else f'{converged:,}'}")


def _print_table(title: str, summaries: "Sequence[Summary]") -> None:
    header = (
        "hidden", "rate", "iterations", "trials", "zero error % (95 %)", "converged at",
        "training error %", "validation error %",
    )  # fmt: skip
    rows = [header]
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(title)
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    print()


def _range(errors: dict[str, float]) -> str:
    return "{:.1f} ({:.1f} to {:.1f})".format(
        *(100 * errors[name] for name in ("median", "min", "max"))
    )
