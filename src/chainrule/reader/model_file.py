"""A reader of lines as a file."""

import os
from importlib.resources import as_file, files

from chainrule.chain import load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.reader.confidence import USUAL, Calibration
from chainrule.reader.reader import Reader
from chainrule.reader.search.shapes import Shapes

KIND = "line reader"
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
        ranges, whole = metadata.get("ranges"), metadata.get("whole") is True
        counts = metadata.get("shapes")
        shapes = counts and {str(one): int(count) for one, count in counts.items()}
        zoom = float(metadata.get("zoom", 1.0))
        calibration = Calibration(*map(float, metadata.get("calibration", USUAL)))
        return Reader(
            chain,
            parameters,
            alphabet,
            between,
            ranges,
            whole=whole,
            zoom=zoom,
            shapes=None if shapes is None else Shapes(shapes),
            calibration=calibration,
        )
    except (AttributeError, InputError, TypeError, ValueError) as error:
        raise FileError(f"{path}: {error}") from error


def save_reader(path: str | os.PathLike[str], reader: Reader) -> None:
    """Write a reader, its parameters in float16. Raises FileError."""
    halves = {name: value.half() for name, value in reader.parameters.items()}
    save_chain(
        path,
        reader.chain,
        halves,
        {
            "kind": KIND,
            "alphabet": reader.alphabet,
            "between": list(reader.between),
            "ranges": reader.ranges and dict(reader.ranges),
            "whole": reader.whole,
            "zoom": reader.zoom,
            "shapes": None if reader.shapes is None else dict(reader.shapes.counts),
            "calibration": list(reader.calibration),
        },
    )
