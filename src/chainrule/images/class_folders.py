"""A collection as folders, each of one class, perhaps in parts for training and test."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainrule.errors import FileError
from chainrule.images.collection import Collection
from chainrule.images.listing import Listing
from chainrule.images.parts import folder_parts, settled
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
    parts = folder_parts(folder.name for folder in folders)
    # a part holds class folders; a class that is called "train" holds pictures
    trains = any(part == "train" and inner[path / name] for name, part in parts.items())
    if trains and (len(parts) > 1 or len(folders) == 1):
        found = _parts_outside(folders, parts, listing)
    elif len(parts) > 1 and len(parts) == len(folders) and "train" in parts.values():
        raise FileError(
            f"{shown(path)} holds {' and '.join(map(shown, sorted(parts)))}, which hold pictures "
            f"and no class folders; expected folders such as {shown(folders[0] / 'cat')}, or a CSV "
            "list that names the classes"
        )
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


def _around_classes(part: Path, listing: Listing) -> Path | None:
    """The one folder in a part that its class folders lie in (`train/images/cat`)."""
    pictures, folders = listing.quiet().direct(part)
    inner = {folder: _folders_in(folder, listing) for folder in folders}
    return None if pictures else _around(folders, inner, listing)


def _parts_inside(folder: Path, inside: list[str], listing: Listing) -> list[_Found]:
    parts = folder_parts(inside)
    if not inside or len(parts) < len(inside):
        return _class(folder, "", listing)
    return [
        _Found(file, folder.name, part)
        for name, part in parts.items()
        for file in listing.pictures(folder / name)
    ]


def _parts_outside(folders: list[Path], parts: dict[str, str], listing: Listing) -> list[_Found]:
    found = []
    there = [folder for folder in folders if folder.name in parts]
    for folder in folders:
        if folder not in there:
            listing.skip(folder, f"beside {', '.join(parts)}, and no part itself")
    around = [_around_classes(folder, listing) for folder in there]
    for folder, inner in zip(there, around, strict=True):
        pictures, classes = listing.direct(inner if inner and all(around) else folder)
        for picture in pictures:
            listing.skip(picture, "in no class folder")
        for class_folder in classes:
            found += _class(class_folder, parts[folder.name], listing)
    return found


def _class(folder: Path, part: str, listing: Listing) -> list[_Found]:
    pictures = listing.pictures(folder)
    if not pictures:
        listing.skip(folder, "a folder without pictures")
    return [_Found(file, folder.name, part) for file in pictures]


def _folders_in(folder: Path, listing: Listing) -> list[str]:
    """The names of the folders in a folder, without a word about what else is there."""
    return sorted(path.name for path in listing.quiet().direct(folder)[1])
