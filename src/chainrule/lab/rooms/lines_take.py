"""What is taken away from a sheet: its reader, its lines with their texts, and what was read."""

import io
import json
import shlex
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from chainrule.errors import InputError
from chainrule.lab.jobs.store import Kept, Record
from chainrule.lab.rooms.albums import Albums
from chainrule.lab.rooms.lines_sheet import TRUTH, flat_names

NAMES = ("model.safetensors", "trained.json", "train.sh", "lines.zip", "read.json")


def commands(sheet: Record) -> dict[str, str]:
    """The command lines that do the same with what is taken away."""
    read = ["chainrule", "reader", "read"]
    reader = sheet.settings["reader"]
    if reader != "package":
        read += ["--model", "model.safetensors" if reader == "yours" else reader]
    read += [] if sheet.settings["words"] else ["--words", "none"]
    found = {"read": shlex.join(read)}
    training = sheet.settings.get("training")
    if training is not None:
        found["train"] = shlex.join(_train(training))
    return found


def _train(training: dict[str, Any]) -> list[str]:
    words = ["chainrule", "reader", "train-lines"]
    words += (
        ["--lines", "lines", "--no-peers"] if training["on"] == "lines" else ["--fonts", "fonts"]
    )
    words += ["--model", training["start"], "--epochs", str(training["epochs"])]
    words += ["--alphabet", training["alphabet"]] if training["alphabet"] else []
    words += ["--seed", str(training["seed"])] if training["seed"] else []
    return [*words, "--out", "model.safetensors"]


def taken(
    name: str, sheets: Albums, sheet: Record, lines: Sequence[Kept], read: dict[str, Any]
) -> bytes:
    """The content of one of NAMES. Raises InputError if it is not there yet.

    read: what `reader read` answers of the lines, for read.json.
    """
    if name == "lines.zip":
        return _zip(sheets, sheet, lines)
    if name == "read.json":
        return json.dumps({"images": read["lines"]}, indent=1, allow_nan=False).encode()
    if name == "train.sh" and "training" in sheet.settings:
        return (commands(sheet)["train"] + "\n").encode()
    path = sheets.folder(sheet.id) / name
    if name not in ("model.safetensors", "trained.json") or not path.exists():
        raise InputError("the sheet has no such file yet; expected a reader to be trained")
    return path.read_bytes()


def _zip(sheets: Albums, sheet: Record, lines: Sequence[Kept]) -> bytes:
    """A folder `lines` that `reader train-lines --lines` takes."""
    stream = io.BytesIO()
    names = flat_names(lines)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for kept in lines:
            name = names[kept.number]
            archive.write(sheets.picture(sheet.id, kept.number), f"lines/{name}")
            if "truth" in kept.seen:
                stem = PurePosixPath(name).stem
                archive.writestr(f"lines/{stem}{TRUTH}", kept.seen["truth"] + "\n")
    return stream.getvalue()
