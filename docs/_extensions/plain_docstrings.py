"""Docstrings are plain text with formulas set out by hand: show them as they are written.

Lines that are indented by four or more are kept as they stand, in a block of their own; the rest
is text, in which only `names in back-quotes` mean something.
"""

import re
from typing import Any

from sphinx.application import Sphinx

_INDENT = 4


def setup(app: Sphinx) -> dict[str, Any]:
    """Rewrite each docstring that autodoc reads as reStructuredText."""
    app.connect("autodoc-process-docstring", _rewrite)
    app.connect("autodoc-skip-member", _skip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _rewrite(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    lines[:] = as_restructured_text(lines)


def _skip(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave out what Python itself writes about the fields of a named tuple."""
    return True if (getattr(obj, "__doc__", "") or "").startswith("Alias for field") else None


def as_restructured_text(lines: list[str]) -> list[str]:
    """The lines of a docstring as lines of reStructuredText."""
    result: list[str] = []
    literal = doctest = False
    for line in lines:
        if line.startswith(">>>"):
            doctest = True
        elif not line.strip():
            doctest = False
        indented = line.startswith(" " * _INDENT)
        if line.strip() and indented != literal and not doctest:
            result += ["", "::", ""] if indented else [""]
            literal = indented
        result.append(line if doctest or indented or not line.strip() else _escape(line))
    return result


def _escape(line: str) -> str:
    """Text in which no character means anything, but for `code` in back-quotes."""
    parts = re.split(r"(`+[^`]+`+)", line)
    return "".join(
        f"``{part.strip('`')}``" if i % 2 else re.sub(r"([*|_\\`])", r"\\\1", part)
        for i, part in enumerate(parts)
    )
