"""A reader of lines as a file."""

import os
from importlib.resources import as_file, files

from chainrule.chain import load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.reader.reader import Reader

KIND = "line reader"
FAST = "fast"  # the name that stands for the package's small reader


def load_reader(path: str | os.PathLike[str] | None = None) -> Reader:
    """Read a reader's file, or, without a path, the package's own, which reads `european`.

    "fast" is the package's small one, for clean print in printable ASCII.

    Raises FileError if it cannot be read, is cut off or is no reader of lines.
    """
    if path is None or str(path) == FAST:
        name = f"{FAST if path else 'reader'}.safetensors"
        with as_file(files("chainrule.reader") / "data" / name) as shipped:
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
        return Reader(chain, parameters, alphabet, between, ranges, whole=whole)
    except InputError as error:
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
        },
    )
