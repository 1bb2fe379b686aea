"""What an answer raised, in a few words."""

from typing import Any

LONGEST = 200  # characters of an exception's text
LONGEST_SENTENCE = 500
_CELL_FILES = ("ipython-input", "ipykernel")


def describe(error: BaseException) -> dict[str, Any]:
    """An exception's type and text, and the line of the cell in which it was raised, if in one."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if any(part in trace.tb_frame.f_code.co_filename for part in _CELL_FILES):
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # an exception of the answer's own, whose text raises another
        text = ""
    return {"type": type(error).__name__, "text": str(text)[:LONGEST], "line": line}


def plain(text: str) -> str:
    """A submission's text in one line, bounded, without what moves a terminal's cursor."""
    printable = "".join(
        c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return " ".join(printable.split())[:LONGEST_SENTENCE]


def sentence(described: dict[str, Any]) -> str:
    """The same as a part of a sentence; what it says is cut and its line breaks are gone."""
    kind = plain(str(described.get("type")))[:60]
    if kind == "NotImplementedError":
        return "it is not written yet"
    if kind == "MemoryError":
        return "it wanted more memory than there is"
    text = plain(str(described.get("text", "")))[:LONGEST]
    line = described.get("line")
    where = f" in line {line} of its cell" if isinstance(line, int) else ""
    return f"it raised {kind}{where}" + (f": {text}" if text else "")
