"""What one section of the report holds. The page and the JSON document are made from it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A picture with its caption: `content` is an SVG document or the bytes of a PNG file."""

    content: bytes
    kind: str  # "svg" or "png"
    caption: str
    wide: bool = False  # use the page's whole width


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
    """One question of the original report, answered again.

    Texts are plain text; `$...$` holds a formula in LaTeX and a blank line starts a paragraph.
    `results` is what `results.json` says of the section: JSON values only.
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
