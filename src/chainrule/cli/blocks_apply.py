"""`chainrule blocks apply` and `chainrule blocks blobs`: blocks on a picture."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.cli.points_options import output_folder
from chainrule.errors import InputError
from chainrule.io.checks import LARGEST_SEED
from chainrule.io.figures import write_figure

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from chainrule.practical.on_picture import Demonstration


class Demonstrated(StrEnum):
    """The names of `chainrule.practical.on_picture.DEMONSTRATIONS`."""

    LAPLACIAN = "laplacian"
    EDGES = "edges"
    RELU = "relu"
    MAXPOOL = "maxpool"
    NORMALIZE = "normalize"
    RANDOM = "random"


_MOST_PIXELS = 16_000_000

OutOption = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder for the pictures.")]


def apply(
    image: Annotated[
        Path | None,
        typer.Argument(help="Any picture file.", show_default="a photograph of a temple"),
    ] = None,
    block: Annotated[Demonstrated, typer.Option(help="What to apply.")] = Demonstrated.LAPLACIAN,
    window: Annotated[
        int | None, typer.Option(help="Max pooling's window in pixels.", show_default="15")
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Max pooling's stride in pixels.", show_default="1")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The seed of the random filters.", show_default="0")
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply a block to a picture, and draw what comes out.

    laplacian: the filter on each colour channel, summed, and minus its absolute value. edges: a
    pair of filters for vertical edges; relu: the same with its ReLU. maxpool: the largest of each
    15 by 15 pixels, at stride 1 and with stride, and beside it how little that changes when the
    picture is shifted or turned. normalize: each pixel's colour brought to norm 1. random: ten
    random filters of 5 by 5 pixels. Borders are not padded. Writes DIR/BLOCK.png (for maxpool
    also DIR/maxpool-stability.png); without --out into the folder `BLOCK`.

    Example: chainrule blocks apply photo.jpg --block maxpool --stride 15 --out maxpool
    """
    # before torch is loaded: a wrong file is said at once
    picture = _within_bounds(_picture(image))
    from chainrule.practical.on_picture import WINDOW, as_tensor, demonstration

    settings = {
        "window": (window, WINDOW, Demonstrated.MAXPOOL),
        "stride": (stride, 1, Demonstrated.MAXPOOL),
        "seed": (seed, 0, Demonstrated.RANDOM),
    }
    for name, (given, _, needs) in settings.items():
        if given is not None and block is not needs:
            raise InputError(
                f"--{name}: found {given} with --block {block.value}; expected it only with "
                f"--block {needs.value}"
            )
    chosen = {
        name: default if given is None else given for name, (given, default, _) in settings.items()
    }
    demonstrated = demonstration(block.value, **chosen)
    x = as_tensor(picture)
    with output_folder(Path(block.value) if out is None else out) as folder:
        y = demonstrated.apply(x)
        drawn = _figures(block, picture, x, y, demonstrated, chosen)
        files = [folder / f"{name}.png" for name in drawn]
        for file, figure in zip(files, drawn.values(), strict=True):
            write_figure(file, figure)
    document = {
        "block": block.value,
        "input_shape": list(x.shape),
        "output_shape": list(y.shape),
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(document)
    else:
        print(f"{block.value}: {_size(x)} to {_size(y)}")
        for file in files:
            print(f"wrote {file}")


def blobs(
    image: Annotated[
        Path | None,
        typer.Argument(help="Any picture file.", show_default="dots drawn at random"),
    ] = None,
    iterations: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Steps of gradient descent.")
    ] = 500,
    learning_rate: Annotated[float, typer.Option(help="The step's size.")] = 0.2,
    momentum: Annotated[float, typer.Option(help="0 for none.")] = 0.9,
    smoothing: Annotated[
        float, typer.Option(help="The width of the Gaussian that smooths the picture, in pixels.")
    ] = 1.0,
    median: Annotated[bool, typer.Option(help="Take the picture's median away first.")] = True,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Draws the dots and the first filter.")
    ] = 0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn one filter, by hand, that finds the dark blobs of a picture.

    The network is a 3x3 filter with a bias and 3x3 max pooling; the labels come from a detector
    (the determinant of the Hessian). Blobs should score above 1, pixels away from them below 0.
    Writes DIR/blobs.png: labels, objective, scores, filter, errors (without --out into `blobs`).

    Example: chainrule blocks blobs --no-median --momentum 0 --out slow
    """
    picture = None if image is None else _picture(image)
    from chainrule.practical.blobs import find_blobs, labels
    from chainrule.practical.figures import small_cnn_figure
    from chainrule.practical.small_cnn import SmallCnnSettings, errors_of, learn_blobs

    settings = SmallCnnSettings(
        iterations, learning_rate, momentum, smoothing=smoothing, subtract_median=median, seed=seed
    )
    with output_folder(Path("blobs") if out is None else out) as folder:
        grey = _grey(picture, seed)
        labelled = labels(grey, find_blobs(grey))
        found = learn_blobs(grey, labelled, settings)
        missed, false = errors_of(found.scores, labelled)
        file = folder / "blobs.png"
        write_figure(file, small_cnn_figure(grey, labelled, found))
    document = {
        "blobs": int(labelled.positive.sum()),
        "blobs_missed": int(missed.sum()),
        "negative_pixels": int(labelled.negative.sum()),
        "negative_pixels_wrong": int(false.sum()),
        "objective_start": float(found.objective[0, 2]),
        "objective_end": float(found.objective[-1, 2]),
        "weight": found.parameters["filter.weight"][0, 0].tolist(),
        "bias": float(found.parameters["filter.bias"][0]),
        "files": [str(file)],
    }
    if as_json:
        print_json(document)
    else:
        _print_blobs(document)


def _picture(path: Path | None) -> "Image":
    """The picture, as RGB; says on standard error what was made of another kind."""
    from chainrule.io.names import shown
    from chainrule.io.pictures import (
        picture_from_bytes,
        read_bytes,
        sample_picture,
        taken_as,
    )

    if path is None:
        return sample_picture()
    content = read_bytes(path)
    picture = picture_from_bytes(content, path)
    if note := taken_as(content):
        print(f"chainrule: {shown(path)} {note}", file=sys.stderr)
    return picture


def _within_bounds(picture: "Image") -> "Image":
    """The picture, made smaller (and that said) if its numbers would take some gigabytes."""
    pixels = picture.width * picture.height
    if pixels <= _MOST_PIXELS:
        return picture
    share = (_MOST_PIXELS / pixels) ** 0.5
    size = (max(1, int(picture.width * share)), max(1, int(picture.height * share)))
    print(
        f"chainrule: the picture has {picture.width} x {picture.height} pixels; it is made "
        f"smaller, to {size[0]} x {size[1]}",
        file=sys.stderr,
    )
    return picture.resize(size)


def _grey(picture: "Image | None", seed: int) -> "np.ndarray":
    """The picture's grey from 0 to 1, or a picture of dots."""
    import numpy as np

    from chainrule.practical.blobs import dot_picture

    if picture is None:
        return dot_picture(np.random.default_rng(seed)).grey
    return np.asarray(picture.convert("L"), dtype=np.float32) / np.float32(255)


