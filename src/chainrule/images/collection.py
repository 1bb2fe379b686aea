"""Pictures with the classes they show: folders of classes, a VOC tree, or a CSV list."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int8

from chainrule.errors import FileError, InputError
from chainrule.io.decoding import picture_suffixes
from chainrule.io.names import shown
from chainrule.io.pictures import read_bytes


@dataclass(frozen=True)
class Skipped:
    """A file or a class that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Collection:
    """`truth[i, c]` is 1 if picture i shows class c, -1 if not, 0 if that is 'difficult' to say.

    `part[i]` is "train", "test", or "" where the collection leaves it open.
    """

    files: tuple[Path, ...]
    classes: tuple[str, ...]
    truth: Int8[np.ndarray, "n classes"]
    part: tuple[str, ...]
    skipped: tuple[Skipped, ...] = field(default=())

    def taken(self, kept: Sequence[int], skipped: Sequence[Skipped] = ()) -> "Collection":
        """The pictures `kept`, with `skipped` added to what was left out."""
        index = np.asarray(kept, dtype=np.intp)
        return Collection(
            tuple(self.files[i] for i in index),
            self.classes,
            self.truth[index],
            tuple(self.part[i] for i in index),
            (*self.skipped, *skipped),
        )


def read_collection(path: Path | str) -> Collection:
    """The pictures of a folder of class folders, a VOC tree, or a CSV list.

    - Class folders: `path/cat/1.jpg` shows a cat. A file that is no picture by its name is skipped.
    - VOC: `JPEGImages` and `ImageSets/Main/CLASS_SPLIT.txt` in `path`, or in the one VOC folder
      under it. "trainval" is the training part and "test" the test; without a test, "train" and
      "val".
    - CSV: a header with the columns `file` (relative to the list) and `classes` (separated by
      semicolons; may be empty), and perhaps `split` (train or test).

    Raises FileError if there is nothing of the kind, or a list says what makes no sense.
    """
    path = Path(path)
    if path.is_file():
        return _from_csv(path)
    if not path.is_dir():
        raise FileError(f"{shown(path)} is not there; expected a folder of pictures or a CSV list")
    tree = _voc_tree(path)
    return _from_voc(tree) if tree is not None else _from_folders(path)


def list_pictures(path: Path) -> list[Path]:
    """The pictures in a folder and those under it, by their names' endings, sorted."""
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in picture_suffixes()
        and not file.name.startswith(".")
        and file.is_file()
    )


def without_duplicates(collection: Collection) -> Collection:
    """Leave out all pictures but the first of each content, so that none is on both sides.

    Raises InputError if a class is left without a picture that no other class has.
    """
    first: dict[bytes, Path] = {}
    kept: list[int] = []
    skipped: list[Skipped] = []
    for i, file in enumerate(collection.files):
        try:
            digest = blake2b(read_bytes(file), digest_size=16).digest()
        except FileError:
            kept.append(i)  # whoever reads the picture says what is wrong with it
            continue
        if digest in first:
            skipped.append(Skipped(str(file), f"the same picture as {shown(first[digest])}"))
        else:
            first[digest] = file
            kept.append(i)
    result = collection.taken(kept, skipped)
    lost = (collection.truth == 1).any(0) & ~(result.truth == 1).any(0)
    if lost.any():
        name = collection.classes[int(np.argmax(lost))]
        raise InputError(
            f"every picture of class {name!r} is in another class too; expected classes that differ"
        )
    return result


