"""Which class each picture of an album shows, and how it is described to the page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.images.class_folders import read_class_folders
from chainrule.images.collection import Collection
from chainrule.images.named_listing import NamedListing
from chainrule.lab.jobs.store import Kept


def classes_of(files: Sequence[Kept]) -> Collection:
    """The pictures with the classes that their folders say, by `images train`'s rule.

    `files` of the collection are their names. Where no folder says a class there are none.
    """
    names = [kept.name for kept in files if not kept.seen.get("reason")]
    listing = NamedListing(names)
    try:
        return read_class_folders(Path(), None, listing)
    except FileError:
        return read_nothing()


def read_nothing() -> Collection:
    """A collection without pictures."""
    from chainrule.images.collection import without_classes

    return without_classes(())


def lying(collection: Collection, files: Sequence[Kept], folder: Path) -> Collection:
    """The collection with the places of its pictures in place of their names."""
    number = {kept.name: kept.number for kept in files}
    places = tuple(folder / str(number[file.as_posix()]) for file in collection.files)
    return replace(collection, files=places)


def described(kept: Kept, class_name: str | None) -> dict[str, Any]:
    """What the page is told of a picture."""
    return {"number": kept.number, "name": kept.name, "class": class_name, **kept.seen}
