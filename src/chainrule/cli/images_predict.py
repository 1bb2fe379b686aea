"""`chainrule images predict`: name pictures with a classifier of one's own."""

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from chainrule.cli.images_options import (
    CacheOption,
    ShardsOption,
    cache_folder,
    listen,
    read_named,
    refuse_if_nothing,
)
from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, progress
from chainrule.errors import InputError

if TYPE_CHECKING:
    from chainrule.images.classifier import Answers, Classifier
    from chainrule.images.listing import Skipped


def predict(
    classifier: Annotated[Path, typer.Argument(help="A file that `images train` wrote.")],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pictures, folders or quoted patterns; addresses (s3://, http://); a text file of "
            "paths and addresses."
        ),
    ] = None,
    features: ShardsOption = None,
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
    unsure: Annotated[
        float | None,
        typer.Option(
            metavar="MARGIN",
            help="Say `unsure` where the best class's probability is less than so much above the "
            "second's.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV file with the answers.")
    ] = None,
    cache: CacheOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name pictures with a classifier of your own: class, probability, file.

    The probabilities are calibrated on pictures that the training held out. Among the classes one
    is always the most probable: --unknown tells pictures that show none of them. The answers are
    told as they come, some thousand pictures after the other.

    Example: chainrule images predict model.safetensors new/*.jpg --unknown --out answers.csv
    """
    from chainrule.images.answers import answer_rows, check_answers_path
    from chainrule.images.classifier import load_classifier
    from chainrule.io.checks import finite_number

    check_answers_path(out)
    if unsure is not None:
        finite_number("--unsure", unsure, 0, 1)
    loaded = load_classifier(classifier)
    if bool(images) == bool(features):
        raise InputError("expected either pictures or files of features")
    if features:
        parts = _of_features(loaded, features)
    else:
        parts = _of_pictures(loaded, images or [], model, cache_folder(cache), on)
    skipped: list[Skipped] = []
    count = 0
    with _output(out, as_json) as told:
        for answers, files, left_out in parts:
            count += len(files)
            skipped += left_out
            if files:
                told.add(answer_rows(answers, files, top, unknown, unsure))
        refuse_if_nothing(count, skipped)
        told.end(skipped)


class _Output:
    """Answers as they come: lines of a CSV file; on standard output lines, or one JSON document."""

    def __init__(self, table: TextIO | None, as_json: bool) -> None:
        self._table, self._as_json, self._first = table, as_json, True

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Some pictures' answers."""
        from chainrule.images.answers import write_answers

        if self._table is not None:
            write_answers(self._table, rows, head=self._first)
        if self._as_json:
            items = json.dumps(rows, indent=2, allow_nan=False)[len("[\n") : -len("\n]")]
            print(
                '{\n  "images": [' if self._first else ",",
                textwrap.indent(items, "  "),
                sep="\n",
                end="",
            )
        else:
            _print(rows)
        self._first = False

    def end(self, skipped: "list[Skipped]") -> None:
        """All have been told, and these were left out."""
        if self._as_json:
            rest = json.dumps([asdict(one) for one in skipped], indent=2)
            print('\n  ],\n  "skipped": ' + textwrap.indent(rest, "  ").lstrip() + "\n}")


@contextmanager
def _output(out: Path | None, as_json: bool) -> Iterator[_Output]:
    from chainrule.io.files import written_whole

    if out is None:
        yield _Output(None, as_json)
        return
    with (
        written_whole(out) as temporary,
        # names that are no text are written as their own bytes
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as table,
    ):
        yield _Output(table, as_json)


def _print(rows: list[dict[str, Any]]) -> None:
    from chainrule.images.classifier import UNKNOWN, UNSURE
    from chainrule.io.names import shown

    for row in rows:
        named = ", ".join(
            f"{shown(guess['class'])} {guess['probability']:.3f}" for guess in row["best"]
        )
        is_open = row["class"] in (UNKNOWN, UNSURE)
        label = f"{row['class']} ({named})" if is_open else named
        print(f"{label}  {shown(row['file'])}")


Part = tuple["Answers", list[Path], list["Skipped"]]


def _of_pictures(
    loaded: "Classifier", images: list[str], model: str, cache: Path, on: str | None
) -> Iterator[Part]:
    from chainrule.images.classifier import load_networks, predict_in_parts

    files, left_out = read_named(images, addresses=True)
    networks = load_networks(loaded, model)
    with progress("predict", "pictures") as report, far(on) as executor:
        for answers, kept, skipped in predict_in_parts(
            loaded, networks, files, cache=cache, executor=executor, progress=report
        ):
            yield answers, kept, [*left_out, *skipped]
            left_out = []


def _of_features(loaded: "Classifier", paths: list[Path]) -> Iterator[Part]:
    from chainrule.images.classifier import check_networks
    from chainrule.images.feature_file import load_features
    from chainrule.images.sharded import feature_files

    listen()
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    for together in [paths] if folder is None else [[file] for file in feature_files(folder)]:
        table = load_features(together)
        check_networks(loaded, table.networks, table.network_keys)
        yield loaded.answers(table.values), list(table.collection.files), []