def _figures(
    block: Demonstrated,
    picture: "Image",
    x: "Tensor",
    y: "Tensor",
    demonstrated: "Demonstration",
    chosen: dict[str, int],
) -> dict[str, Any]:
    """The block's figures, by name."""
    from chainrule.practical import figures

    if block is Demonstrated.MAXPOOL:
        return _max_pooling_figures(picture, x, y, chosen)
    if block is Demonstrated.RANDOM:
        drawn = figures.random_filters_figure(demonstrated.parameters["filter.weight"], y)
    else:
        by_name = {
            Demonstrated.LAPLACIAN: figures.laplacian_figure,
            Demonstrated.EDGES: figures.edges_figure,
            Demonstrated.RELU: figures.relu_figure,
            Demonstrated.NORMALIZE: figures.normalization_figure,
        }
        drawn = by_name[block](x, y)
    return {block.value: drawn}


def _max_pooling_figures(
    picture: "Image", x: "Tensor", y: "Tensor", chosen: dict[str, int]
) -> dict[str, Any]:
    """Max pooling with the stride asked for beside another; its stability where there is room."""
    from chainrule.practical.figures import max_pooling_figure, stability_figure
    from chainrule.practical.on_picture import max_pooling
    from chainrule.practical.stability import stability

    window, stride = chosen["window"], chosen["stride"]
    beside = window if stride == 1 else 1
    outputs = {stride: y, beside: max_pooling(window, beside).apply(x)}
    drawn = {
        "maxpool": max_pooling_figure(
            x, {f"stride {s}": output for s, output in sorted(outputs.items())}
        )
    }
    try:
        with progress("stability", "pictures pooled") as report:
            found = stability(picture, window, report)
        drawn["maxpool-stability"] = stability_figure(found)
        if found.size != picture.size:
            at = f"{found.size[0]}x{found.size[1]} pixels"
            print(f"chainrule: the stability is measured at {at}", file=sys.stderr)
    except InputError as error:
        print(f"chainrule: the stability is left out: {error}", file=sys.stderr)
    return drawn


def _size(x: "Tensor") -> str:
    _, channels, height, width = x.shape
    return f"{width}x{height} pixels of {channels} channel{'' if channels == 1 else 's'}"


def _print_blobs(document: dict[str, Any]) -> None:
    share = document["negative_pixels_wrong"] / document["negative_pixels"]
    print(f"blobs missed           {document['blobs_missed']:,} of {document['blobs']:,}")
    print(
        f"negative pixels wrong  {document['negative_pixels_wrong']:,} of "
        f"{document['negative_pixels']:,} ({share:.2%})"
    )
    print(
        f"objective              {document['objective_start']:.4f} to "
        f"{document['objective_end']:.4f}"
    )
    print(f"wrote {document['files'][0]}")
