"""What the commands that train share: their options, their output folder, their pictures."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from chainrule.cli.output import progress
from chainrule.errors import InputError


class Initialization(StrEnum):
    """The initial weights that `chainrule.points.training.initial_parameters` draws."""

    UNIFORM = "uniform"
    HE = "he"
    NORMAL = "normal"


DataOption = Annotated[
    str,
    typer.Option(
        help="double-moon, inferred-moons, breast-cancer, or a CSV, NPY, NPZ or Parquet file of "
        "feature columns and a label column."
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
    typer.Option(help="Give each feature mean 0 and variance 1 (default: all but half-moons)."),
]
DataSeedOption = Annotated[
    int, typer.Option(help="The seed that draws the half-moons or the validation points.")
]
InitializationOption = Annotated[
    Initialization,
    typer.Option(help="Initial weights: in [0, 1) as the report's, He's, or N(0, 1)."),
]


_Number = TypeVar("_Number", int, float)


def compile_kernel(features: int) -> None:
    """Before a training's clock starts, and with a word on it."""
    from chainrule.points.training import prepare

    with progress("compiling the kernel", "kernel") as show:
        show(0, 1)
        prepare(features)
        show(1, 1)


def numbers(option: str, text: str, kind: type[_Number]) -> list[_Number]:
    """Parse a comma-separated list. Raises InputError."""
    try:
        return [kind(entry) for entry in text.split(",")]
    except ValueError as error:
        expected = "whole numbers" if kind is int else "numbers"
        raise InputError(
            f"{option}: found {text!r}; expected {expected} separated by commas"
        ) from error


@contextlib.contextmanager
def output_folder(out: Path) -> Iterator[Path]:
    """Make the output folder first, and hold it for this run."""
    from chainrule.io.files import make_folder
    from chainrule.io.lock import only_run

    if not out.name and not out.is_dir():
        raise InputError("--out: found an empty name; expected a folder")
    folder = make_folder(out)
    with only_run(folder, "chainrule"):
        yield folder


def replace_earlier(folder: Path, names: set[str], written: list[Path]) -> None:
    """Remove what an earlier run left under `names` and this one did not write: it is stale."""
    for name in names - {file.name for file in written}:
        (folder / name).unlink(missing_ok=True)
