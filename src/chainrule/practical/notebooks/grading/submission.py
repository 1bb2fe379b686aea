"""A submitted notebook, read: its tasks' cells, and what of its other cells they may need."""

import ast
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.io.texts import read_text
from chainrule.practical.notebooks.sources import Source

LARGEST = 50 << 20  # bytes of a notebook, with its pictures


class UnreadableNotebook(Exception):  # noqa: N818 (the sentence goes to the student)
    """A file that is no notebook: the sentence says why."""


@dataclass(frozen=True)
class Cell:
    """Code to run; task is the name of the task that it answers, or None."""

    code: str
    task: str | None


@dataclass(frozen=True)
class Submission:
    """What is to be run, in order, and what is wrong with tasks that have no cell to run."""

    cells: tuple[Cell, ...]
    missing: dict[str, str]


def read_submission(path: Path, source: Source) -> Submission:
    """The cells of a submitted notebook. Raises UnreadableNotebook."""
    found = [cell for cell in _cells(path) if cell.get("cell_type") == "code"]
    names = {task.name for task in source.tasks}
    ours = {code.strip() for code in source.given()}
    cells = [Cell(code, None) for code in source.given()]
    counts = dict.fromkeys(names, 0)
    for cell in found:
        code, task = _text(cell.get("source")), _grade_id(cell)
        if task in names:
            assert task is not None
            counts[task] += 1
            cells.append(Cell(code, task))
        elif code.strip() not in ours:
            helpers = _definitions(code)
            if helpers:
                cells.append(Cell(helpers, None))
    missing = {name: _why(name, counts[name], found) for name in names if counts[name] != 1}
    missing |= {
        cell.task: "it uses chainrule; the task is to write it yourself"
        for cell in cells
        if cell.task is not None and _uses_chainrule(cell.code)
    }
    return Submission(tuple(cell for cell in cells if cell.task not in missing), missing)


def _cells(path: Path) -> list[dict[str, Any]]:
    try:
        kind = os.lstat(path)
        if not stat.S_ISREG(kind.st_mode):
            raise UnreadableNotebook("the notebook is no plain file; expected one, not a link")
        if kind.st_size > LARGEST:
            raise UnreadableNotebook(f"the notebook has more than {LARGEST >> 20} MB")
        document = json.loads(read_text(path))
    except FileNotFoundError as error:
        raise UnreadableNotebook("the notebook is not there") from error
    except OSError as error:
        raise UnreadableNotebook(f"the notebook cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableNotebook("the file is no notebook: it is damaged, or not JSON") from error
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableNotebook("the file is no notebook of version 4: it has no list of cells")
    return cells


def _text(source: Any) -> str:
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _grade_id(cell: dict[str, Any]) -> str | None:
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = grading.get("grade_id") if isinstance(grading, dict) else None
    return name if isinstance(name, str) else None


def _why(name: str, count: int, found: list[dict[str, Any]]) -> str:
    if count > 1:
        return f"there are {count} cells of this task; expected one: copies keep its name"
    if any(f"def {name}(" in _text(cell.get("source")) for cell in found):
        return (
            f"a cell defines {name}, but it is not the task's: its name (nbgrader's grade_id) is "
            "gone; expected the answer in the cell that the notebook came with"
        )
    return "its cell is gone from the notebook; expected the cell that the notebook came with"


def _definitions(code: str) -> str:
    """The imports, functions and classes of a cell: what an answer may need, and nothing slow."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    kept = [
        node
        for node in tree.body
        if isinstance(node, kinds) and not (isinstance(node, kinds[:2]) and _names_us(node))
    ]
    return "\n\n".join(ast.unparse(node) for node in kept)


def _uses_chainrule(code: str) -> bool:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # it will say so when it is run
    return any(_names_us(node) for node in ast.walk(tree))


def _names_us(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] == "chainrule" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] == "chainrule"
    return isinstance(node, ast.Name) and node.id == "chainrule"
