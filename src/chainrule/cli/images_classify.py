"""`chainrule images classify`: what photographs show, by a pretrained network."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.images_options import (
    ModelOption,
    PicturesArgument,
    read_named,
    refuse_if_nothing,
)
from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import InputError


def classify(
    images: PicturesArgument,
    model: ModelOption = "efficientnet-lite0",
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 5,
    explain: Annotated[bool, typer.Option(help="Draw which pixels decided (needs --out).")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for one PNG picture each.")
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name what photographs show: the best classes with their probabilities.

    With --out, a picture each: the photograph beside its bars; with --explain also the derivative
    of the best class's score by every pixel, and Grad-CAM. Pictures that cannot be read are listed
    on standard error and left out, as are chainrule's own drawings.

    Example: chainrule images classify pepper.jpg --explain --out named
    """
    if explain and out is None:
        raise InputError("`--explain` draws pictures; expected `--out FOLDER` for them")
    files, left_out = read_named(images, addresses=out is None)
    # after what can be refused at once: these load torch
    from chainrule.images.classification import classify_files
    from chainrule.images.networks import load_network
    from chainrule.io.files import make_folder
    from chainrule.io.names import shown

    network = load_network(model)
    paths = {}
    if out is not None:
        from chainrule.images.drawings import drawing_paths

        paths = dict(zip(files, drawing_paths(make_folder(out), files), strict=True))
    with progress("classify", "pictures") as report, far(on) as executor:
        result = classify_files(files, network, top=top, executor=executor, progress=report)
    skipped = [*left_out, *result.skipped]
    refuse_if_nothing(len(result.files), skipped)
    if as_json:
        print_json(
            {
                "model": network.name,
                "images": [
                    {"file": str(file), "classes": [asdict(c) for c in best]}
                    for file, best in zip(result.files, result.best, strict=True)
                ],
                "skipped": [asdict(s) for s in skipped],
            }
        )
    else:
        for file, best in zip(result.files, result.best, strict=True):
            print(shown(file))
            for guess in best:
                print(f"  {guess.probability:6.3f}  {guess.name}")
    if out is not None:
        from chainrule.images.drawings import write_classified

        with progress("draw", "pictures") as report:
            for done, (file, best) in enumerate(zip(result.files, result.best, strict=True), 1):
                write_classified(paths[file], file, network, best, explained=explain)
                report(done, len(result.files))
