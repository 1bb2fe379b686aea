"""What one section of the report holds. The page and the JSON document are made from it."""

import io
from dataclasses import dataclass, field
from typing import Any, Literal

Agreement = Literal["yes", "partly", "no", "not stated"]
_DOTS_PER_INCH = 192
NOT_STATED = "not stated here"  # for a figure of the original's that is not known


@dataclass(frozen=True)
class Figure:
    """A picture with its caption: `content` is an SVG document, or a PNG, JPEG or GIF file.

    `alt` says what the picture shows to those who don't see it; without it the caption does.
    """

    content: bytes
    kind: str  # "svg", "png", "jpeg" or "gif"
    caption: str
    wide: bool = False  # use the page's whole width
    alt: str = ""

    @classmethod
    def drawn(
        cls,
        figure: Any,
        caption: str,
        *,
        kind: str = "svg",
        wide: bool = False,
        alt: str = "",
        colours: int | None = None,
    ) -> "Figure":
        """Take a Matplotlib figure; the same figure gives the same bytes on any day.

        SVG suits lines; PNG (at twice the screen's resolution) suits images and many points, JPEG
        photographs.
        colours: of a PNG, keep so many (to 256), which makes it a third as large; not for
        photographs.
        """
        import matplotlib as mpl

        stream = io.BytesIO()
        if kind == "svg":
            with mpl.rc_context({"svg.hashsalt": "chainrule"}):
                figure.savefig(stream, format="svg", metadata={"Date": None})
        else:
            figure.savefig(stream, format=kind, dpi=_DOTS_PER_INCH)
        content = stream.getvalue() if colours is None else _with_few_colours(stream, colours)
        return cls(content, kind, caption, wide, alt)


@dataclass(frozen=True)
class Row:
    """One line of the side-by-side table: what was measured, the original's figure, this run's."""

    what: str
    original: str
    here: str


@dataclass(frozen=True)
class Table:
    """A further table of the section: `header` and `rows` hold text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    r"""One question of the original report, answered again.

    Texts are plain text; a blank line starts a paragraph, `$...$` holds a formula in LaTeX,
    `$$...$$` one on a line of its own, backquotes a command or name; a backslash before a dollar
    sign or a backquote keeps it as it is. `results` is what `results.json` says of the section:
    JSON values only.
    """

    number: str  # "1.2.B", as the report numbers it
    title: str
    question: str  # in our own words
    original: str  # what the original reported
    found: str  # what this run found
    verdict: str  # one or two sentences: what agrees, what doesn't and why
    comparison: tuple[Row, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    results: dict[str, Any] = field(default_factory=dict)
    agrees: Agreement = "not stated"  # does this run agree with the original?
    headline: Row | None = None  # the section's line in the table at the top

    @property
    def summary(self) -> Row:
        """The section's line in the table at the top: the headline, or the first comparison."""
        if self.headline is not None:
            return self.headline
        if self.comparison:
            return self.comparison[0]
        return Row(self.title, NOT_STATED, "see the section")


def _with_few_colours(png: io.BytesIO, colours: int) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(png) as image:
        few = image.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    few.save(stream, "PNG", optimize=True, dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return stream.getvalue()
