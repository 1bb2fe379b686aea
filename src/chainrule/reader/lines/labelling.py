"""Texts for pictures that have none yet: what a reader reads, to be corrected by hand."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import FileError
from chainrule.io.decoding import picture_suffixes
from chainrule.io.files import write_json, write_text
from chainrule.io.names import shown
from chainrule.io.progress import Progress
from chainrule.io.texts import read_text
from chainrule.reader.lines.labelled import TRUTH
from chainrule.reader.reader import Reader

READ = "read-by-chainrule.json"
"""The file in the folder that says what was read: a text beside a picture that differs from it has
been corrected."""


@dataclass(frozen=True)
class Label:
    """What was read in a picture. reason: why nothing was; then it has no text beside it."""

    file: Path
    text: str
    confidence: float
    reason: str | None = None


@dataclass(frozen=True)
class Labels:
    """written: the texts that are there to be corrected, the least sure first. kept: the pictures
    whose texts somebody wrote or corrected."""

    written: list[Label]
    kept: list[Path]


def label_folder(
    folder: str | os.PathLike[str], reader: Reader, progress: Progress | None = None
) -> Labels:
    """Read the pictures of a folder and write NAME.gt.txt beside each that has none.

    What a former call wrote and nobody has changed since is written anew; all other texts are kept.
    Where nothing is read, no text is written. Raises FileError if the folder is not there, holds no
    picture, or cannot be written in.
    """
    folder = Path(folder)
    pictures = _pictures(folder)
    before = _read_before(folder / READ)
    kept = [path for path in pictures if _is_somebodys(path, before)]
    others = [path for path in pictures if path not in set(kept)]
    lines = reader.read(others, progress=progress)
    labels = [
        Label(path, " ".join(line.text.split()), line.confidence, line.reason)
        for path, line in zip(others, lines, strict=True)
    ]
    # first what was read, then the texts: a text that is there alone would count as somebody's
    own = {label.file.name: label.text for label in labels if label.text}
    write_json(folder / READ, {"texts": {**before, **own}})
    for label in labels:
        if label.text:
            write_text(_truth(label.file), label.text + "\n")
    return Labels(sorted(labels, key=lambda label: label.confidence), kept)


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileError(f"{shown(folder)} is not there; expected a folder of pictures")
    suffixes = picture_suffixes()
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise FileError(f"{shown(folder)} holds no picture; expected some to label")
    return found


def _read_before(path: Path) -> dict[str, str]:
    """What former calls read, by the pictures' names; nothing if the file says nothing."""
    try:
        texts = json.loads(read_text(path))["texts"]
        return {str(name): str(text) for name, text in texts.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(
            f"{shown(path)} is not what `reader label` writes; expected it, or no such file: it "
            "tells corrected texts from others"
        ) from error


def _is_somebodys(picture: Path, before: dict[str, str]) -> bool:
    """Whether there is a text beside a picture that is not as it was read."""
    try:
        text = read_text(_truth(picture), "utf-8-sig")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    return before.get(picture.name) != text.strip("\r\n")


def _truth(picture: Path) -> Path:
    return picture.with_name(picture.stem + TRUTH)
