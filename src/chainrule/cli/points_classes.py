"""`chainrule points train` on more than two classes: one network a class."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import print_json, progress
from chainrule.cli.points_data import described, print_data
from chainrule.cli.points_options import compile_kernel, output_folder
from chainrule.errors import InputError
from chainrule.io.figures import write_figure

if TYPE_CHECKING:
    from chainrule.points.class_model import ClassEvaluation
    from chainrule.points.classes import ClassDataset, ClassRun

_LOOKS = 100  # errors of all networks together, for the curves


def train_one_a_class(
    dataset: "ClassDataset",
    settings: dict[str, Any],
    steps: list[int],
    history: str,
    out: Path,
    as_json: bool,
) -> None:
    """Train, write all files into `out`, and print what came of it.

    settings: as they go with the weights; steps: iterations whose boundary is drawn.
    """
    from chainrule.points.files import weights_digest

    if settings["trial"] is not None:
        raise InputError("--trial: expected none, as a study's trials have two classes")
    with output_folder(out) as folder:
        run = _train(dataset, settings, steps)
        files = _write(folder, run, dataset, settings, steps, history)
    evaluation = evaluation_of(run, dataset)
    recalls = recalls_of(evaluation)
    document = {
        **described(dataset.training),
        "iterations": settings["iterations"],
        "final_train_error": float(run.train_error[-1]),
        "final_validation_error": float(run.validation_error[-1]),
        "converged_at": run.converged_at,
        "state": run.state,
        "networks": {
            name: {"state": one.state, "converged_at": one.converged_at, "recall": recall}
            for (name, recall), one in zip(recalls.items(), run.runs, strict=True)
        },
        "confusion": evaluation.document()["confusion"],
        "weights_digest": weights_digest(run.parameters),
        "seconds": run.seconds,
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(document)
        return
    print_data(dataset.training)
    converged = run.converged_at
    print(f"iterations        {settings['iterations']:,} for each of {len(recalls)} networks")
    print(f"training error    {100 * run.train_error[-1]:.2f} %")
    print(f"validation error  {100 * run.validation_error[-1]:.2f} %")
    print(f"converged at      {'none' if converged is None else f'{converged:,}'}")
    for (name, recall), one in zip(recalls.items(), run.runs, strict=True):
        print(f"class {name}: {100 * recall:.1f} % of its validation points right; {one.state}")
    print(f"weights' digest   {document['weights_digest']}")
    print(f"time              {run.seconds:.2f} s")
    for file in files:
        print(f"written           {file}")


def evaluation_of(run: "ClassRun", dataset: "ClassDataset") -> "ClassEvaluation":
    """The networks on the validation points."""
    from chainrule.points.class_model import ClassEvaluation, ClassPrediction
    from chainrule.points.classes import outputs_of

    points = dataset.validation
    outputs = outputs_of(points.features, run.parameters)
    return ClassEvaluation(ClassPrediction(points.class_names, outputs), points.classes)


def recalls_of(evaluation: "ClassEvaluation") -> dict[str, float]:
    """The share of each class's points that are found to be of it."""
    confusion = evaluation.document()["confusion"]
    return {name: row[name] / max(sum(row.values()), 1) for name, row in confusion.items()}


def _train(dataset: "ClassDataset", settings: dict[str, Any], steps: list[int]) -> "ClassRun":
    from chainrule.points.classes import train_classes

    iterations = settings["iterations"]
    looks = {round(iterations * k / _LOOKS) for k in range(_LOOKS + 1)}
    chosen = ("hidden", "learning_rate", "seed", "initialization")
    given = {name: settings[name] for name in chosen}
    compile_kernel(dataset.training.features.shape[1])
    with progress("training", "iterations") as show:
        return train_classes(
            dataset, iterations=iterations, looks=sorted({*looks, *steps}), progress=show, **given
        )


def _write(
    folder: Path,
    run: "ClassRun",
    dataset: "ClassDataset",
    settings: dict[str, Any],
    steps: list[int],
    history: str,
) -> list[Path]:
    from chainrule.points.class_figures import class_errors, class_regions
    from chainrule.points.files import History, save_history, save_weights

    files = [folder / "weights.safetensors", folder / "errors.png"]
    save_weights(files[0], run.parameters, settings)
    write_figure(files[1], class_errors(run))
    for number, one in enumerate(run.runs, 1):
        files.append(folder / f"history-{number}.{history}")
        save_history(
            files[-1],
            History(one.train_wrong, one.validation_wrong, one.n_train, one.n_validation),
        )
    if dataset.training.features.shape[1] == 2:
        files.append(folder / "boundary.png")
        regions = class_regions({t: run.at(t) for t in steps}, dataset.training, dataset.validation)
        write_figure(files[-1], regions)
    _remove_earlier(folder, files)
    return files


def _remove_earlier(folder: Path, written: list[Path]) -> None:
    """What an earlier training left and this one did not write is stale."""
    names = ("history.csv", "history.npz", "boundary.png", "boundary.gif")
    stale = {folder / name for name in names} | set(folder.glob("history-*.*"))
    for path in stale - set(written):
        path.unlink(missing_ok=True)
