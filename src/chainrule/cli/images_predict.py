"""`chainrule images predict`: name pictures with a classifier of one's own."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.images_options import (
    CacheOption,
    FeaturesOption,
    cache_folder,
    listen,
    read_named,
    refuse_if_nothing,
)
from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.images.classifier import Answers, Classifier
    from chainrule.images.listing import Skipped


def predict(
    classifier: Annotated[Path, typer.Argument(help="A file that `images train` wrote.")],
    images: Annotated[
        list[str] | None, typer.Argument(help="Pictures, folders or quoted patterns.")
    ] = None,
    features: FeaturesOption = None,
    model: Annotated[
        str, typer.Option(help="Where the classifier's network is now, if not under its old name.")
    ] = "",
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 1,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown",
            help="Say `unknown` where a picture is less like those of the training than 98 % of "
            "them are.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV file with the answers.")
    ] = None,
    cache: CacheOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name pictures with a classifier of your own: class, probability, file.

    The probabilities are calibrated on pictures that the training held out. Among the classes one
    is always the most probable: --unknown tells pictures that show none of them.

    Example: chainrule images predict model.safetensors new/*.jpg --unknown --out answers.csv
    """
    from chainrule.images.answers import answer_rows, answers_csv, check_answers_path
    from chainrule.images.classifier import load_classifier
    from chainrule.io.files import write_text
    from chainrule.io.names import shown

    check_answers_path(out)
    loaded = load_classifier(classifier)
    if bool(images) == bool(features):
        raise InputError("expected either pictures or files of features")
    if features:
        answers, files, skipped = _of_features(loaded, features)
    else:
        answers, files, skipped = _of_pictures(loaded, images or [], model, cache_folder(cache), on)
    refuse_if_nothing(len(files), skipped)
    rows = answer_rows(answers, files, top, unknown)
    if out is not None:
        write_text(out, answers_csv(rows))
    if as_json:
        print_json({"images": rows, "skipped": [asdict(s) for s in skipped]})
        return
    for row in rows:
        named = ", ".join(
            f"{shown(guess['class'])} {guess['probability']:.3f}" for guess in row["best"]
        )
        label = named if row["class"] != "unknown" else f"unknown ({named})"
        print(f"{label}  {shown(row['file'])}")


def _of_pictures(
    loaded: "Classifier", images: list[str], model: str, cache: Path, on: str | None
) -> "tuple[Answers, list[Path], list[Skipped]]":
    from chainrule.images.classifier import load_networks
    from chainrule.images.classifier import predict as run

    files, left_out = read_named(images)
    networks = load_networks(loaded, model)
    with progress("predict", "pictures") as report, far(on) as executor:
        answers, kept, skipped = run(
            loaded, networks, files, cache=cache, executor=executor, progress=report
        )
    return answers, [files[i] for i in kept], [*left_out, *skipped]


def _of_features(
    loaded: "Classifier", paths: list[Path]
) -> "tuple[Answers, list[Path], list[Skipped]]":
    from chainrule.images.classifier import check_networks
    from chainrule.images.feature_file import load_features

    listen()
    table = load_features(paths)
    check_networks(loaded, table.networks, table.network_keys)
    return loaded.answers(table.values), list(table.collection.files), []
