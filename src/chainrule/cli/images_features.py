"""`chainrule images features` and `export`: a network's features, and a classifier as ONNX."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.images_options import (
    BurstsOption,
    CacheOption,
    SourceOption,
    cache_folder,
    listen,
    read_listed,
    refuse_if_nothing,
)
from chainrule.cli.on import OnOption, far
from chainrule.cli.output import JsonOption, print_json, progress

if TYPE_CHECKING:
    from chainrule.images.collection import Collection
    from chainrule.images.listing import Skipped


def features(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder of class folders, VOC tree, CSV list (file,classes; with --shard of "
            "addresses, too); an address (s3://, http://) or, with --shard, a text file of "
            "addresses and paths."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The .safetensors file to write; with --shard a folder of them."
        ),
    ],
    model: SourceOption = "efficientnet-lite0",
    cache: CacheOption = None,
    bursts: BurstsOption = None,
    shard: Annotated[
        int | None,
        typer.Option(min=1, metavar="PICTURES", help="Write a folder, so many pictures a file."),
    ] = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the penultimate features of every picture of a collection.

    A folder of pictures without class folders is taken too. Computed in batches and kept in the
    cache folder as they come: a run that is stopped goes on where it was. Pictures that cannot be
    read are listed and left out. `train`, `evaluate`, `predict` and `similar` take the file.

    With --shard, or from an address, they go into a folder of such files and an index.json: each
    file appears when it is done, a run that is stopped goes on with those that are not there, and
    only the files under way are held in memory. `train` and `predict` take the folder, a file of it
    in memory at a time. The pictures of an address or of a text file have no classes.

    Example: chainrule images features photos --out features.safetensors
    """
    from chainrule.images.feature_file import check_writable, save_features
    from chainrule.images.features import network_features
    from chainrule.images.networks import load_feature_source
    from chainrule.io.addresses import is_address

    if shard is not None or is_address(source):
        _sharded(source, out, model, bursts, shard or 4096, on, as_json)
        return
    check_writable(out)
    collection = read_listed(Path(source), bursts, classes_needed=False)
    network = load_feature_source(model)
    started = time.monotonic()
    with progress("features", "pictures") as report, far(on) as executor:
        found = network_features(
            collection.files,
            network,
            cache=cache_folder(cache),
            executor=executor,
            progress=report,
        )
    seconds = time.monotonic() - started
    collection = collection.taken(found.kept, found.skipped)
    refuse_if_nothing(len(collection.files), collection.skipped)
    save_features(out, collection, found.values, network)
    if as_json:
        print_json(
            {
                "model": network.name,
                "pictures": len(collection.files),
                "dimensions": int(found.values.shape[1]),
                "skipped": [asdict(s) for s in collection.skipped],
                "seconds": seconds,
            }
        )
        return
    print(
        f"{len(collection.files):,} pictures, {found.values.shape[1]:,} features each, in "
        f"{seconds:.1f} s: {out}"
    )


def _sharded(
    source: str,
    out: Path,
    model: str,
    bursts: float | None,
    shard: int,
    on: str | None,
    as_json: bool,
) -> None:
    from chainrule.images.listing import listed_pictures
    from chainrule.images.networks import load_feature_source
    from chainrule.images.sharded import skipped_of, write_sharded
    from chainrule.io.addresses import is_address

    listen()
    pictures: Sequence[Path | str] | Collection
    left_out: tuple[Skipped, ...] = ()
    if is_address(source) or source.endswith(".txt"):
        pictures = listed_pictures(source)
    else:
        pictures = read_listed(Path(source), bursts, classes_needed=False)
        left_out = pictures.skipped
    network = load_feature_source(model)
    with progress("features", "pictures") as report, far(on) as executor:
        index = write_sharded(
            out, pictures, network, together=shard, executor=executor, progress=report
        )
    refuse_if_nothing(index["pictures"], [*left_out, *skipped_of(index)])
    if as_json:
        print_json(index)
        return
    print(f"{index['pictures']:,} pictures in {len(index['files']):,} files: {out}")


def export(
    classifier: Annotated[Path, typer.Argument(help="A file that `images train` wrote.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .onnx file to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write a classifier as an ONNX file that takes a picture as it is.

    Its input `picture` is (height, width, 3) in 8 bits, of any size, upright and sRGB: resizing,
    cutting and scaling are in the file. Its outputs are `probabilities` (classes), `scores`
    (classes) and `familiarity`; its metadata hold the classes' names and the threshold below which
    a picture is none of them. Needs the extra `onnx`.

    Example: chainrule images export model.safetensors --out model.onnx
    """
    from chainrule.images.classifier import load_classifier, load_networks
    from chainrule.images.network import Network
    from chainrule.images.onnx_classifier import check_exportable, export_classifier

    listen()
    loaded = load_classifier(classifier)
    check_exportable(loaded, out)
    (network,) = load_networks(loaded)
    assert isinstance(network, Network)  # as check_exportable has seen
    export_classifier(loaded, network, out)
    if as_json:
        print_json({"file": str(out), "classes": list(loaded.classes)})
        return
    print(out)
