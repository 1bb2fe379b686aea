"""Which files of a folder are pictures, and why the others are not: each looked at once."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from chainrule.errors import FileError
from chainrule.io.addresses import is_address, list_address
from chainrule.io.decoding import picture_suffixes, why_not_read
from chainrule.io.figures import MARK
from chainrule.io.names import shown
from chainrule.io.progress import Progress
from chainrule.io.texts import read_text

_TOOLS = frozenset((
    "#recycle", "#snapshot", "$recycle.bin", "$extend", "recycler", "found.000",
    "system volume information", "lost+found", "__macosx", "__pycache__", "thumbs", "thumbnails",
    "_vti_cnf", "cvs",
))  # fmt: skip
_HIDDEN = (".", "@")  # what hidden folders begin with, and those of network storage (`@eaDir`)
_CLUTTER = frozenset((".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"))
_HEAD = 1024  # bytes that hold the mark of a drawing: behind a GIF's palette, of 768 at most
_EVERY = 256  # files between two reports of progress


@dataclass(frozen=True)
class Skipped:
    """A file, a folder or a class that was left out, and why."""

    file: str
    reason: str


class Listing:
    """The pictures of folders, sorted by name, and what lies beside them.

    Links are followed, each folder once. Hidden folders, those that tools leave (`@eaDir`,
    `__MACOSX`, `.ipynb_checkpoints`) and drawings of chainrule's are left out.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.skipped: list[Skipped] = []
        self._suffixes = picture_suffixes()
        self._progress = progress
        self._seen = 0

    def pictures(self, folder: Path) -> list[Path]:
        """The pictures in a folder and those under it."""
        # a link to any folder that this one lies in would bring all that is beside it
        around = {os.path.realpath(above) for above in folder.absolute().parents}
        around.update(map(str, Path(os.path.realpath(folder)).parents))
        return sorted(self._walk(folder, frozenset(around)))

    def direct(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The pictures and the folders that lie in a folder itself."""
        pictures, folders = [], []
        for entry in self._entries(folder):
            kind = self._kind(entry)
            if kind == "folder":
                folders.append(Path(entry.path))
            elif kind == "picture":
                pictures.append(Path(entry.path))
        return pictures, folders

    def quiet(self) -> "Listing":
        """Another one of the same kind, with a list of its own of what is left out."""
        return Listing()

    def skip(self, path: Path, reason: str) -> None:
        """Note that a file or a folder is left out."""
        self.skipped.append(Skipped(str(path), reason))

    def _walk(self, folder: Path, above: frozenset[str]) -> Iterator[Path]:
        real = os.path.realpath(folder)
        if real in above:
            self.skip(folder, "a link to a folder that it lies in")
            return
        pictures, folders = self.direct(folder)
        yield from pictures
        for inner in folders:
            yield from self._walk(inner, above | {real})

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.skip(folder, f"cannot be read: {error.strerror or error}")
            return []

    def _kind(self, entry: os.DirEntry[str]) -> str:
        """ "folder", "picture", or "" for what is left out."""
        self._seen += 1
        if self._progress is not None and self._seen % _EVERY == 0:
            self._progress(self._seen, self._seen)
        path = Path(entry.path)
        if entry.is_dir():
            return "folder" if self._takes_folder(path) else ""
        if is_clutter(path.name):
            return ""
        if not entry.is_file():
            broken = entry.is_symlink() and not path.exists()
            self.skip(path, "a link to nothing" if broken else "neither a file nor a folder")
            return ""
        if not self._takes_file(path):
            return ""
        if is_drawing(path):
            self.skip(path, DRAWING)
            return ""
        return "picture"

    def _takes_folder(self, path: Path) -> bool:
        """By its name."""
        if path.name.startswith(_HIDDEN) or path.name.lower() in _TOOLS:
            self.skip(path, "a hidden folder, or a tool's")
            return False
        return True

    def _takes_file(self, path: Path) -> bool:
        """By its name."""
        if path.name.startswith("."):
            self.skip(path, "a hidden file")
        elif path.suffix.lower() not in self._suffixes:
            self.skip(path, why_not_read(path.suffix))
        else:
            return True
        return False


def is_clutter(name: str) -> bool:
    """Whether systems leave files of this name everywhere: nobody is told of them."""
    return name.lower() in _CLUTTER or name.startswith("._")


DRAWING = "a drawing that chainrule made"


def list_pictures(
    folder: Path, progress: Progress | None = None
) -> tuple[list[Path], list[Skipped]]:
    """The pictures in a folder and those under it, sorted, and what is left out there.

    Raises FileError if `folder` is none, or holds no picture.
    """
    if not folder.is_dir():
        raise FileError(f"{shown(folder)} is no folder; expected one with pictures")
    listing = Listing(progress)
    found = listing.pictures(folder)
    if not found:
        raise FileError(f"{shown(folder)} holds no picture; expected some")
    return found, listing.skipped


def is_drawing(path: Path) -> bool:
    """If a PNG or a GIF says in its first bytes that chainrule drew it."""
    if path.suffix.lower() not in (".png", ".gif"):
        return False
    try:
        with path.open("rb") as file:
            return is_drawing_content(file.read(_HEAD))
    except OSError:
        return False


def is_drawing_content(content: bytes) -> bool:
    """As `is_drawing`, of a file's bytes."""
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return b"tEXtSoftware\0" + MARK in content[:_HEAD]
    comment = b"\x21\xfe" + bytes([len(MARK)]) + MARK + b"\0"
    return content[:4] == b"GIF8" and comment in content[:_HEAD]


def named_pictures(
    arguments: Sequence[str], progress: Progress | None = None, *, addresses: bool = False
) -> tuple[list[Path], list[Skipped]]:
    """The files that arguments name: themselves, what lies in folders, what patterns match.

    addresses: whether they may be addresses too, of a picture or of a folder of them, and text
    files that list pictures (`listed_pictures`); an address stays a text. Raises FileError for a
    folder without pictures, or a pattern that matches nothing.
    """
    files: list[Path] = []
    skipped: list[Skipped] = []
    for argument in arguments:
        path = Path(argument)
        if addresses and (is_address(argument) or path.suffix == ".txt"):
            one = is_address(argument) and path.suffix.lower() in picture_suffixes()
            found = cast(list[Path], [argument] if one else listed_pictures(argument))
        elif path.is_dir():
            found, left_out = list_pictures(path, progress)
            skipped += left_out
        elif not os.path.lexists(path) and glob.has_magic(argument):
            found = [Path(p) for p in sorted(glob.iglob(argument, recursive=True))]  # noqa: PTH207
            if not found:
                raise FileError(f"{shown(argument)} matches no file")
            odd = [p for p in found if p.exists() and not p.is_file()]
            found = [p for p in found if p not in odd]
            skipped += [Skipped(str(p), "matches, and is no file") for p in odd]
        else:
            found = [path]
        files += found
    return files, skipped


def listed_pictures(address: str) -> list[Path | str]:
    """The pictures under an address, by their suffixes; or those that a text file lists.

    A name that ends in .txt is a list: an address or a path a line. Raises FileError.
    """
    if address.endswith(".txt") and not is_address(address):
        try:
            lines = read_text(address).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                f"{shown(address)} cannot be read ({error}); expected a text file, a picture a line"
            ) from error
        found: list[Path | str] = [_either(line.strip()) for line in lines if line.strip()]
    else:
        suffixes = picture_suffixes()
        found = [a for a in list_address(address) if Path(a).suffix.lower() in suffixes]
    if not found:
        raise FileError(f"{shown(address)} holds no picture; expected some")
    return found


def _either(line: str) -> Path | str:
    return line if is_address(line) else Path(line)
