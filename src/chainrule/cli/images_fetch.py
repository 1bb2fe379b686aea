"""`chainrule images pull` and `fetch`: published weights, and the VOC 2007 data."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import InputError


def pull(
    name: Annotated[str, typer.Argument(help="vgg11, vgg13, vgg16 or vgg19")],
    source: Annotated[
        str, typer.Option(help="torchvision, or hub (the Hugging Face hub).")
    ] = "torchvision",
    mirror: Annotated[
        str | None, typer.Option(help="Address of the weights, in place of the official one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a network's published weights into the cache folder, with resume and checksum.

    Example: chainrule images pull vgg16
    """
    from chainrule.images.published import pull_weights

    with progress(f"pull {name}", "bytes") as report:
        path = pull_weights(name, source=source, mirror=mirror, progress=report)
    _print(path, as_json)


def fetch(
    data_set: Annotated[str, typer.Argument(help="voc2007")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to unpack into.")],
    mirror: Annotated[
        str | None, typer.Option(help="Address of the archives, in place of the official one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the PASCAL VOC 2007 data (900 MB), check it, and unpack it.

    A download that was cut off goes on where it stopped.

    Example: chainrule images fetch voc2007 --out voc
    """
    from chainrule.images.voc import fetch_voc2007

    if data_set != "voc2007":
        raise InputError(f"data set {data_set!r}; expected voc2007")
    with progress("fetch voc2007", "bytes") as report:
        tree = fetch_voc2007(out, mirror=mirror, progress=report)
    _print(tree, as_json)


def _print(path: Path, as_json: bool) -> None:
    if as_json:
        print_json({"path": str(path)})
    else:
        print(path)
