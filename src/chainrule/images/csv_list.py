"""A collection as a CSV list of files with their classes."""

import csv
import io
import re
from pathlib import Path
from typing import cast

import numpy as np

from chainrule.errors import FileError
from chainrule.images.collection import Collection
from chainrule.images.listing import Skipped
from chainrule.images.parts import part_named, settled
from chainrule.io.addresses import is_address
from chainrule.io.names import shown
from chainrule.io.texts import read_text

_YES_OR_NO = {"0", "1", "true", "false", "yes", "no", "t", "f", "y", "n"}
_PARTS = "train, val, test or nothing"


def read_csv_list(path: Path) -> Collection:
    """The pictures of a list with the columns file and classes, and perhaps split and group.

    Separated by commas, or, as its first line is, by semicolons or tabs. A column of another name
    that holds nothing but parts' names is the split; one that only says yes or no to being held
    out, such as `is_valid`, is refused, for nothing tells that it is meant so. A file is a path,
    relative to the list, or an address, which is not looked at here.

    Raises FileError for another header, a split that is none, a file that two rows put into two
    parts, or if none of the files is there.
    """
    rows = _rows(path)
    files: dict[Path | str, dict[str, set[str]]] = {}
    for number, row in rows:
        part = (row.get("split") or "").strip()
        if (part and not part_named(part)) or not row["file"]:
            raise FileError(
                f"{shown(path)}, line {number}: file {row['file']!r}, split {row.get('split')!r}; "
                f"expected a file's name, and {_PARTS}"
            )
        # one row a label is how many tools write it
        file = files.setdefault(
            _listed(path.parent, row["file"]), {"classes": set(), "split": set(), "group": set()}
        )
        names = (name.strip() for name in (row["classes"] or "").split(";"))
        file["classes"].update(name for name in names if name)
        file["split"].add(part_named(part) or "")
        file["group"].add((row.get("group") or "").strip())
    _check_one_each(path, files)
    return _collection(path, files)


def read_list_text(path: Path) -> str:
    """The text of a list. Raises FileError if it is no UTF-8."""
    try:
        return read_text(path, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise FileError(f"{shown(path)} cannot be read: {reason}") from error


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    # not by lines: a quoted file name may hold a line break
    text = read_list_text(path)
    head = text.split("\n", 1)[0]
    sign = "," if "," in head else max("\t;", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        columns, rows = set(reader.fieldnames or ()), list(enumerate(reader, 2))
    except csv.Error as error:
        raise FileError(f"{shown(path)} is no CSV list ({error}); expected file,classes") from error
    if not {"file", "classes"} <= columns:
        raise FileError(
            f"{shown(path)} has the columns {', '.join(sorted(columns)) or 'of nothing'}; expected "
            "`file`, `classes` and perhaps `split` and `group`"
        )
    if "split" not in columns:
        _find_split(path, columns, [row for _, row in rows])
    return rows


def _find_split(path: Path, columns: set[str], rows: list[dict[str, str]]) -> None:
    """Name the column that tells the parts `split` in every row, if one does: no test picture may
    train because a column is called otherwise."""
    for name in sorted(columns - {"file", "classes", "group"}):
        cells = {(row[name] or "").strip() for row in rows}
        if len(cells) > 1 and all(map(part_named, cells)):
            for row in rows:
                row["split"] = row[name]
            return
        about = part_named(re.sub(r"^is[ _-]?", "", name.lower()))
        if about and {cell.lower() for cell in cells} <= _YES_OR_NO:
            raise FileError(
                f"{shown(path)} has the column {name}; expected `split` with train and test in it"
            )


def _listed(folder: Path, name: str) -> Path | str:
    """The file of a name in a list, which Windows may have written; an address as it is."""
    if is_address(name):
        return name
    file = folder / name
    if "\\" in name and not file.exists():
        other = folder / name.replace("\\", "/")
        return other if other.exists() else file
    return file


def _check_one_each(path: Path, files: dict[Path | str, dict[str, set[str]]]) -> None:
    for file, columns in files.items():
        for name in ("split", "group"):
            if len(columns[name]) > 1:
                found = " and ".join(repr(value) for value in sorted(columns[name]))
                raise FileError(
                    f"{shown(path)} puts {shown(file)} into the {name} {found}; expected one"
                )
    parts = {part for columns in files.values() for part in columns["split"]}
    if "" in parts and len(parts) > 1:
        raise FileError(f"{shown(path)} gives some pictures a split; expected all of them or none")


def _collection(path: Path, files: dict[Path | str, dict[str, set[str]]]) -> Collection:
    classes = sorted(set().union(*(columns["classes"] for columns in files.values())))
    if not classes:
        raise FileError(f"{shown(path)} names no class; expected pictures with classes")
    there = {
        file: columns for file, columns in files.items() if isinstance(file, str) or file.exists()
    }
    if not there:
        raise FileError(
            f"{shown(path)} names {len(files):,} files, and none is there, such as "
            f"{shown(next(iter(files)))}; expected names relative to the list's folder"
        )
    truth = np.array(
        [[1 if c in columns["classes"] else -1 for c in classes] for columns in there.values()],
        dtype=np.int8,
    )
    part, group = (
        tuple(next(iter(columns[name])) for columns in there.values())
        for name in ("split", "group")
    )
    return Collection(
        cast("tuple[Path, ...]", tuple(there)),  # those that read features know addresses
        tuple(classes),
        truth,
        settled(part),
        tuple(Skipped(str(f), "is not there") for f in files if f not in there),
        group if any(group) else (),
    )
