"""A collection as the PASCAL VOC challenge lays it out."""

from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.images.collection import Collection
from chainrule.images.csv_list import read_list_text
from chainrule.io.names import shown


def find_voc_tree(path: Path) -> Path | None:
    """`path`, or the VOC folder under it, if it is laid out so."""
    for folder in (path, *sorted(path.glob("VOC*")), *sorted(path.glob("VOCdevkit/VOC*"))):
        if (folder / "JPEGImages").is_dir() and (folder / "ImageSets" / "Main").is_dir():
            return folder
    return None


def read_voc_tree(tree: Path) -> Collection:
    """The collection of `JPEGImages` and `ImageSets/Main`. Raises FileError."""
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
    for number, line in enumerate(read_list_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in ("1", "0", "-1"):
            raise FileError(
                f"{shown(path)}, line {number}: {line!r}; expected a picture's name and 1, 0 or -1"
            )
        entries.append((words[0], int(words[1])))
    return entries
