"""`chainrule images evaluate`: average precision of each class, by kind of features."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.images_options import (
    BurstsOption,
    CacheOption,
    COption,
    SeedOption,
    SourceOption,
    cache_folder,
    list_skipped,
    listen,
    read_listed,
)
from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, name_column, print_json, progress
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.images.evaluation import Evaluation, EvaluationSettings


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of class folders, VOC tree, or CSV list (file,classes)."),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--features",
            help="cnn, bovw or fisher; may be given several times. Or files that `images features` "
            "wrote, in place of a folder; several are joined.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Judge this class alone; repeatable.")
    ] = None,
    model: SourceOption = "efficientnet-lite0",
    c: COption = 1.0,
    seed: SeedOption = 0,
    bursts: BurstsOption = None,
    cache: CacheOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for table, curves and sheets.")
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a linear SVM against the rest for each class, rank the other half, report precision.

    One row a kind of features and class: average precision as the area under the curve with its
    bootstrap 95 % interval, and over the eleven points of VOC 2007. A collection without a test
    part is split into random halves, which part no near-duplicates.

    Example: chainrule images evaluate photos --features cnn --features bovw --out evaluation
    """
    files = [Path(kind) for kind in kinds or () if kind.endswith(".safetensors")]
    chosen = [kind for kind in dict.fromkeys(kinds or ["cnn"]) if Path(kind) not in files]
    if files and (folder is not None or chosen):
        raise InputError("files of features are given; expected no folder and no kinds beside them")
    if not files and folder is None:
        raise InputError("nothing to evaluate; expected a folder, a list, or files of features")
    # after what can be refused at once: this loads torch
    from chainrule.images.evaluation import EvaluationSettings
    from chainrule.io.files import make_folder

    settings = EvaluationSettings(classes or (), c, seed)
    target = make_folder(out) if out is not None else None
    started = time.monotonic()
    if folder is None:
        result = _of_files(files, settings)
    else:
        result = _of_folder(folder, bursts, chosen, model, settings, cache_folder(cache), on)
    seconds = time.monotonic() - started
    list_skipped(result.skipped)
    if as_json:
        rows = [row.document() for row in result.rows]
        skipped = [asdict(s) for s in result.skipped]
        print_json({"rows": rows, "skipped": skipped, "seconds": seconds})
    else:
        _print(result)
    if target is not None:
        from chainrule.images.drawings import write_evaluation

        write_evaluation(target, result)


def _of_files(files: list[Path], settings: "EvaluationSettings") -> "Evaluation":
    from chainrule.images.evaluation import evaluate_table
    from chainrule.images.feature_file import load_features

    listen()
    return evaluate_table(load_features(files), settings)


def _of_folder(
    folder: Path,
    bursts: float | None,
    kinds: list[str],
    model: str,
    settings: "EvaluationSettings",
    cache: Path,
    on: str | None,
) -> "Evaluation":
    from chainrule.images.evaluation import evaluate as run
    from chainrule.images.networks import load_feature_source

    collection = read_listed(folder, bursts)
    network = load_feature_source(model) if "cnn" in kinds else None
    with progress("evaluate", "pictures") as report, far(on) as executor:
        return run(
            collection, kinds, network, settings, cache=cache, executor=executor, progress=report
        )


def _print(result: "Evaluation") -> None:
    from chainrule.io.names import shown

    kind_width = max(8, *(len(row.features) for row in result.rows))
    title, *names = name_column(["class", *(shown(row.class_name) for row in result.rows)])
    print(
        f"{'features':{kind_width}}  {title}  {'AP':>6}  {'95 % interval':15}  {'11-pt':>6}   +/-"
    )
    for row, name in zip(result.rows, names, strict=True):
        low, high = row.interval
        print(
            f"{row.features:{kind_width}}  {name}  "
            f"{row.average_precision:6.3f}  {low:6.3f} - {high:6.3f}  "
            f"{row.average_precision_11_point:6.3f}   {row.positives}/{row.negatives}"
        )
