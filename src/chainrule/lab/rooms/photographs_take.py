"""What is taken away from an album: the model, its list and what it says, for the command line."""

import csv
import io
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import InputError
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.rooms.photographs_albums import classes_of

NAMES = ("model.safetensors", "judged.json", "train.sh", "pictures.csv", "answers.csv")


def commands(album: Record, files: Sequence[Kept]) -> dict[str, str]:
    """The command lines that do the same on the folder that was dropped."""
    train = ["chainrule", "images", "train", _folder(files), "--out", "model.safetensors"]
    train += ["--class-weight", "balanced"] if album.settings["balanced"] else []
    train += ["--seed", str(album.settings["seed"])] if album.settings["seed"] else []
    return {
        "train": shlex.join(train),
        "predict": "chainrule images predict model.safetensors",
    }


def taken(name: str, folder: Path, album: Record, files: Sequence[Kept]) -> bytes:
    """The content of one of NAMES but answers.csv. Raises InputError if it is not there yet."""
    if name == "train.sh":
        return (commands(album, files)["train"] + "\n").encode()
    if name == "pictures.csv":
        return _list(files).encode()
    path = folder / name
    if name not in ("model.safetensors", "judged.json") or not path.exists():
        raise InputError("the album has no such file yet; expected its classifier to be trained")
    return path.read_bytes()


def _folder(files: Sequence[Kept]) -> str:
    """The one folder that all pictures of classes lie in; else the one that holds the folders."""
    first = {file.parts[0] for file in classes_of(files).files}
    classes = set(classes_of(files).classes)
    return first.pop() if len(first) == 1 and not first <= classes else "."


def _list(files: Sequence[Kept]) -> str:
    """The pictures with their classes, as `read_collection` takes a list."""
    found = classes_of(files)
    stream = io.StringIO(newline="")
    writer: Any = csv.writer(stream, lineterminator="\n")
    writer.writerow(("file", "classes", "split"))
    for i, file in enumerate(found.files):
        name = found.classes[int((found.truth[i] == 1).argmax())]
        writer.writerow((file.as_posix(), name, found.part[i]))
    return stream.getvalue()
