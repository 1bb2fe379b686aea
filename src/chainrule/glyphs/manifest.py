"""Which font files a data set is built from: pinned by version and SHA-256, split by family."""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from chainrule.errors import FileError, InputError
from chainrule.glyphs.fonts import FontFile, find_fonts, open_font
from chainrule.io.files import write_text
from chainrule.io.texts import read_text

NAME = "manifest.csv"
USES = {
    "letters": (NAME,),
    "lines": ("manifest-lines.csv",),
    "reader": ("manifest-lines.csv", "manifest-more.csv"),
}
"""The manifests in the package: of the fonts of its letters and of its line fonts, which are split
each by themselves, and with these of further families that its reader was trained with."""


@dataclass(frozen=True)
class PinnedFont:
    """One font file of a package."""

    package: str  # "@fontsource/lato"
    version: str
    file: str  # "lato-latin-400-normal.woff2"
    licence: str  # as the package states it: "OFL-1.1"
    sha256: str  # of the file
    set: str  # "training" or "validation", the same for all of a family

    @property
    def family(self) -> str:
        return self.package.rsplit("/", 1)[-1]


def read_manifest(
    path: str | os.PathLike[str] | None = None, *, use: str = "letters"
) -> list[PinnedFont]:
    """Read a manifest, or, without a path, those in the package for one of USES.

    Raises InputError for another use, and FileError if the file can't be read, lacks a column, or
    puts a family into both sets.
    """
    if path is not None:
        return _read(Path(path))
    if use not in USES:
        raise InputError(f"the use of the fonts is {use!r}; expected one of {', '.join(USES)}")
    data = files("chainrule.glyphs") / "data"
    return [font for name in USES[use] for font in _read(data / name)]


def _read(source: Path | Traversable) -> list[PinnedFont]:
    columns = [field.name for field in fields(PinnedFont)]
    try:
        rows = list(
            csv.reader(
                io.StringIO(
                    read_text(source)
                    if isinstance(source, Path)
                    else source.read_text(encoding="utf-8")
                )
            )
        )
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"manifest {source} cannot be read: {error}") from error
    if not rows or rows[0] != columns:
        raise FileError(f"manifest {source} has no first line {','.join(columns)}")
    sets: dict[str, str] = {}
    pinned = []
    for number, row in enumerate(rows[1:], 2):
        where = f"manifest {source}, line {number}"
        if len(row) != len(columns):
            raise FileError(f"{where} has {len(row)} values; expected {len(columns)}")
        font = PinnedFont(*row)
        if font.set not in ("training", "validation"):
            raise FileError(f"{where} has the set {font.set!r}; expected training or validation")
        if Path(font.file).name != font.file or font.family in ("", ".", ".."):
            raise FileError(f"{where} names {font.package} {font.file}; expected bare names")
        if sets.setdefault(font.family, font.set) != font.set:
            raise FileError(f"{where} puts {font.family} into both sets; expected one set a family")
        pinned.append(font)
    return pinned


def write_manifest(path: str | os.PathLike[str], fonts: Iterable[PinnedFont]) -> None:
    """Write the manifest, whole or not at all. Raises FileError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(PinnedFont))
    writer.writerows(astuple(font) for font in fonts)
    write_text(path, text.getvalue())


def open_fonts(
    paths: Iterable[str | os.PathLike[str]],
) -> tuple[list[FontFile], set[str] | None]:
    """Open the fonts in `paths`, and the names of the families to hold out if a manifest says so.

    Where one of `paths` is a folder with a manifest.csv, as `fetch` leaves one, its fonts are
    those of the manifest, in its order, and each file's bytes must be the pinned ones.

    Raises FileError.
    """
    fonts: list[FontFile] = []
    held: set[str] | None = None
    for path in map(Path, paths):
        if not (path / NAME).is_file():
            fonts += map(open_font, find_fonts([path]))
            continue
        pinned = read_manifest(path / NAME)
        held = (held or set()) | {font.family for font in pinned if font.set == "validation"}
        for font in pinned:
            opened = open_font(path / font.family / font.file)
            check_bytes(opened.path, opened.data, font)
            fonts.append(FontFile(opened.path, opened.data, font.family, opened.characters))
    return fonts, held


def check_bytes(path: Path, data: bytes, font: PinnedFont) -> None:
    """Raise FileError unless `data` has the SHA-256 that is pinned for `font`."""
    found = sha256(data).hexdigest()
    if found != font.sha256:
        raise FileError(
            f"{path} has the SHA-256 {found}; expected {font.sha256} (of {font.package}@"
            f"{font.version})"
        )
