"""Figures as files."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import InputError
from chainrule.io.files import written_whole
from chainrule.io.names import shown

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo

SUFFIXES = (".png", ".svg", ".pdf")

MARK = b"chainrule"
"""What drawings name as the software that made them (a GIF: as its comment), so that a folder of
photographs can be told from the drawings in it."""


def check_figure_path(path: str | os.PathLike[str]) -> None:
    """Raise InputError unless the name ends in one of SUFFIXES: before the work is done."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"{shown(path)}: expected a name that ends in {', '.join(SUFFIXES)}")


def write_figure(path: str | os.PathLike[str], figure: Any, dots_per_inch: int = 150) -> None:
    """Write a Matplotlib figure, whole or not at all; the same figure gives the same bytes.

    Raises InputError on another suffix, FileError if the file cannot be written.
    """
    import matplotlib as mpl

    check_figure_path(path)
    kind = Path(path).suffix.lower()[1:]
    metadata = {
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": MARK.decode()},
    }[kind]
    with (
        written_whole(path) as temporary,
        mpl.rc_context({"svg.hashsalt": "chainrule"}),
        warnings.catch_warnings(),
    ):
        # a name in letters that Matplotlib's font lacks is drawn as boxes
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(temporary, format=kind, dpi=dots_per_inch, metadata=metadata)


def png_mark() -> "PngInfo":
    """The mark for a PNG that Pillow writes."""
    from PIL.PngImagePlugin import PngInfo

    found = PngInfo()
    found.add_text("Software", MARK.decode())
    return found
