"""What lies on a sheet of the lines room: lines, fonts, and texts that wait for their pictures."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from chainrule.errors import InputError
from chainrule.io.names import safe_stem
from chainrule.lab.jobs.store import Kept

TRUTH = ".gt.txt"  # what the name of a picture's text ends in, as `reader train-lines` has it
FONTS = (".ttf", ".otf", ".woff2")
_LONGEST = 200  # characters of a line


def new_settings() -> dict[str, Any]:
    """Of a new sheet: what reads it."""
    return {"reader": "package", "words": True}


def checked_text(text: Any) -> str:
    """A line's text, its blanks made one. Raises InputError."""
    if not isinstance(text, str):
        raise InputError(f"text: found {type(text).__name__}; expected one line of text")
    found = " ".join(part for part in text.split(" ") if part)
    if not found or len(text) > _LONGEST or not found.isprintable():
        raise InputError(
            f"text: found {len(text):,} characters{_odd(found)}; expected one line of text of 1 to "
            f"{_LONGEST}"
        )
    return found


def _odd(text: str) -> str:
    odd = [character for character in text if not character.isprintable()]
    return f" with {odd[0]!r}" if odd else ""


def is_font(kept: Kept) -> bool:
    """Whether a file is a font."""
    return kept.seen.get("kind") == "font"


def lines_of(files: Sequence[Kept]) -> list[Kept]:
    """The files that are lines, or were given as such."""
    return [kept for kept in files if "kind" not in kept.seen]


def truth_for(name: str, lines: Sequence[Kept]) -> Kept | None:
    """The line that a text is named after."""
    stem = name.removesuffix(TRUTH)
    return next((kept for kept in lines if kept.name.rpartition(".")[0] == stem), None)


def described(kept: Kept) -> dict[str, Any]:
    """What the page is told of a line."""
    return {"number": kept.number, "name": kept.name, **kept.seen}


def flat_names(lines: Sequence[Kept]) -> dict[int, str]:
    """Names for the lines that are alone in one folder: of each its number and its name.

    So they lie in `lines.zip`, and by these names a training orders and parts them.
    """
    found: dict[int, str] = {}
    stems: set[str] = set()
    for kept in lines:
        path = PurePosixPath(kept.name.replace("/", "_").lstrip("."))
        stem = safe_stem(path.stem)
        stem = stem if stem not in stems else f"{stem} {kept.number}"
        stems.add(stem)
        found[kept.number] = stem + path.suffix
    return found
