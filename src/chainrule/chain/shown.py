"""How a chain is shown: as it is typed, and as a table for notebooks."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from chainrule.blocks.block import Block

_INDENT = "    "


def as_typed(value: Any, indent: str = "") -> str:
    """A block as one types it: settings without a default first, then those that were changed.

    The layers of a chain take a line each.
    """
    if isinstance(value, tuple):
        items = ", ".join(as_typed(item, indent) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if not isinstance(value, Block) or not is_dataclass(value):
        return repr(value)
    settings = []
    for field in fields(value):
        setting = getattr(value, field.name)
        shown = _layers(setting, indent) if field.name == "layers" else as_typed(setting, indent)
        if field.default is MISSING and field.default_factory is MISSING:
            settings.append(shown)
        elif setting != field.default:
            settings.append(f"{field.name}={shown}")
    return f"{type(value).__name__}({', '.join(settings)})"


def _layers(layers: Any, indent: str) -> str:
    deeper = indent + _INDENT
    lines = "".join(f"{deeper}{as_typed(layer, deeper)},\n" for layer in layers)
    return f"[\n{lines}{indent}]" if lines else "[]"


def in_one_line(block: Any) -> str:
    """A block as one types it, on one line: for messages."""
    return " ".join(as_typed(block).split()).replace("[ ", "[").replace(", ]", "]")


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as HTML, every text escaped; columns that are empty throughout are left out."""
    rows = [list(row) for row in rows]
    kept = [c for c in range(len(header)) if any(row[c] for row in rows)]

    def line(tag: str, cells: Sequence[str]) -> str:
        inner = "".join(f"<{tag}>{html.escape(cells[c])}</{tag}>" for c in kept)
        return f"<tr>{inner}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"
