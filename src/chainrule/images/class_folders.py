"""A collection as folders, each of one class, perhaps in parts for training and test."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.images.collection import Collection
from chainrule.images.listing import Listing
from chainrule.images.parts import part_named, settled
from chainrule.io.names import shown
from chainrule.io.progress import Progress

_BESIDE = 8  # folders, of which one may be around all classes and the others hold no picture


@dataclass(frozen=True)
class _Found:
    file: Path
    class_name: str
    part: str


def read_class_folders(
    path: Path, progress: Progress | None = None, listing: Listing | None = None
) -> Collection:
    """The pictures of a folder of class folders; see `read_collection`. Raises FileError.

    listing: what says which files are there, if it is not the disk.
    """
    listing = listing or Listing(progress)
    found = _in_parts(path, listing)
    if not found:
        raise FileError(
            f"{shown(path)} holds no class folder with pictures; expected folders such as "
            f"{shown(path / 'cat')}, a VOC tree or a CSV list"
        )
    classes = sorted({entry.class_name for entry in found})
    number = {name: c for c, name in enumerate(classes)}
    truth = np.full((len(found), len(classes)), -1, dtype=np.int8)
    truth[np.arange(len(found)), [number[entry.class_name] for entry in found]] = 1
    return Collection(
        tuple(entry.file for entry in found),
        tuple(classes),
        truth,
        settled(entry.part for entry in found),
        tuple(listing.skipped),
        exclusive=True,
    )


def _in_parts(path: Path, listing: Listing) -> list[_Found]:
    """Parts outside and classes inside, or the other way round, or classes alone."""
    pictures, folders = listing.direct(path)
    inner = {folder: _folders_in(folder, listing) for folder in folders}
    parts = [folder for folder in folders if part_named(folder.name)]
    # a part holds class folders; a class that is called "train" holds pictures
    trains = any(part_named(p.name) == "train" and inner[p] for p in parts)
    if trains and (len(parts) > 1 or len(folders) == 1):
        found = _parts_outside(folders, parts, listing)
    elif (around := _around(folders, inner, listing)) is not None:
        found = _in_parts(around, listing)
    else:
        found = [f for folder in folders for f in _parts_inside(folder, inner[folder], listing)]
        if any(entry.part for entry in found):  # a class without parts is to train on
            found = [replace(entry, part=entry.part or "train") for entry in found]
    for picture in pictures:
        listing.skip(picture, "in no class folder")
    return found


def _around(folders: list[Path], inner: dict[Path, list[str]], listing: Listing) -> Path | None:
    """The one folder that all class folders lie in, such as `images`, if there is one."""
    if len(folders) > _BESIDE:
        return None
    full = [folder for folder in folders if listing.quiet().pictures(folder)]
    if len(full) != 1 or listing.quiet().direct(full[0])[0]:
        return None
    inside = [full[0] / name for name in inner[full[0]]]
    if len(inside) == 1:  # a folder around another
        return _around(inside, {inside[0]: _folders_in(inside[0], listing)}, listing) and full[0]
    return full[0] if len(inside) > 1 else None


def _parts_inside(folder: Path, inside: list[str], listing: Listing) -> list[_Found]:
    if not inside or not all(map(part_named, inside)):
        return _class(folder, "", listing)
    return [
        _Found(file, folder.name, part_named(name) or "")
        for name in inside
        for file in listing.pictures(folder / name)
    ]


def _parts_outside(folders: list[Path], parts: list[Path], listing: Listing) -> list[_Found]:
    found = []
    for folder in folders:
        if folder not in parts:
            listing.skip(folder, f"beside {', '.join(p.name for p in parts)}, and no part itself")
            continue
        pictures, classes = listing.direct(folder)
        for picture in pictures:
            listing.skip(picture, "in no class folder")
        for class_folder in classes:
            found += _class(class_folder, part_named(folder.name) or "", listing)
    return found


def _class(folder: Path, part: str, listing: Listing) -> list[_Found]:
    pictures = listing.pictures(folder)
    if not pictures:
        listing.skip(folder, "a folder without pictures")
    return [_Found(file, folder.name, part) for file in pictures]


def _folders_in(folder: Path, listing: Listing) -> list[str]:
    """The names of the folders in a folder, without a word about what else is there."""
    return sorted(path.name for path in listing.quiet().direct(folder)[1])
