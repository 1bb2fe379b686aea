"""Which photographs part 5 uses: tiles of those in packages, a folder's, or VOC 2007's."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.images.collection import Collection, read_collection
from chainrule.images.voc import fetch_voc2007
from chainrule.io.pictures import read_picture
from chainrule.io.progress import Progress
from chainrule.report.facts.original import VOC
from chainrule.report.settings import ReportSettings

SHOWN = 3  # photographs that are named in 5.1
TILE, TILES = 64, 12  # pixels; of each half of a photograph
_VOC_PHOTOGRAPHS = 9_963
_PACKAGED = (
    ("skimage", "data/coffee.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/motorcycle_left.png"),
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/rocket.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
)


@dataclass(frozen=True)
class Source:
    """kind: "tiles", "folder" or "voc2007"; data: what the facts call it."""

    kind: str
    data: str


def source(settings: ReportSettings) -> Source:
    """What the settings ask for; a folder that holds VOC 2007 as it was fetched is that."""
    if settings.photos is None:
        return Source("tiles", "tiles of seven photographs")
    if settings.voc2007 or _holds_voc2007(settings.photos):
        return Source("voc2007", VOC)
    return Source("folder", "a folder given")


def fetch(settings: ReportSettings, progress: Progress | None = None) -> Path | None:
    """VOC 2007's tree in the cache folder, fetched if it is not there; None for other sources."""
    if not settings.voc2007:
        return None
    from chainrule.images.store import default_cache_folder

    return fetch_voc2007(default_cache_folder() / "voc2007", progress=progress)


def collection(settings: ReportSettings, tree: Path | None) -> Collection:
    """The pictures of the folder, or of the tree that was fetched."""
    folder = tree or settings.photos
    assert folder is not None
    return read_collection(folder)


def named_files(settings: ReportSettings, tree: Path | None) -> list[Path]:
    """The photographs that 5.1 names: three of those in packages, or one of some classes."""
    if settings.photos is None:
        return packaged()[:SHOWN]
    found = collection(settings, tree)
    chosen = []
    for c in range(min(SHOWN, len(found.classes))):
        for i in np.flatnonzero(found.truth[:, c] == 1):
            try:
                read_picture(found.files[i])
            except FileError:
                continue
            chosen.append(found.files[i])
            break
    if not chosen:
        raise FileError("none of the photographs can be read; expected pictures")
    return chosen


def packaged() -> list[Path]:
    """The photographs that scikit-image and scikit-learn install."""
    return [_folder(package) / name for package, name in _PACKAGED]


def tiles(photographs: list[Path], temporary: Path) -> Collection:
    """Tiles of each photograph: from its left half to train on, from its right half to test on."""
    files: list[Path] = []
    labels: list[int] = []
    part: list[str] = []
    for c, path in enumerate(photographs):
        image = read_picture(path)
        middle = image.width // 2
        for name, left, right in (("train", 0, middle), ("test", middle, image.width)):
            corners = [
                (x, y)
                for y in range(0, image.height - TILE + 1, TILE)
                for x in range(left, right - TILE + 1, TILE)
            ]
            # as many of each photograph, spread over the half
            for i in np.linspace(0, len(corners) - 1, TILES).round().astype(int):
                x, y = corners[i]
                file = temporary / f"{path.stem}-{x}-{y}.png"
                image.crop((x, y, x + TILE, y + TILE)).save(file)
                files.append(file)
                labels.append(c)
                part.append(name)
    truth = np.full((len(files), len(photographs)), -1, dtype=np.int8)
    truth[np.arange(len(files)), labels] = 1
    names = tuple(path.stem.replace("_left", "") for path in photographs)
    return Collection(tuple(files), names, truth, tuple(part))


def _holds_voc2007(folder: Path) -> bool:
    """Is there a tree of that name, with as many photographs?"""
    for tree in (folder, folder / "VOC2007", folder / "VOCdevkit" / "VOC2007"):
        if tree.name == "VOC2007" and (tree / "ImageSets" / "Main").is_dir():
            return sum(1 for _ in (tree / "JPEGImages").glob("*.jpg")) == _VOC_PHOTOGRAPHS
    return False


def _folder(package: str) -> Path:
    """An installed package's folder, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FileError(f"{package} is not installed; expected it, or `--photos FOLDER`")
    return Path(found.origin).parent
