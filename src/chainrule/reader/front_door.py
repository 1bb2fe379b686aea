"""What `chainrule.load_reader` and `chainrule.fit_reader` are: a reader in one line."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from chainrule.glyphs.alphabet import parse_alphabet
from chainrule.glyphs.lines import LineFont, build_line_fonts
from chainrule.glyphs.manifest import open_fonts
from chainrule.io.checks import seed_number, whole_number
from chainrule.io.progress import Progress
from chainrule.reader import model_file
from chainrule.reader.lines.training import ONWARD, train_reader
from chainrule.reader.reader import Reader
from chainrule.reader.search.dictionary import read_words

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def load_reader(
    path: str | os.PathLike[str] | None = None,
    *,
    words: str | os.PathLike[str] | Iterable[str] | None = "english",
) -> Reader:
    """The package's reader of lines, its "fast" or "large" one alone, or that of a file.

    All with a dictionary.

    words: "english"; None for no dictionary; a text file with a word a line; or the words. Raises
    FileError if a file cannot be read or is no such file, InputError if it holds no word.
    """
    reader = model_file.load_reader(path)
    if words is None:
        return reader
    if words == "english":
        return reader.with_words()
    return reader.with_words(read_words(words) if isinstance(words, str | os.PathLike) else words)


def fit_reader(
    fonts: Paths,
    *,
    alphabet: str = "lowercase",
    start: str | os.PathLike[str] | None = None,
    epochs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Reader:
    """Train a reader of lines in some fonts, on from the package's fast reader or that of `start`.

    fonts: a file or folder of TTF, OTF or WOFF2 fonts, or several. alphabet: the characters, or
    lowercase, letters, digits, alphanumeric or ascii for those; the space comes with them where all
    fonts have one. Half a minute or so. Raises FileError for fonts that cannot be read, InputError
    if no font draws the alphabet.
    """
    settings = replace(ONWARD.settings, seed=seed_number(seed))
    if epochs is not None:
        settings = replace(settings, epochs=whole_number("epochs", epochs, 1))
    many = [fonts] if isinstance(fonts, str | os.PathLike) else list(fonts)
    drawn, characters, _ = drawn_fonts(many, alphabet)
    reader, _ = train_reader(
        drawn,
        characters,
        replace(ONWARD, settings=settings),
        start=model_file.load_reader(start or model_file.FAST),
        seed=seed,
        progress=progress,
    )
    return reader


def drawn_fonts(
    fonts: Sequence[str | os.PathLike[str]], alphabet: str, progress: Progress | None = None
) -> tuple[list[LineFont], str, list[tuple[str, str]]]:
    """The line fonts of files and folders, the alphabet that they share, and those left out with
    the reason."""
    characters = parse_alphabet(alphabet)
    opened, held = open_fonts([Path(font) for font in fonts])
    if " " not in characters and all(" " in font.characters for font in opened):
        characters += " "
    drawn, dropped = build_line_fonts(
        opened, characters, validation_families=held, progress=progress
    )
    return drawn, characters, dropped
