"""Pictures of lines with their true texts: folders as tesstrain has them, and lists of files."""

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import FileError, InputError
from chainrule.io.names import shown
from chainrule.io.texts import read_text

TRUTH = ".gt.txt"  # what the name of a picture's truth ends in, in place of the picture's suffix
LISTS = (".csv", ".tsv", ".jsonl")
_FILE = ("file", "file_name", "filename", "image", "path", "picture")
_TEXT = ("text", "gt", "truth", "label", "transcription", "words")
_GROUP = ("group", "source", "camera", "document")


@dataclass(frozen=True)
class Labelled:
    """A picture and the text in it. group: what a split must not cut, if the list says."""

    file: Path
    text: str
    group: str | None = None


class Skipped(NamedTuple):
    """A file that is left out, and why."""

    file: str
    reason: str


def read_labelled(
    sources: Sequence[str | os.PathLike[str]], *, pages: bool = False
) -> tuple[list[Labelled], list[Skipped]]:
    """The labelled pictures of folders and lists, and what is left out of them.

    A folder holds pictures beside NAME.gt.txt, or a list: a .csv, .tsv or .jsonl with the columns
    (keys) file and text, and group if it likes; paths are relative to the list's folder. A truth is
    one line of text in UTF-8, or of pages any number. Raises FileError for what is not there,
    cannot be read or holds no labelled picture.
    """
    found: list[Labelled] = []
    skipped: list[Skipped] = []
    for source in map(Path, sources):
        own, left_out = _read(source)
        if not pages:
            own, several = _split(map(_of_one_line, own))
            left_out += several
        if not own:
            why = f"; the first of {len(left_out)}: {left_out[0].reason}" if left_out else ""
            raise FileError(
                f"{shown(source)} holds no labelled picture{why}; expected pictures beside "
                f"NAME{TRUTH}, or a list with the columns file and text"
            )
        found += own
        skipped += left_out
    return found, skipped


def _read(source: Path) -> tuple[list[Labelled], list[Skipped]]:
    if source.is_file():
        return _split(_listed(source))
    if not source.is_dir():
        raise FileError(f"{shown(source)} is not there; expected a folder, or a list of files")
    entries = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    if any(path.name.endswith(TRUTH) for path in entries):
        return _split(_beside(entries))
    lists = [path for path in entries if path.suffix.lower() in LISTS]
    if len(lists) > 1:
        raise FileError(
            f"{shown(source)} holds {len(lists)} lists ({', '.join(path.name for path in lists)}); "
            "expected one, or the list itself in place of its folder"
        )
    return _split(_listed(lists[0])) if lists else ([], [])


def _split(rows: Iterable[Labelled | Skipped]) -> tuple[list[Labelled], list[Skipped]]:
    rows = list(rows)
    return (
        [row for row in rows if isinstance(row, Labelled)],
        [row for row in rows if isinstance(row, Skipped)],
    )


def _beside(entries: Sequence[Path]) -> Iterator[Labelled | Skipped]:
    """The pictures among the files of a folder, by the truths beside them."""
    truths = {path.name.removesuffix(TRUTH): path for path in entries if path.name.endswith(TRUTH)}
    pictures: dict[str, list[Path]] = {}
    for path in entries:
        if not path.name.endswith(TRUTH) and path.is_file():
            pictures.setdefault(path.stem, []).append(path)
    for name, truth in truths.items():
        own = pictures.pop(name, [])
        if len(own) != 1:
            yield Skipped(str(truth), f"{len(own)} pictures are called {name}; expected one")
            continue
        try:
            text = read_text(truth, "utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
            yield Skipped(str(own[0]), f"its text cannot be read ({reason})")
            continue
        yield _labelled(own[0], text, None)
    for others in pictures.values():
        yield from (
            Skipped(str(path), f"there is no {path.stem}{TRUTH} beside it") for path in others
        )


def _listed(path: Path) -> Iterator[Labelled | Skipped]:
    """The rows of a list."""
    for number, row in enumerate(_rows(path), 1):
        file, text = _value(row, _FILE), _value(row, _TEXT)
        if file is None or text is None:
            raise FileError(
                f"{shown(path)} has {', '.join(map(str, row)) or 'nothing'} in row {number}; "
                "expected the columns file and text"
            )
        yield _labelled(path.parent / file, text, _value(row, _GROUP))


def _rows(path: Path) -> Iterator[Mapping[Any, Any]]:
    try:
        text = read_text(path, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise FileError(f"{shown(path)} cannot be read ({reason}); expected a list") from error
    if path.suffix.lower() != ".jsonl":
        lines = text.splitlines()
        if path.suffix.lower() == ".tsv":
            yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            yield from csv.DictReader(lines)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FileError(f"{shown(path)}: line {number} is no JSON; expected it") from error
            if not isinstance(row, dict):
                raise FileError(f"{shown(path)}: line {number} is no JSON object; expected one")
            yield row


def _value(row: Mapping[Any, Any], names: Sequence[str]) -> str | None:
    for key, value in row.items():
        if isinstance(key, str) and key.strip().lower() in names and value is not None:
            return str(value)
    return None


def _labelled(file: Path, text: str, group: str | None) -> Labelled | Skipped:
    lines = text.strip("\r\n").splitlines()
    if not text.strip():
        return Skipped(str(file), "its text is empty")
    if not file.is_file():
        return Skipped(str(file), "there is no such file")
    return Labelled(file, "\n".join(" ".join(line.split()) for line in lines), group)


def _of_one_line(row: Labelled) -> Labelled | Skipped:
    lines = row.text.split("\n")
    if len(lines) > 1:
        return Skipped(str(row.file), f"its text has {len(lines)} lines; expected one")
    return row


def split_in_two(
    rows: Sequence[Labelled], share: float, seed: int = 0
) -> tuple[list[Labelled], list[Labelled]]:
    """The rows in two, about `share` of them second, by group where there is one, else by file.

    Which side a group goes to is drawn by its name and the seed, so it stays there when others
    come. Raises InputError if one side would be empty.
    """
    places = [_place(row, seed) for row in rows]
    names = sorted(set(places))
    second = set(names[: max(1, round(share * len(names)))])
    if len(second) == len(names):
        raise InputError(
            f"the {len(rows)} labelled pictures are of {len(names)} group; expected at least two, "
            "one to learn from and one to judge by"
        )
    return (
        [row for row, place in zip(rows, places, strict=True) if place not in second],
        [row for row, place in zip(rows, places, strict=True) if place in second],
    )


def split_in_folds(rows: Sequence[Labelled], count: int, seed: int = 0) -> list[list[Labelled]]:
    """The rows in `count` parts of about as many groups, or files where there are none, drawn as in
    `split_in_two`. Raises InputError if there are fewer."""
    places = [_place(row, seed) for row in rows]
    part = {name: number % count for number, name in enumerate(sorted(set(places)))}
    if len(part) < count:
        raise InputError(
            f"the {len(rows)} labelled pictures are of {len(part)} groups; expected at least "
            f"{count}, one for each fold"
        )
    return [
        [row for row, place in zip(rows, places, strict=True) if part[place] == number]
        for number in range(count)
    ]


def _place(row: Labelled, seed: int) -> str:
    """Where a row's group, or file, stands in an order that the seed draws."""
    name = row.group if row.group is not None else row.file.name
    return sha256(f"{seed}:{name}".encode(errors="surrogateescape")).hexdigest()
