"""What an experiment gives: a typed value that knows its facts, its pictures and its tables.

The words around them are in the template of the same name.
"""

import io
from dataclasses import dataclass
from typing import Any

from chainrule.report.facts.values import Found

_DOTS_PER_INCH = 192  # twice a screen's


class Finding:
    """The base of what experiments give; an experiment overrides what it has.

    The template's texts read the finding's fields and properties; see `Question` in `contents`.
    """

    def found(self) -> dict[str, Found]:
        """What was found for each of the question's facts, by id."""
        return {}

    def figures(self) -> tuple["Figure", ...]:
        """The pictures, in order."""
        return ()

    def tables(self) -> tuple["Table", ...]:
        """The tables of further figures, in order."""
        return ()

    def document(self) -> dict[str, Any]:
        """The question's `results` in `results.json`: JSON values only."""
        return {}


@dataclass(frozen=True)
class Figure:
    """A picture; the template's blocks `caption_NAME` and `alt_NAME` say what it shows.

    content: an SVG document, or a WebP file.
    """

    name: str
    content: bytes
    kind: str  # "svg" or "webp"
    wide: bool = False  # use the page's whole width


@dataclass(frozen=True)
class Table:
    """A table of text; the template's block `table_NAME` is its caption."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def chart(name: str, figure: Any, *, wide: bool = False) -> Figure:
    """Take a Matplotlib figure of lines and text as SVG; the same gives the same bytes any day."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "chainrule"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return Figure(name, stream.getvalue(), "svg", wide)


def picture(name: str, figure: Any, *, wide: bool = False, quality: int | None = None) -> Figure:
    """Take a Matplotlib figure of pixels or very many points as WebP, at twice a screen's pixels.

    quality: 1 to 100 for photographs; without it no pixel is changed.
    """
    from PIL import Image

    drawn, stream = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DOTS_PER_INCH)
    with Image.open(drawn) as image:
        pixels = image.convert("RGB")
    if quality is None:
        pixels.save(stream, "WEBP", lossless=True, quality=100, method=6)
    else:
        pixels.save(stream, "WEBP", quality=quality, method=6)
    return Figure(name, stream.getvalue(), "webp", wide)
