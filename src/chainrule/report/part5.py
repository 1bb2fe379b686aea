"""Part 5: a pretrained network names photographs, and its features find classes of pictures."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.images.classification import classify_files
from chainrule.images.collection import Collection, read_collection
from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.evaluation import KINDS, Evaluation, EvaluationSettings, evaluate
from chainrule.images.explanation import explain
from chainrule.images.figures import NAMES, classification_figure, precision_recall_figure
from chainrule.images.network import Network
from chainrule.io.pictures import read_picture
from chainrule.report.section import NOT_STATED, Figure, Row, Section, Table
from chainrule.report.settings import ReportSettings

Progress = Callable[[int, int], None]

_ORIGINAL_NAMES = (("bell pepper", "0.704"), ("cucumber", ""), ("orange", ""), ("lemon", ""),
                   ("corn", ""))  # fmt: skip
_ORIGINAL_PRECISION = {  # class: CNN features, bag of visual words
    "aeroplane": (0.937, 0.550),
    "motorbike": (0.929, 0.438),
    "person": (0.957, 0.659),
}
_SHOWN = 3
_PHOTOGRAPHS = (
    ("skimage", "data/coffee.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/motorcycle_left.png"),
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/rocket.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
)
_TILE = 64  # pixels
_TILES = 12  # of each half of a photograph


def sections(settings: ReportSettings, progress: Progress | None = None) -> Iterator[Section]:
    """Name photographs, then rank pictures by class; the progress counts pictures.

    With `settings.photos` both are done on that folder of class folders (or VOC tree).
    """
    network = load_efficientnet_lite0()
    if settings.photos is not None:
        collection = read_collection(settings.photos)
        shown = _some_of_each_class(collection)
        yield _naming(network, shown, "the first picture of some classes of the given folder")
        yield _ranking(network, collection, settings, progress, "the given folder of photographs")
        return
    photographs = [_packaged(package) / name for package, name in _PHOTOGRAPHS]
    yield _naming(network, photographs[:_SHOWN], "photographs that come with scikit-image")
    with tempfile.TemporaryDirectory() as temporary:
        collection = _tiles(photographs, Path(temporary))
        yield _ranking(
            network,
            collection,
            settings,
            progress,
            f"tiles of {_TILE} by {_TILE} pixels, cut from the {len(photographs)} photographs that "
            "come with scikit-image and scikit-learn (a class is a photograph: the tiles of its "
            "left half train, those of its right half test)",
        )


def _naming(network: Network, files: list[Path], what: str) -> Section:
    result = classify_files(files, network)
    figures, rows = [], []
    for file, best in zip(result.files, result.best, strict=True):
        image = read_picture(file)
        figure = classification_figure(
            image,
            [guess.name for guess in best],
            [guess.probability for guess in best],
            explain(network, image, best[0].index),
            network.preprocessing.square(image),
        )
        said = f"{best[0].name}, with probability {best[0].probability:.3f}"
        caption = (
            f"{file.name}: {said}. Then the size of the best score's derivative by each pixel "
            "(its root, to show the small ones), Grad-CAM at the last convolution, and the five "
            "best classes."
        )
        figures.append(Figure.drawn(figure, caption, kind="png", wide=True))
        rows.append((file.name, *(f"{g.name} {g.probability:.3f}" for g in best)))
    first = result.best[0][0]
    return Section(
        number="5.1",
        title="A pretrained network names a photograph",
        question="What does a network that was trained on ImageNet say of one photograph?",
        original=(
            "A photograph of peppers: bell pepper with probability 0.704, then cucumber, orange, "
            "lemon and corn."
        ),
        found=(
            f"On {what}, EfficientNet-Lite0, written as a chain of our blocks with its published "
            f"weights, says {first.name} with probability {first.probability:.3f} of the first "
            "one. Which pixels decided is computed by our own backward."
        ),
        verdict=(
            "Another network on other photographs: the probabilities can't be compared, what is "
            "shown can. A MatConvNet file and a photograph of peppers are used by "
            "`chainrule images classify peppers.jpg --model imagenet-vgg-f.mat`."
        ),
        comparison=(
            Row(
                "first class",
                "bell pepper, 0.704",
                f"{first.name}, {first.probability:.3f} (another photograph)",
            ),
        ),
        tables=(
            Table(
                ("photograph", "first", "second", "third", "fourth", "fifth"),
                (("the original's", *(f"{n} {p}".strip() for n, p in _ORIGINAL_NAMES)), *rows),
                "The five best classes with their probabilities, where stated.",
            ),
        ),
        figures=tuple(figures),
        results={
            "model": network.name,
            "images": [
                {
                    "file": file.name,
                    "classes": [{"name": g.name, "probability": g.probability} for g in best],
                }
                for file, best in zip(result.files, result.best, strict=True)
            ],
        },
        agrees="not stated",
    )


def _ranking(
    network: Network,
    collection: Collection,
    settings: ReportSettings,
    progress: Progress | None,
    what: str,
) -> Section:
    # tiles of one sky would count as copies of each other
    chosen = EvaluationSettings(seed=settings.seed, near_duplicates=settings.photos is not None)
    result = evaluate(collection, KINDS, network, chosen, progress=progress)
    mean = {
        kind: float(np.mean([r.average_precision for r in result.rows if r.features == kind]))
        for kind in KINDS
    }
    order = mean["cnn"] > mean["fisher"] >= mean["bovw"]
    first = mean["cnn"] > mean["bovw"]
    means = ", ".join(f"{NAMES[kind]} {mean[kind]:.3f}" for kind in ("cnn", "fisher", "bovw"))
    classes = list(dict.fromkeys(row.class_name for row in result.rows))
    tested = result.rows[0].positives + result.rows[0].negatives
    return Section(
        number="5.2",
        title="Features of a pretrained network against bags of visual words",
        question=(
            "How well does a linear SVM find a class of pictures by a pretrained network's "
            "features, and how well by a bag of visual words?"
        ),
        original=(
            "On VOC 2007 with C = 1, average precision by CNN features: aeroplane 0.937, motorbike "
            "0.929, person 0.957; by bags of visual words: 0.550, 0.438, 0.659."
        ),
        found=(
            f"On {what}: the SVM was fitted on one half and {tested:,} pictures were ranked that "
            f"it had not seen. Mean average precision over {len(classes)} "
            f"{'class' if len(classes) == 1 else 'classes'}: {means}."
        ),
        verdict=(
            f"The network's features are {'ahead, as' if first else 'not ahead, other than'} in "
            f"the original; Fisher vectors {'lie' if order else 'do not lie'} between. This data "
            "is not VOC 2007. For that, `chainrule images fetch voc2007 --out voc`, then "
            "`chainrule report --photos voc`."
        ),
        comparison=tuple(_comparison(result)),
        tables=(_table(result),),
        figures=(
            Figure.drawn(
                precision_recall_figure(result.rows),
                "Precision against recall on the pictures that were not trained on, one panel a "
                "class, with the average precision of each kind of features.",
                wide=len(classes) > 1,
            ),
        ),
        results={
            "rows": [row.document() for row in result.rows],
            "skipped": len(result.skipped),
        },
        agrees="yes" if first else "no",
        headline=Row(
            "mean average precision: CNN, bag of words",
            "0.941, 0.549",
            f"{mean['cnn']:.3f}, {mean['bovw']:.3f} (other data)",
        ),
    )


def _comparison(result: Evaluation) -> Iterator[Row]:
    """A class that the original had is set beside it; the others have no figure there."""
    for row in result.rows:
        name = {"airplane": "aeroplane"}.get(row.class_name, row.class_name)
        original = _ORIGINAL_PRECISION.get(name)
        stated = NOT_STATED
        if original is not None and row.features in ("cnn", "bovw"):
            stated = f"{original[0 if row.features == 'cnn' else 1]:.3f}"
        yield Row(f"{NAMES[row.features]}, {name}", stated, f"{row.average_precision:.3f}")


def _table(result: Evaluation) -> Table:
    return Table(
        ("features", "class", "AP", "95 % interval", "AP, 11 points", "positives", "negatives"),
        tuple(
            (
                NAMES[row.features],
                row.class_name,
                f"{row.average_precision:.3f}",
                f"{row.interval[0]:.3f} to {row.interval[1]:.3f}",
                f"{row.average_precision_11_point:.3f}",
                str(row.positives),
                str(row.negatives),
            )
            for row in result.rows
        ),
        "Average precision (area under the curve, and VOC 2007's eleven points); the interval is "
        f"the bootstrap's over the test pictures. {len(result.skipped)} files were left out.",
    )


def _some_of_each_class(collection: Collection) -> list[Path]:
    """The first picture that can be read of each of the first classes."""
    chosen = []
    for c in range(min(_SHOWN, len(collection.classes))):
        for i in np.flatnonzero(collection.truth[:, c] == 1):
            try:
                read_picture(collection.files[i])
            except FileError:
                continue
            chosen.append(collection.files[i])
            break
    if not chosen:
        raise FileError("none of the photographs can be read; expected pictures")
    return chosen


def _packaged(package: str) -> Path:
    """An installed package's folder, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FileError(f"{package} is not installed; expected it, or `--photos FOLDER`")
    return Path(found.origin).parent


def _tiles(photographs: list[Path], temporary: Path) -> Collection:
    """Tiles of each photograph: from its left half to train on, from its right half to test on."""
    files: list[Path] = []
    labels: list[int] = []
    part: list[str] = []
    for c, path in enumerate(photographs):
        image = read_picture(path)
        for name, left, right in (
            ("train", 0, image.width // 2),
            ("test", image.width // 2, image.width),
        ):
            corners = [
                (x, y)
                for y in range(0, image.height - _TILE + 1, _TILE)
                for x in range(left, right - _TILE + 1, _TILE)
            ]
            # as many of each photograph, spread over the half
            for i in np.linspace(0, len(corners) - 1, _TILES).round().astype(int):
                x, y = corners[i]
                file = temporary / f"{path.stem}-{x}-{y}.png"
                image.crop((x, y, x + _TILE, y + _TILE)).save(file)
                files.append(file)
                labels.append(c)
                part.append(name)
    truth = np.full((len(files), len(photographs)), -1, dtype=np.int8)
    truth[np.arange(len(files)), labels] = 1
    names = tuple(path.stem.replace("_left", "") for path in photographs)
    return Collection(tuple(files), names, truth, tuple(part))
