"""`chainrule images similar` and `clean`: pictures that are alike, and pictures to look at."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.images_options import (
    CacheOption,
    FeaturesOption,
    FolderArgument,
    SourceOption,
    cache_folder,
    list_skipped,
    listen,
    load_sources,
    read_listed,
    read_named,
)
from chainrule.cli.output import JsonOption, print_json, progress


def similar(
    image: Annotated[Path, typer.Argument(help="The picture to find others like.")],
    images: Annotated[
        list[str] | None, typer.Argument(help="Where to look: pictures, folders, patterns.")
    ] = None,
    features: FeaturesOption = None,
    model: SourceOption = "efficientnet-lite0",
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the pictures that are most like one, by the cosine of their features.

    Example: chainrule images similar cat.jpg photos --top 5
    """
    from chainrule.images.similar import look_in_features, look_in_pictures, nearest
    from chainrule.io.names import shown
    from chainrule.io.pictures import open_picture

    listen()
    open_picture(image)  # what cannot be looked for is said before thousands are looked at
    if features:
        table = look_in_features(features, model)
        skipped = []
    else:
        files, left_out = read_named(images or ["."])
        with progress("similar", "pictures") as report:
            table, unread = look_in_pictures(
                files, load_sources([model])[0], cache_folder(cache), report
            )
        skipped = [*left_out, *unread]
    found = nearest(image, table, load_sources([model])[0], top)
    list_skipped(skipped)
    if as_json:
        print_json(
            {
                "file": str(image),
                "similar": [{"file": str(file), "cosine": cosine} for file, cosine in found],
                "skipped": [asdict(s) for s in skipped],
            }
        )
        return
    for file, cosine in found:
        print(f"{cosine:6.3f}  {shown(file)}")


def clean(
    folder: FolderArgument,
    model: SourceOption = "efficientnet-lite0",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the lists as CSV and JSON, and a sheet."),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is wrong with a collection: probable wrong labels, duplicates, unreadable files.

    Nothing is moved or changed. A label is suspected where a classifier that has not seen the
    picture takes it for another class; the surest come first.

    Example: chainrule images clean photos --out found
    """
    from chainrule.images.cleaning import examine
    from chainrule.io.files import make_folder, write_json
    from chainrule.io.names import shown

    target = make_folder(out) if out is not None else None
    collection = read_listed(folder)
    with progress("clean", "pictures") as report:
        found = examine(
            collection, load_sources([model])[0], cache=cache_folder(cache), progress=report
        )
    if as_json:
        print_json(found.document())
    else:
        print(f"probably wrong labels: {len(found.suspects)}")
        for entry in found.suspects:
            print(f"  {shown(entry.file)}: {shown(entry.label)}, rather {shown(entry.answer)}")
        print(f"the same picture more than once: {len(found.duplicates)} groups")
        for files in found.duplicates:
            print("  " + ", ".join(map(shown, files)))
        print(f"left out: {len(found.skipped)}")
        for skipped in found.skipped:
            print(f"  {shown(skipped.file)}: {skipped.reason}")
    if target is not None:
        from chainrule.images.drawings import write_suspects

        write_suspects(target, found.suspects)
        write_json(target / "clean.json", found.document())
