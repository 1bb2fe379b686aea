"""What the photographs room keeps: albums of pictures under numbers, and which class each shows."""

import re
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.errors import FileError, InputError
from chainrule.images.class_folders import read_class_folders
from chainrule.images.collection import Collection
from chainrule.images.listing import is_clutter
from chainrule.images.named_listing import NamedListing
from chainrule.io.decoding import picture_suffixes, why_not_read
from chainrule.io.names import shown
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.server.app import Lab

_LONGEST = 1_000  # characters of a name
_SVG = "an SVG, a drawing that may hold programs; expected a photograph"


@dataclass(frozen=True)
class Settings:
    """How an album's classifier is trained, as `chainrule images train` has it."""

    balanced: bool = False
    seed: int = 0


class Albums:
    """Albums by their names, each a run of the store with a folder of its own."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def make(self, owner: str) -> Record:
        """A new one, empty."""
        now = time.time()
        album = Record(
            secrets.token_hex(8), owner, "photographs", "album", {"balanced": False, "seed": 0},
            "open", "", 0, {}, now, now,
        )  # fmt: skip
        for part in ("pictures", "small"):
            (self.folder(album.id) / part).mkdir(parents=True, exist_ok=True)
        self._lab.store.add(album)
        return album

    def found(self, name: str, owner: str) -> Record:
        """The album of this owner. Raises InputError."""
        album = self._lab.store.get(name, owner) if re.fullmatch("[0-9a-f]{16}", name) else None
        if album is None or album.room != "photographs":
            raise InputError("there is no such album; it may have been removed")
        return album

    def folder(self, album: str) -> Path:
        """Where an album lies."""
        return self._lab.settings.folder / "photographs" / album

    def picture(self, album: str, number: int) -> Path:
        """Where a picture of it lies."""
        return self.folder(album) / "pictures" / str(number)

    def small(self, album: str, number: int) -> Path:
        """Where the small copy of a picture lies, once somebody has looked at it."""
        return self.folder(album) / "small" / f"{number}.jpg"

    def forget(self, album: str) -> None:
        """Remove an album's files."""
        shutil.rmtree(self.folder(album), ignore_errors=True)

    def take(self, album: Record, name: str, written: Path, size: int) -> Kept | None:
        """Keep a picture that was written, under its number; None for a system's clutter.

        One of the same name is replaced. What is no picture by its name is noted with the reason,
        and not kept.
        """
        store = self._lab.store
        if is_clutter(name.rpartition("/")[2]):
            written.unlink()
            return None
        before = store.file_named(album.id, name)
        if before is not None:
            self.drop(album.id, before)
        reason = _why_not(name, written)
        seen = {"reason": reason} if reason else {}
        number = store.add_file(album.id, name, 0 if reason else size, seen)
        if reason:
            written.unlink()
        else:
            written.replace(self.picture(album.id, number))
        return Kept(number, name, size, seen)

    def drop(self, album: str, number: int) -> None:
        """Forget a picture."""
        self._lab.store.drop_file(album, number)
        self.picture(album, number).unlink(missing_ok=True)
        self.small(album, number).unlink(missing_ok=True)

    def refusal(self, owner: str, size: int) -> str:
        """Why another picture of so many bytes is too much, or nothing."""
        quotas = self._lab.quotas
        count, used = self._lab.store.used(owner)
        if count >= quotas.pictures:
            return (
                f"{count:,} pictures are kept, as many as a session may have; remove an album "
                "under Runs"
            )
        if used + size > quotas.disk:
            return (
                f"the pictures that are kept take {used:,} bytes, and this one {size:,} more; "
                f"expected at most {quotas.disk:,}: remove an album under Runs"
            )
        return ""


def checked_name(text: str) -> str:
    """The name that a picture was given, its folders by "/". Raises InputError."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(text) > _LONGEST or "\0" in text:
        raise InputError(
            f"name: found {shown(text[:100])!r}; expected a file's name, at most {_LONGEST:,} "
            "characters, with the folders that it lies in"
        )
    return "/".join(parts)


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


def _why_not(name: str, written: Path) -> str:
    suffix = Path(name).suffix.lower()
    with written.open("rb") as file:
        start = file.read(1024)
    if suffix in (".svg", ".svgz") or b"<svg" in start.lower():
        return _SVG
    if not start:
        return "empty; expected a picture"
    return "" if suffix in picture_suffixes() else why_not_read(suffix)
