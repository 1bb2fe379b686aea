"""What an experiment gives: a typed value that knows its facts, its pictures and its tables.

The words around them are in the template of the same name.
"""

import io
import re
from dataclasses import dataclass
from typing import Any

from chainrule.report.facts.values import Found

_DOTS_PER_INCH = 192  # twice a screen's
_QUALITY = 75  # of WebP: at twice a screen's pixels nothing is seen to be missing


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
    return Figure(name, _smaller(stream.getvalue().decode("utf-8")).encode("utf-8"), "svg", wide)


def picture(name: str, figure: Any, *, wide: bool = False, exact: bool = False) -> Figure:
    """Take a Matplotlib figure of pixels or very many points as WebP, at twice a screen's pixels.

    exact: no pixel is changed; a photograph is four times as large then.
    """
    from PIL import Image

    drawn, stream = io.BytesIO(), io.BytesIO()
    # as it is, since it is taken apart again at once
    figure.savefig(drawn, format="png", dpi=_DOTS_PER_INCH, pil_kwargs={"compress_level": 0})
    with Image.open(drawn) as image:
        pixels = image.convert("RGB")
    if exact:
        pixels.save(stream, "WEBP", lossless=True, quality=100, method=6)
    else:
        pixels.save(stream, "WEBP", quality=_QUALITY)
    return Figure(name, stream.getvalue(), "webp", wide)


def _smaller(svg: str) -> str:
    """The same drawing with numbers to a hundredth of a point, and without what nobody sees."""
    unseen = r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>"
    svg = re.sub(unseen, "", svg, flags=re.DOTALL)
    svg = re.sub(r"-?\d+\.\d{3,}", lambda found: _shorter(float(found[0])), svg)
    svg = re.sub(r"\s+", " ", svg).strip()
    svg = _with_short_names(svg)
    return re.sub(r" ?([MLQCZ]) ?", r"\1", svg.replace("> <", "><"))


def _with_short_names(svg: str) -> str:
    """Names of a few letters for what is referred to, none for all else."""
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    short = {name: f"n{number}" for number, name in enumerate(used)}
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", svg)
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda m: m[1] + short[m[2]], svg)


def _shorter(number: float) -> str:
    """To a hundredth; a number below 1 may be a scale and keeps six decimals."""
    text = f"{number:.2f}" if abs(number) >= 1 else f"{number:.6f}"
    return text.rstrip("0").rstrip(".") or "0"
