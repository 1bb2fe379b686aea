"""A reader of lines as a file."""

import os
from collections.abc import Mapping
from importlib.resources import as_file, files
from typing import Any

from chainrule.chain import load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.io.checks import finite_number, whole_number
from chainrule.reader.confidence import USUAL, Calibration
from chainrule.reader.reader import Reader
from chainrule.reader.recognition import Whole
from chainrule.reader.search.shapes import Shapes

KIND = "line reader"
_ZOOMS = 0.1, 10.0  # the least and the most that a picture is enlarged
FAST, LARGE = "fast", "large"  # the names that stand for the package's readers


def load_reader(path: str | os.PathLike[str] | None = None) -> Reader:
    """Read a reader's file, or, without a path, the package's: its large one after its fast one.

    "fast" and "large" are these by themselves.

    Raises FileError if it cannot be read, is cut off or is no reader of lines.
    """
    if path is None:
        return load_reader(LARGE).after(load_reader(FAST))
    if str(path) in (FAST, LARGE):
        with as_file(files("chainrule.reader") / "data" / f"{path}.safetensors") as shipped:
            return load_reader(shipped)
    chain, parameters, metadata = load_chain(path)
    alphabet = metadata.get("alphabet")
    if metadata.get("kind") != KIND or not isinstance(alphabet, str):
        raise FileError(
            f"{path} holds {metadata.get('kind', 'another network')}; expected a {KIND}, as "
            "`chainrule reader train-lines` writes it"
        )
    try:
        share, offset = metadata["between"]
        between = float(share), float(offset)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"{path} has {metadata.get('between')!r} under 'between'; expected two numbers"
        ) from error
    try:
        ranges, whole = metadata.get("ranges"), _whole(metadata)
        calibration = Calibration(*map(float, metadata.get("calibration", USUAL)))
        return Reader(
            chain, parameters, alphabet, between, ranges, whole=whole, calibration=calibration
        )
    except (AttributeError, InputError, TypeError, ValueError) as error:
        raise FileError(f"{path}: {error}") from error


def save_reader(path: str | os.PathLike[str], reader: Reader) -> None:
    """Write a reader, its parameters in float16. Raises FileError."""
    halves = {name: value.half() for name, value in reader.parameters.items()}
    whole = reader.whole or Whole()
    save_chain(
        path,
        reader.chain,
        halves,
        {
            "kind": KIND,
            "alphabet": reader.alphabet,
            "between": list(reader.between),
            "ranges": reader.ranges and dict(reader.ranges),
            "whole": reader.whole is not None,
            "zoom": whole.zoom,
            "shapes": None if whole.shapes is None else dict(whole.shapes.counts),
            "calibration": list(reader.calibration),
        },
    )


def _whole(metadata: Mapping[str, Any]) -> Whole | None:
    """How the reader takes pictures whole, if it does. Files of before have neither a zoom nor
    shapes. Raises InputError."""
    if metadata.get("whole") is not True:
        return None
    counts = metadata.get("shapes")
    zoom = finite_number("zoom", metadata.get("zoom", 1.0), *_ZOOMS)
    if counts is None:
        return Whole(zoom)
    return Whole(zoom, Shapes({k: whole_number("shapes", n, 1) for k, n in counts.items()}))
