"""Options and outputs that the commands of `chainrule images` share."""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.errors import FileError

if TYPE_CHECKING:
    from chainrule.images.collection import Collection
    from chainrule.images.listing import Skipped
    from chainrule.images.network import FeatureSource

ModelOption = Annotated[
    str,
    typer.Option(
        help="efficientnet-lite0, a MatConvNet .mat file, or a network that `images pull` fetched."
    ),
]
SourceOption = Annotated[
    str, typer.Option(help="As for `images classify`, or timm:NAME (needs the extra `timm`).")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(help="Folder for computed features; ~/.cache/chainrule by default."),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of every random choice.")]
COption = Annotated[float, typer.Option("--C", help="The SVM's cost of an error.")]
FolderArgument = Annotated[
    Path, typer.Argument(help="Folder of class folders, VOC tree, or CSV list (file,classes).")
]
PicturesArgument = Annotated[
    list[str],
    typer.Argument(
        help="Pictures, folders or quoted patterns; addresses (s3://, http://); a text file of "
        "paths and addresses."
    ),
]
FeaturesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--features",
        metavar="FILE",
        help="Features that `images features` wrote, in place of pictures; several are joined.",
    ),
]
BurstsOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Pictures taken within so many seconds of each other (by their EXIF data) stay on one "
        "side of every split.",
    ),
]


ShardsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--features",
        metavar="FILE",
        help="Features that `images features` wrote, in place of pictures; several are joined. Or "
        "the folder of `images features --shard`: a file of it is in memory at a time.",
    ),
]


def cache_folder(folder: Path | None) -> Path:
    """The folder given, or the user's own."""
    from chainrule.images.store import default_cache_folder

    return folder if folder is not None else default_cache_folder()


def load_sources(names: Sequence[str]) -> "list[FeatureSource]":
    """The networks called so."""
    from chainrule.images.networks import load_feature_source

    return [load_feature_source(name) for name in names]


def read_listed(
    folder: Path, bursts: float | None = None, *, classes_needed: bool = True
) -> "Collection":
    """The collection, with progress while its files are listed."""
    from chainrule.cli.output import progress
    from chainrule.images.bursts import with_bursts
    from chainrule.images.collection import read_collection

    listen()
    with progress("listing", "files") as report:
        collection = read_collection(folder, report, classes_needed=classes_needed)
    return with_bursts(collection, bursts) if bursts is not None else collection


def read_named(
    arguments: Sequence[str], *, addresses: bool = False
) -> "tuple[list[Path], list[Skipped]]":
    """The pictures that the arguments name, with progress while folders are listed."""
    from chainrule.cli.output import progress
    from chainrule.images.listing import named_pictures

    listen()
    with progress("listing", "files") as report:
        return named_pictures(arguments, report, addresses=addresses)


def listen() -> None:
    """Say chainrule's warnings in a sentence, and leave out what Pillow says of odd files."""
    from chainrule.images.store import CacheWarning

    def say(message: Warning | str, category: type[Warning], *_: Any) -> None:
        if issubclass(category, CacheWarning) and sys.stderr is not None:
            print(f"chainrule: {message}", file=sys.stderr)

    warnings.showwarning = say  # type: ignore[assignment]


def refuse_if_nothing(count: int, skipped: "Sequence[Skipped]") -> None:
    """Raise FileError if no picture is left; else list what was skipped."""
    if count == 0:
        raise FileError(skipped[0].reason if skipped else "no picture; expected at least one")
    list_skipped(skipped)


def list_skipped(skipped: "Sequence[Skipped]") -> None:
    """What was left out and why, on standard error."""
    from chainrule.io.names import shown

    for entry in skipped:
        named = entry.file in entry.reason or shown(entry.file) in entry.reason
        where = "" if named else f"{shown(entry.file)}: "
        say(f"skipped: {where}{entry.reason}")


def say(line: str) -> None:
    """A line on standard error, if there is one."""
    if sys.stderr is not None:
        print(line, file=sys.stderr)


def percent(share: float | None) -> str:
    """12.34 %, or a dash where there is nothing to take a share of."""
    return "-" if share is None else f"{share:.2%}".replace("%", " %")
