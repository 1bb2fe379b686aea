"""`chainrule images train` and `test`: a classifier of one's own, and how right it is."""

import time
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.images_options import (
    BurstsOption,
    CacheOption,
    COption,
    FolderArgument,
    SeedOption,
    ShardsOption,
    SourceOption,
    cache_folder,
    list_skipped,
    listen,
    load_sources,
    percent,
    read_listed,
    say,
)
from chainrule.cli.output import JsonOption, name_column, print_json, progress
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.images.judgement import Judgement
    from chainrule.images.training import Training, TrainingSettings

_COUNTED = 20  # classes whose confusion matrix fits into text


class ClassWeight(StrEnum):
    """What an error costs."""

    NONE = "none"
    BALANCED = "balanced"


def train(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of class folders, VOC tree, or CSV list (file,classes)."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .safetensors file to write.")],
    features: ShardsOption = None,
    model: SourceOption = "efficientnet-lite0",
    c: COption = 1.0,
    class_weight: Annotated[
        ClassWeight,
        typer.Option(help="balanced: an error costs the more, the fewer pictures its class has."),
    ] = ClassWeight.NONE,
    seed: SeedOption = 0,
    bursts: BurstsOption = None,
    cache: CacheOption = None,
    sheets: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the confusion matrix, contact sheets, and the list of pictures whose "
            "label is probably wrong.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a classifier of a folder of class folders, and say how often it is wrong.

    Pictures of a test part (folders `train` and `test`, or a list's column `split`) are held out,
    and their error is what is printed first. The error of the others is that of cross-validation,
    which parts no near-duplicates. Probabilities are calibrated on it, and so is the threshold
    below which `images predict --unknown` says that a picture is none of the classes.

    With --features FOLDER, of any number of pictures, the planes are found by stochastic gradient
    descent, a file of features after the other, and judged on a random part that was held out.

    Example: chainrule images train photos --out model.safetensors --sheets sheets
    """
    if (folder is None) == (not features):
        raise InputError("expected either a folder (or a list) or files of features")
    from chainrule.images.classifier import save_classifier
    from chainrule.images.feature_file import check_writable
    from chainrule.images.training import TrainingSettings
    from chainrule.io.files import make_folder

    check_writable(out)
    settings = TrainingSettings(c, seed, class_weight is ClassWeight.BALANCED)
    target = make_folder(sheets) if sheets is not None else None
    started = time.monotonic()
    training = _trained(folder, features, model, bursts, settings, cache_folder(cache))
    seconds = time.monotonic() - started
    document = training.document()
    save_classifier(out, training.classifier, document)
    list_skipped(training.skipped)
    for note in training.notes:
        say(f"chainrule: {note}")
    if as_json:
        print_json({**document, "seconds": seconds, "file": str(out)})
    else:
        _print(training, seconds, out)
    if target is not None:
        from chainrule.images.drawings import write_sheets

        write_sheets(target, training.held_out)


def judge_classifier(
    classifier: Annotated[Path, typer.Argument(help="A file that `images train` wrote.")],
    folder: FolderArgument,
    cache: CacheOption = None,
    sheets: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the confusion matrix and contact sheets."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a classifier on pictures that it was not trained on.

    Error, recall and average precision of each class, confusion matrix. Of a collection with parts
    the test part is taken.

    Example: chainrule images test model.safetensors other-photos
    """
    from chainrule.images.classifier import load_classifier, load_networks
    from chainrule.images.testing import judge
    from chainrule.io.files import make_folder

    loaded = load_classifier(classifier)
    target = make_folder(sheets) if sheets is not None else None
    collection = read_listed(folder)
    networks = load_networks(loaded)
    with progress("test", "pictures") as report:
        judgement, skipped = judge(
            loaded, networks, collection, cache=cache_folder(cache), progress=report
        )
    list_skipped(skipped)
    precisions = dict(zip(judgement.classes, judgement.average_precisions(), strict=True))
    if as_json:
        print_json(
            {
                **judgement.document(),
                "average_precision": precisions,
                "skipped": [asdict(s) for s in skipped],
            }
        )
    else:
        print(f"error on {len(judgement.files):,} pictures: {percent(judgement.error)}")
        _print_judgement(judgement, precisions)
    if target is not None:
        from chainrule.images.drawings import write_sheets

        write_sheets(target, judgement)


def _trained(
    folder: Path | None,
    features: list[Path] | None,
    model: str,
    bursts: float | None,
    settings: "TrainingSettings",
    cache: Path,
) -> "Training":
    from chainrule.images.training import train_classifier, train_on_features

    if folder is None:
        from chainrule.images.feature_file import load_features

        listen()
        given = features or []
        if len(given) == 1 and given[0].is_dir():
            from chainrule.images.streamed_training import train_streamed

            with progress("train", "files") as report:
                return train_streamed(given[0], settings, progress=report)
        table = load_features(given)
        return train_on_features(
            table.collection, table.values, table.networks, table.network_keys, settings
        )
    collection = read_listed(folder, bursts)
    with progress("train", "pictures") as report:
        return train_classifier(
            collection, load_sources([model]), settings, cache=cache, progress=report
        )


def _print(training: "Training", seconds: float, out: Path) -> None:
    from chainrule.io.names import shown

    held_out, test = training.held_out, training.test
    if test is not None:
        print(f"error on the test part, {len(test.files):,} pictures: {percent(test.error)}")
    of = f"{len(held_out.files):,} pictures of {len(held_out.classes)} classes"
    if training.folds > 1:
        print(f"{of} in {seconds:.1f} s: {shown(out)}")
        print(f"error in {training.folds}-fold cross-validation: {percent(held_out.error)}")
    else:
        print(f"trained in {seconds:.1f} s: {shown(out)}")
        print(f"error on {of} that were held out: {percent(held_out.error)}")
    if training.together:
        print(f"groups of near-duplicates, which no split parts: {len(training.together)}")
    _print_judgement(test or held_out, {})
    print("probability of the answer: pictures, mean probability, share that is right")
    for row in training.reliability:
        print(
            f"  {row.low:4.2f} to {row.high:4.2f}  {row.pictures:6,}  "
            f"{percent(row.mean_probability):>8}  {percent(row.right):>8}"
        )
    unknown = training.unknown
    print(
        f"--unknown refuses {percent(unknown.own_refused)} of pictures of these classes, and "
        f"{percent(unknown.others_refused)} of a class that was left out"
    )


def _print_judgement(judgement: "Judgement", precisions: dict[str, float]) -> None:
    from chainrule.io.names import shown

    names = [shown(name) for name in judgement.classes]
    confusion = judgement.confusion
    few = len(names) <= _COUNTED
    print("recall of each class" + (", its average precision" if precisions else "")
          + ("; how often it was taken for each class, in their order" if few else
             "; what it was taken for most"))  # fmt: skip
    for c, name in enumerate(name_column(names)):
        precision = f"  {precisions[judgement.classes[c]]:5.3f}" if precisions else ""
        if few:
            rest = " ".join(f"{n:5}" for n in confusion[c])
        else:
            others = confusion[c].copy()
            others[c] = 0
            most = int(others.argmax())
            rest = f"{names[most]} ({others[most]})" if others[most] else ""
        print(f"  {name}  {percent(judgement.recall[c]):>8}{precision}  {rest}".rstrip())
