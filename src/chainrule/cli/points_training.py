"""`chainrule points train` and `history`: one network."""

import functools
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainrule
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.points_classes import train_one_a_class
from chainrule.cli.points_data import described, note_data, print_data
from chainrule.cli.points_options import (
    DataOption,
    DataSeedOption,
    Initialization,
    InitializationOption,
    LabelOption,
    ShareOption,
    StandardizeOption,
    compile_kernel,
    numbers,
    output_folder,
    replace_earlier,
)
from chainrule.errors import InputError
from chainrule.io.figures import write_figure

if TYPE_CHECKING:
    from chainrule.points.data import Dataset
    from chainrule.points.training import Run


_FILES = {
    "history.csv",
    "history.npz",
    "weights.safetensors",
    "errors.png",
    "boundary.png",
    "boundary.gif",
}


class HistoryFormat(StrEnum):
    """What a history can be written as."""

    CSV = "csv"
    NPZ = "npz"


def train(
    data: DataOption = "double-moon",
    label: LabelOption = None,
    validation_share: ShareOption = 0.5,
    standardize: StandardizeOption = None,
    data_seed: DataSeedOption = 0,
    hidden: Annotated[int, typer.Option(help="Hidden units h.")] = 7,
    learning_rate: Annotated[float, typer.Option(help="The step's factor.")] = 0.02,
    iterations: Annotated[int, typer.Option(help="SGD steps, one example each.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Gives the initial weights and the order.")] = 0,
    trial: Annotated[
        int | None,
        typer.Option(min=0, help="Start as this trial of `points study` with the same seed."),
    ] = None,
    initialization: InitializationOption = Initialization.UNIFORM,
    snapshots: Annotated[
        str | None,
        typer.Option(
            help="Iterations whose boundary is drawn between start and end, comma-separated "
            "(default: 1/1000, 1/100, 1/10 and 1/2 of the run)."
        ),
    ] = None,
    frames: Annotated[
        int, typer.Option(min=0, max=1000, help="Frames of the animation; 0: none.")
    ] = 40,
    history: Annotated[HistoryFormat, typer.Option(help="The history's format.")] = (
        HistoryFormat.CSV
    ),
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

    Of more than two classes each has a network of its own that tells it from the others, and the
    one with the largest output wins; --out then has a history for each, in the classes' order.

    Example: chainrule points train --learning-rate 0.2 --seed 3 --out runs/moons
    """
    from chainrule.points.classes import ClassDataset, load_classes
    from chainrule.points.files import weights_digest
    from chainrule.points.training import check_settings

    check_settings(hidden, learning_rate, iterations)
    steps = _snapshots(snapshots, iterations)
    dataset = load_classes(
        data,
        label=label,
        validation_share=validation_share,
        standardize=standardize,
        seed=data_seed,
    )
    note_data(dataset.training)
    settings = {
        "chainrule": chainrule.__version__,
        "data": data,
        "label": label,
        "validation_share": validation_share,
        "data_seed": data_seed,
        "label_name": dataset.training.label_name,
        "feature_names": list(dataset.training.feature_names),
        "class_names": list(dataset.training.class_names),
        "mean": dataset.mean.tolist(),
        "scale": dataset.scale.tolist(),
        "hidden": hidden,
        "learning_rate": learning_rate,
        "iterations": iterations,
        "seed": seed,
        "trial": trial,
        "initialization": initialization.value,
    }
    if isinstance(dataset, ClassDataset):
        train_one_a_class(dataset, settings, steps, history.value, out, as_json)
        return
    with output_folder(out) as folder:
        run, files = _train_into(folder, dataset, settings, steps, frames, history)
    document = {
        **described(dataset.training),
        "iterations": iterations,
        "final_train_error": run.final_train_error,
        "final_validation_error": run.final_validation_error,
        "converged_at": run.converged_at,
        "state": run.state,
        "weights_digest": weights_digest(run.parameters),
        "seconds": run.seconds,
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(document)
        return
    _print_run(dataset, document)


def _print_run(dataset: "Dataset", document: dict[str, Any]) -> None:
    print_data(dataset.training)
    _print_errors(document)
    print(f"state             {document['state']}")
    print(f"weights' digest   {document['weights_digest']}")
    print(f"time              {document['seconds']:.2f} s")
    for file in document["files"]:
        print(f"written           {file}")
    d = dataset.training.features.shape[1]
    if d != 2:
        print(f"no boundary is drawn: the points have {d} features, and a picture needs 2")


def _train_into(
    folder: Path,
    dataset: "Dataset",
    settings: dict[str, Any],
    steps: list[int],
    frames: int,
    history: HistoryFormat,
) -> "tuple[Run, list[Path]]":
    """Train, write everything into the folder, and give the run and the files."""
    import numpy as np

    from chainrule.io.checks import seed_number
    from chainrule.points.training import train

    iterations = settings["iterations"]
    key = () if settings["trial"] is None else (settings["trial"],)
    seed = np.random.SeedSequence(seed_number(settings["seed"]), spawn_key=key)
    flat = dataset.training.features.shape[1] == 2
    # dense at the start, where most of the movement is
    frame_steps = {round(iterations * (1 - k / max(frames - 1, 1)) ** 3) for k in range(frames)}
    chosen = ("hidden", "learning_rate", "initialization")
    run_on_data = functools.partial(
        train,
        dataset.training,
        dataset.validation,
        seed=seed,
        **{name: settings[name] for name in chosen},
    )
    compile_kernel(dataset.training.features.shape[1])
    with progress("training", "iterations") as show:
        run = run_on_data(
            iterations=iterations,
            snapshots=sorted({*steps, *frame_steps}) if flat else (),
            progress=show,
        )
    # first what can still fail: weights just below an overflow give no picture
    pictures = _write_boundaries(folder, run, dataset, steps, frame_steps) if flat else []
    files = [*_write_run(folder, run, settings, history), *pictures]
    of_classes = {path.name for path in folder.glob("history-*.*")}
    replace_earlier(folder, _FILES | of_classes, files)
    return run, files


def history(
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

    read = load_history(file)
    train_error = read.train_wrong / read.n_train
    validation_error = read.validation_wrong / read.n_validation
    document = {
        "iterations": len(read.train_wrong),
        "final_train_error": float(train_error[-1]),
        "final_validation_error": float(validation_error[-1]),
        "converged_at": converged_at(read.train_wrong),
    }
    if out is not None:
        from chainrule.points.figures import error_curves

        write_figure(out, error_curves(train_error, validation_error))
    if as_json:
        print_json(document)
    else:
        _print_errors(document)


def _snapshots(given: str | None, iterations: int) -> list[int]:
    """Start, steps between and end, for the pictures of the boundary."""
    if given is None:
        between = [iterations // k for k in (1000, 100, 10, 2)]
    else:
        between = numbers("--snapshots", given, int)
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


def _write_run(
    folder: Path, run: "Run", settings: dict[str, Any], history: HistoryFormat
) -> list[Path]:
    """Write what every training gives: its history, its weights, its error curves."""
    from chainrule.points.figures import error_curves
    from chainrule.points.files import History, save_history, save_weights

    files = [folder / f"history.{history}", folder / "weights.safetensors", folder / "errors.png"]
    save_history(
        files[0], History(run.train_wrong, run.validation_wrong, run.n_train, run.n_validation)
    )
    save_weights(files[1], run.parameters, settings)
    curves = run.train_wrong / run.n_train, run.validation_wrong / run.n_validation
    write_figure(files[2], error_curves(*curves))
    return files


def _write_boundaries(
    folder: Path, run: "Run", dataset: "Dataset", steps: Collection[int], frames: Collection[int]
) -> list[Path]:
    """Draw the boundary after each of `steps`, and let it move through `frames`."""
    from chainrule.io.files import written_whole
    from chainrule.points.figures import boundary_animation, decision_boundaries

    points = dataset.training, dataset.validation
    files = [folder / "boundary.png"]
    write_figure(files[0], decision_boundaries({t: run.snapshots[t] for t in steps}, *points))
    if frames:
        files.append(folder / "boundary.gif")
        shown = {t: run.snapshots[t] for t in sorted(frames)}
        with progress("drawing", "frames") as show:
            content = boundary_animation(shown, *points, progress=show)
        with written_whole(files[1]) as temporary:
            temporary.write_bytes(content)
    return files


def _print_errors(document: dict[str, Any]) -> None:
    converged = document["converged_at"]
    print(f"iterations        {document['iterations']:,}")
    print(f"training error    {100 * document['final_train_error']:.2f} %")
    print(f"validation error  {100 * document['final_validation_error']:.2f} %")
    print(f"converged at      {'none' if converged is None else f'{converged:,}'}")
