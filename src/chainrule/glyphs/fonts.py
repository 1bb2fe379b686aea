"""Font files: found in folders, opened, asked which characters they draw."""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFont

from chainrule.errors import FileError

SUFFIXES = (".ttf", ".otf", ".woff2")


@dataclass(frozen=True)
class FontFile:
    """A font: its file's name, its bytes, its family, and the characters it has a glyph for."""

    path: Path
    data: bytes
    family: str
    characters: frozenset[str]

    @property
    def name(self) -> str:
        return self.path.stem

    def at(self, size: float, *, shaped: bool = False) -> ImageFont.FreeTypeFont:
        """The font at `size` pixels an em; `shaped` lays out with HarfBuzz (for kerning)."""
        engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
        return ImageFont.truetype(io.BytesIO(self.data), size, layout_engine=engine)


def find_fonts(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """List the font files among `paths` and in the folders among them, sorted within a folder.

    Raises FileError for a path that isn't there and a folder without a font.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
            )
            if not inside:
                raise FileError(
                    f"folder {path} holds no font; expected files that end in {', '.join(SUFFIXES)}"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileError(f"{path} is not there; expected a font file or a folder of fonts")
    return found


def open_font(path: str | os.PathLike[str]) -> FontFile:
    """Read the font at `path` (TTF, OTF or WOFF2).

    Raises FileError if it can't be read, is no font, or is cut off.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_font(path, data)


def parse_font(path: str | os.PathLike[str], data: bytes) -> FontFile:
    """The font whose file at `path` holds `data`. Raises FileError as `open_font` does."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    path = Path(path)
    try:
        ImageFont.truetype(io.BytesIO(data), 26).getbbox("x")
        with TTFont(io.BytesIO(data), lazy=True) as tables:
            _check_length(tables, len(data))
            # any names will do, and the font's own may be long in reading, or broken
            tables.setGlyphOrder([str(glyph) for glyph in range(tables["maxp"].numGlyphs)])
            characters = frozenset(map(chr, tables.getBestCmap() or ()))
            family = tables["name"].getBestFamilyName() or path.stem
    # fontTools raises whatever its parsers meet in broken bytes
    except Exception as error:
        raise FileError(
            f"{path} is no font that can be read ({error or type(error).__name__}); expected a "
            "whole TTF, OTF or WOFF2 file"
        ) from error
    return FontFile(path, data, family, characters)


def lato() -> FontFile:
    """Lato Regular, which is in the package (SIL Open Font License): the original's sentence."""
    source = files("chainrule.glyphs") / "data" / "lato-latin-400-normal.woff2"
    return parse_font(source.name, source.read_bytes())


def draw_character(
    font: ImageFont.FreeTypeFont, character: str
) -> tuple[NDArray[np.uint8], int, int]:
    """Draw `character` dark on white, cut to its ink, and say where that lies.

    Raises FileError if the font is broken there.

    Returns the picture (height, width), 0 by 0 if there is no ink, and the column and row of its
    top left corner in pixels from the pen's place on the baseline (rows count down).
    """
    try:
        left, top, right, bottom = font.getbbox(character, anchor="ls")
        # one pixel of white all round, so that nothing at the edge of the box is cut
        left, top = int(np.floor(left)) - 1, int(np.floor(top)) - 1
        size = int(np.ceil(right)) - left + 1, int(np.ceil(bottom)) - top + 1
        canvas = Image.new("L", size, 255)
        ImageDraw.Draw(canvas).text((-left, -top), character, 0, font, anchor="ls")
    except OSError as error:
        raise FileError(
            f"font {' '.join(filter(None, font.getname()))} is broken where it draws {character!r} "
            f"({error}); expected a whole one"
        ) from error
    box = ImageChops.invert(canvas).getbbox()
    if box is None:
        return np.empty((0, 0), np.uint8), 0, 0
    return np.asarray(canvas.crop(box)), left + box[0], top + box[1]


def _check_length(tables: Any, length: int) -> None:
    # FreeType and fontTools both open a font that is cut off, and fail only at the missing table
    entries = tables.reader.tables.values()
    end = max((entry.offset + entry.length for entry in entries), default=0)
    if tables.flavor is None and end > length:
        raise ValueError(f"it has {length:,} of its {end:,} bytes")


def missing_characters(fonts: Sequence[FontFile], alphabet: str) -> str:
    """The characters of `alphabet` that none of `fonts` draws."""
    drawn = frozenset[str]().union(*(font.characters for font in fonts))
    return "".join(character for character in alphabet if character not in drawn)


def shown(characters: Iterable[str]) -> str:
    """Name characters in a message: quoted, with their code points, the first five of many."""
    listed = list(characters)
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(f"{character!r} (U+{ord(character):04X})" for character in listed[:5]) + more