def split_in_halves(collection: Collection, seed: int) -> Bool[np.ndarray, " n"]:
    """Which pictures train: as the collection says, or a random half of those that show the same.

    The larger half of an odd number trains.
    """
    if any(collection.part):
        return np.array([part == "train" for part in collection.part])
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    train = np.zeros(len(collection.files), dtype=bool)
    _, group = np.unique(collection.truth, axis=0, return_inverse=True)
    for g in range(int(group.max(initial=-1)) + 1):
        members = generator.permutation(np.flatnonzero(group.ravel() == g))
        train[members[: (len(members) + 1) // 2]] = True
    return train


def _from_folders(path: Path) -> Collection:
    folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    files: list[Path] = []
    labels: list[int] = []
    skipped: list[Skipped] = []
    classes: list[str] = []
    for folder in folders:
        pictures = list_pictures(folder)
        others = (p for p in sorted(folder.rglob("*")) if p.is_file() and p not in set(pictures))
        skipped += [Skipped(str(p), "not a picture by its name") for p in others]
        if not pictures:
            skipped.append(Skipped(str(folder), "a folder without pictures"))
            continue
        labels += [len(classes)] * len(pictures)
        classes.append(folder.name)
        files += pictures
    if not files:
        raise FileError(
            f"{shown(path)} holds no class folder with pictures; expected folders such as "
            f"{shown(path / 'cat')}, a VOC tree or a CSV list"
        )
    truth = np.full((len(files), len(classes)), -1, dtype=np.int8)
    truth[np.arange(len(files)), labels] = 1
    return Collection(tuple(files), tuple(classes), truth, ("",) * len(files), tuple(skipped))


def _voc_tree(path: Path) -> Path | None:
    for folder in (path, *sorted(path.glob("VOC*")), *sorted(path.glob("VOCdevkit/VOC*"))):
        if (folder / "JPEGImages").is_dir() and (folder / "ImageSets" / "Main").is_dir():
            return folder
    return None


def _from_voc(tree: Path) -> Collection:
    main = tree / "ImageSets" / "Main"
    splits = {file.stem.rpartition("_")[2] for file in main.glob("*_*.txt")}
    train, test = ("trainval", "test") if "test" in splits else ("train", "val")
    names = sorted(file.name.removesuffix(f"_{train}.txt") for file in main.glob(f"*_{train}.txt"))
    if not names:
        raise FileError(f"{shown(main)} holds no CLASS_{train}.txt; expected one a class")
    rows: dict[str, np.ndarray] = {}
    part: dict[str, str] = {}
    for c, name in enumerate(names):
        for split, label in ((train, "train"), (test, "test")):
            for picture, value in _voc_list(main / f"{name}_{split}.txt"):
                rows.setdefault(picture, np.full(len(names), -1, dtype=np.int8))[c] = value
                part[picture] = label
    pictures = sorted(rows)
    return Collection(
        tuple(tree / "JPEGImages" / f"{picture}.jpg" for picture in pictures),
        tuple(names),
        np.array([rows[picture] for picture in pictures], dtype=np.int8).reshape(-1, len(names)),
        tuple(part[picture] for picture in pictures),
    )


def _voc_list(path: Path) -> list[tuple[str, int]]:
    entries = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in ("1", "0", "-1"):
            raise FileError(
                f"{shown(path)}, line {number}: {line!r}; expected a picture's name and 1, 0 or -1"
            )
        entries.append((words[0], int(words[1])))
    return entries


def _from_csv(path: Path) -> Collection:
    # not by lines: a quoted file name may hold a line break
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    try:
        columns, rows = set(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise FileError(f"{shown(path)} is no CSV list ({error}); expected file,classes") from error
    if not {"file", "classes"} <= columns:
        raise FileError(
            f"{shown(path)} has the columns {', '.join(sorted(columns)) or 'of nothing'}; expected "
            "`file`, `classes` and perhaps `split`"
        )
    files, shows, part = [], [], []
    for number, row in enumerate(rows, 2):
        split = (row.get("split") or "").strip()
        if split not in ("", "train", "test") or not row["file"]:
            raise FileError(
                f"{shown(path)}, line {number}: file {row['file']!r}, split {split!r}; expected a "
                "file's name, and train, test or nothing"
            )
        files.append(path.parent / row["file"])
        shows.append({name.strip() for name in (row["classes"] or "").split(";") if name.strip()})
        part.append(split)
    if any(part) and not all(part):
        raise FileError(f"{shown(path)} gives some pictures a split; expected all of them or none")
    classes = sorted(set().union(*shows))
    if not classes:
        raise FileError(f"{shown(path)} names no class; expected pictures with classes")
    truth = np.array([[1 if c in row else -1 for c in classes] for row in shows], dtype=np.int8)
    return Collection(tuple(files), tuple(classes), truth, tuple(part))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise FileError(f"{shown(path)} cannot be read: {reason}") from error
