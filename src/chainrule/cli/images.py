"""`chainrule images`: pretrained networks, features, linear classifiers on photographs."""

import glob
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.output import JsonOption, print_json, progress
from chainrule.errors import FileError, InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chainrule.images.collection import Skipped

app = typer.Typer(
    help="""Photographs: classify, features, linear SVM, average precision.

    Example: chainrule images classify photo.jpg
    """,
    no_args_is_help=True,
)

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


@app.command()
def classify(
    images: Annotated[list[str], typer.Argument(help="Pictures, folders or quoted patterns.")],
    model: ModelOption = "efficientnet-lite0",
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 5,
    explain: Annotated[bool, typer.Option(help="Draw which pixels decided (needs --out).")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for one PNG picture each.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Name what photographs show: the best classes with their probabilities.

    With --out, a picture each: the photograph beside its bars; with --explain also the derivative
    of the best class's score by every pixel, and Grad-CAM. Pictures that cannot be read are listed
    on standard error and left out.

    Example: chainrule images classify pepper.jpg --explain --out named
    """
    from chainrule.images.classification import classify_files
    from chainrule.images.networks import load_network
    from chainrule.io.files import make_folder

    if explain and out is None:
        raise InputError("`--explain` draws pictures; expected `--out FOLDER` for them")
    files = _pictures(images)
    network = load_network(model)
    folder = make_folder(out) if out is not None else None
    with progress("classify", "pictures") as report:
        result = classify_files(files, network, top=top, progress=report)
    _refuse_if_nothing(len(result.files), result.skipped)
    if folder is not None:
        drawings = _drawings(folder, result.files, of=len(files))
        for file, best, path in zip(result.files, result.best, drawings, strict=True):
            _save(_classified(file, network, best, explain), path)
    if as_json:
        print_json(
            {
                "model": network.name,
                "images": [
                    {"file": str(file), "classes": [asdict(c) for c in best]}
                    for file, best in zip(result.files, result.best, strict=True)
                ],
                "skipped": [asdict(s) for s in result.skipped],
            }
        )
        return
    from chainrule.io.names import shown

    for file, best in zip(result.files, result.best, strict=True):
        print(shown(file))
        for guess in best:
            print(f"  {guess.probability:6.3f}  {guess.name}")


@app.command()
def features(
    folder: FolderArgument,
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    model: SourceOption = "efficientnet-lite0",
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the penultimate features of every picture of a collection.

    Computed in batches and kept in the cache folder as they come: a run that is stopped goes on
    where it was. Pictures that cannot be read are listed and left out.

    Example: chainrule images features photos --out features.safetensors
    """
    from chainrule.images.collection import read_collection
    from chainrule.images.feature_file import check_writable, save_features
    from chainrule.images.features import network_features
    from chainrule.images.networks import load_feature_source

    check_writable(out)
    collection = read_collection(folder)
    network = load_feature_source(model)
    started = time.monotonic()
    with progress("features", "pictures") as report:
        found = network_features(collection.files, network, cache=_cache(cache), progress=report)
    seconds = time.monotonic() - started
    collection = collection.taken(found.kept, found.skipped)
    _refuse_if_nothing(len(collection.files), collection.skipped)
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


@app.command()
def evaluate(
    folder: FolderArgument,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--features", help="cnn, bovw or fisher; may be given several times."),
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Judge this class alone; repeatable.")
    ] = None,
    model: SourceOption = "efficientnet-lite0",
    c: COption = 1.0,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for table, curves and sheets.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a linear SVM against the rest for each class, rank the other half, report precision.

    One row a kind of features and class: average precision as the area under the curve with its
    bootstrap 95 % interval, and over the eleven points of VOC 2007. A collection without a test
    part is split into random halves.

    Example: chainrule images evaluate photos --features cnn --features bovw --out evaluation
    """
    from chainrule.images.collection import read_collection
    from chainrule.images.evaluation import evaluate as run
    from chainrule.images.networks import load_feature_source
    from chainrule.io.files import make_folder

    chosen = list(dict.fromkeys(kinds or ["cnn"]))
    collection = read_collection(folder)
    network = load_feature_source(model) if "cnn" in chosen else None
    target = make_folder(out) if out is not None else None
    started = time.monotonic()
    with progress("evaluate", "pictures") as report:
        result = run(
            collection,
            chosen,
            network,
            classes=classes or (),
            seed=seed,
            C=c,
            cache=_cache(cache),
            progress=report,
        )
    seconds = time.monotonic() - started
    rows = [row.document() for row in result.rows]
    if target is not None:
        _write_evaluation(target, result.rows, rows)
    _list_skipped(result.skipped)
    if as_json:
        skipped = [asdict(s) for s in result.skipped]
        print_json({"rows": rows, "skipped": skipped, "seconds": seconds})
        return
    width = max(len(row.class_name) for row in result.rows)
    print(f"{'features':8}  {'class':{width}}  {'AP':>6}  {'95 % interval':15}  {'11-pt':>6}   +/-")
    for row in result.rows:
        low, high = row.interval
        print(
            f"{row.features:8}  {row.class_name:{width}}  {row.average_precision:6.3f}  "
            f"{low:6.3f} - {high:6.3f}  {row.average_precision_11_point:6.3f}   "
            f"{row.positives}/{row.negatives}"
        )


@app.command()
def train(
    folder: FolderArgument,
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    model: SourceOption = "efficientnet-lite0",
    c: COption = 1.0,
    seed: SeedOption = 0,
    cache: CacheOption = None,
    sheets: Annotated[
        Path | None, typer.Option(help="Folder for the confusion matrix and contact sheets.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a classifier of a folder of class folders, with its cross-validated error.

    Example: chainrule images train photos --out model.safetensors --sheets sheets
    """
    from chainrule.images.classifier import save_classifier, train_classifier
    from chainrule.images.collection import read_collection
    from chainrule.images.feature_file import check_writable
    from chainrule.images.networks import load_feature_source
    from chainrule.io.files import make_folder

    check_writable(out)
    collection = read_collection(folder)
    network = load_feature_source(model)
    target = make_folder(sheets) if sheets is not None else None
    started = time.monotonic()
    with progress("train", "pictures") as report:
        training = train_classifier(
            collection, network, C=c, seed=seed, cache=_cache(cache), progress=report
        )
    seconds = time.monotonic() - started
    save_classifier(out, training)
    names = training.classifier.classes
    if target is not None:
        from chainrule.images.figures import confusion_figure, contact_sheet

        _save(confusion_figure(training.confusion, names), target / "confusion.png")
        _save_pages(contact_sheet, _best_and_worst(training), 40, target / "best_and_worst.png")
    _list_skipped(training.skipped)
    if as_json:
        print_json(
            {
                "classes": list(names),
                "pictures": len(training.files),
                "folds": training.folds,
                "error": training.error,
                "confusion": training.confusion.tolist(),
                "skipped": [asdict(s) for s in training.skipped],
                "seconds": seconds,
            }
        )
        return
    print(
        f"{len(training.files):,} pictures of {len(names)} classes in {seconds:.1f} s: {out}\n"
        f"error in {training.folds}-fold cross-validation: {training.error:.2%}\n"
        "rows: true class; columns: answer"
    )
    width = max(map(len, names))
    for name, counts in zip(names, training.confusion, strict=True):
        print(f"  {name:{width}}  " + " ".join(f"{n:5}" for n in counts))


@app.command()
def predict(
    classifier: Annotated[Path, typer.Argument(help="A file that `images train` wrote.")],
    images: Annotated[list[str], typer.Argument(help="Pictures, folders or quoted patterns.")],
    model: SourceOption = "",
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name pictures with a classifier of your own.

    A score is the distance from the class's plane: above 0 speaks for it.

    Example: chainrule images predict model.safetensors new/*.jpg
    """
    from chainrule.images.classifier import load_classifier
    from chainrule.images.classifier import predict as run
    from chainrule.images.networks import load_feature_source
    from chainrule.io.names import shown

    loaded = load_classifier(classifier)
    files = _pictures(images)
    network = load_feature_source(model or loaded.network)
    with progress("predict", "pictures") as report:
        scores, kept, skipped = run(loaded, network, files, cache=_cache(cache), progress=report)
    _refuse_if_nothing(len(kept), skipped)
    answers: list[dict[str, Any]] = [
        {
            "file": str(files[i]),
            "class": loaded.classes[int(row.argmax())],
            "scores": {n: float(s) for n, s in zip(loaded.classes, row, strict=True)},
        }
        for i, row in zip(kept, scores, strict=True)
    ]
    if as_json:
        print_json({"images": answers, "skipped": [asdict(s) for s in skipped]})
        return
    for answer in answers:
        best = max(answer["scores"].values())
        print(f"{answer['class']}  {best:+.2f}  {shown(answer['file'])}")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="vgg11, vgg13, vgg16 or vgg19")],
    source: Annotated[
        str, typer.Option(help="torchvision, or hub (the Hugging Face hub).")
    ] = "torchvision",
    mirror: Annotated[
        str | None, typer.Option(help="Address of the weights, in place of the official one.")
    ] = None,
) -> None:
    """Fetch a network's published weights into the cache folder, with resume and checksum.

    Example: chainrule images pull vgg16
    """
    from chainrule.images.published import pull_weights

    with progress(f"pull {name}", "bytes") as report:
        path = pull_weights(name, source=source, mirror=mirror, progress=report)
    print(path)


@app.command()
def fetch(
    data_set: Annotated[str, typer.Argument(help="voc2007")],
    out: Annotated[Path, typer.Option(help="Folder to unpack into.")],
    mirror: Annotated[
        str | None, typer.Option(help="Address of the archives, in place of the official one.")
    ] = None,
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
    print(tree)


def _pictures(arguments: Sequence[str]) -> list[Path]:
    """The files that the arguments name: themselves, what lies in folders, what patterns match."""
    from chainrule.images.collection import list_pictures
    from chainrule.io.names import shown

    files: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            found = list_pictures(path)
            if not found:
                raise FileError(f"{shown(path)} holds no picture; expected some")
            files += found
        elif not path.exists() and glob.has_magic(argument):
            found = [Path(p) for p in sorted(glob.iglob(argument, recursive=True))]  # noqa: PTH207
            if not found:
                raise FileError(f"{shown(argument)} matches no file")
            files += found
        else:
            files.append(path)
    return files


def _refuse_if_nothing(count: int, skipped: "Sequence[Skipped]") -> None:
    """Raise FileError if no picture is left; else list what was skipped."""
    if count == 0:
        raise FileError(skipped[0].reason if skipped else "no picture; expected at least one")
    _list_skipped(skipped)


def _list_skipped(skipped: "Sequence[Skipped]") -> None:
    import sys

    from chainrule.io.names import shown

    for entry in skipped:
        named = entry.file in entry.reason or shown(entry.file) in entry.reason
        where = "" if named else f"{shown(entry.file)}: "
        print(f"skipped: {where}{entry.reason}", file=sys.stderr)


def _cache(folder: Path | None) -> Path:
    from chainrule.images.store import default_cache_folder

    return folder if folder is not None else default_cache_folder()


def _classified(file: Path, network: Any, best: Sequence[Any], explain: bool) -> "Figure":
    from chainrule.images.explanation import explain as explained
    from chainrule.images.figures import classification_figure
    from chainrule.io.pictures import read_picture

    image = read_picture(file)
    return classification_figure(
        image,
        [guess.name for guess in best],
        [guess.probability for guess in best],
        explained(network, image, best[0].index) if explain else None,
        network.preprocessing.square(image) if explain else None,
    )


def _best_and_worst(training: Any) -> list[tuple[str, list[Path]]]:
    """Of each class, the pictures that cross-validation was surest of, and the least sure."""
    import numpy as np

    rows = []
    for c, name in enumerate(training.classifier.classes):
        own = np.flatnonzero(training.truth == c)
        ranked = [training.files[i] for i in own[np.argsort(-training.score[own])]]
        rows.append((f"{name}: best", ranked[:10]))
        rows.append((f"{name}: worst", ranked[::-1][:10]))
    return rows


def _write_evaluation(target: Path, rows: Sequence[Any], table: Sequence[dict[str, Any]]) -> None:
    from chainrule.images.figures import contact_sheet, precision_recall_figure
    from chainrule.io.files import write_json

    write_json(target / "table.json", {"rows": list(table)})
    for suffix in ("svg", "png"):
        # of each class the rows of all features, on one page
        curves = sorted(rows, key=lambda row: row.class_name)
        kinds = len({row.features for row in rows})
        _save_pages(
            precision_recall_figure, curves, 24 * kinds, target / f"precision_recall.{suffix}"
        )
    titled = [
        (f"{row.class_name}, {row.features}: {which}", list(files))
        for row in rows
        for which, files in (("first", row.best), ("last", row.worst))
    ]
    _save_pages(contact_sheet, titled, 40, target / "ranked.png")


def _save_pages(
    draw: "Callable[[Sequence[Any]], Figure]", items: Sequence[Any], each: int, path: Path
) -> None:
    """Draw `each` items a figure; the second is name-2.png, and so on. One figure has limits."""
    for page, start in enumerate(range(0, len(items), each), 1):
        name = path.name if page == 1 else f"{path.stem}-{page}{path.suffix}"
        _save(draw(items[start : start + each]), path.with_name(name))


def _save(figure: "Figure", path: Path) -> None:
    import warnings

    from chainrule.io.files import written_whole

    with written_whole(path) as temporary, warnings.catch_warnings():
        # a name in letters that Matplotlib's font lacks is drawn as boxes
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(temporary, dpi=150)


def _drawings(folder: Path, files: Sequence[Path], of: int) -> list[Path]:
    """Where the drawings of `files`, of so many that were given, go: never over one of them."""
    from chainrule.io.names import shown

    names = [
        f"{number:04}-{file.stem}.png" if of > 1 else f"{file.stem}.png"
        for number, file in enumerate(files, 1)
    ]
    paths = [folder / _file_name(name) for name in names]
    inputs = {file.resolve() for file in files}
    for path in paths:
        if path.resolve() in inputs:
            raise InputError(f"`--out` would write over {shown(path)}; expected another folder")
    return paths


def _file_name(name: str) -> str:
    """The name with what file systems and readers trip over replaced."""
    return "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in name)
