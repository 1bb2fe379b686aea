"""The notebooks' text, in jupytext's Markdown, and the notebooks that are made from it.

`sources/` has what a student gets: tasks with an empty function, checks, questions. `answers/` has
the solved tasks and answered questions by name; only `solved` reads it. A cell says in its first
line what it is:

    given="name"     code that the tasks need; graders run it, too
    task="name"      a function to write
    check="name"     the cell that checks it, and its points
    answer="name"    a question's answer, in words, and its points (on the question's own cell)
    (nothing)        what there is to see

The metadata are nbgrader's, version 3 of its schema.
"""

import copy
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from chainrule.practical.notebooks.checking import ROOMS

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_SCHEMA = 3


@dataclass(frozen=True)
class Task:
    """A function to write, and its points."""

    name: str
    points: float


@dataclass(frozen=True)
class Source:
    """A notebook's text: its number, file name and tasks, and the cells as jupytext reads them.

    A cell is a dictionary with cell_type, source and metadata.
    """

    number: int
    file_name: str
    tasks: tuple[Task, ...]
    cells: tuple[dict[str, Any], ...]

    @property
    def title(self) -> str:
        """The heading, without its number."""
        first = str(self.cells[0]["source"]).splitlines()[0]
        return first.lstrip("# ").partition(" ")[2]

    @property
    def points(self) -> dict[str, float]:
        """Each task's points."""
        return {task.name: task.points for task in self.tasks}

    def given(self) -> list[str]:
        """The code that the tasks need, in order."""
        return [str(cell["source"]) for cell in self.cells if "given" in cell["metadata"]]


@cache
def source(number: int) -> Source:
    """The text of a notebook."""
    stem = f"{number}_{ROOMS[number]}"
    cells = _cells("sources", stem)
    tasks = tuple(
        Task(cell["metadata"]["check"], cell["metadata"]["points"])
        for cell in cells
        if "check" in cell["metadata"]
    )
    return Source(number, f"{stem}.ipynb", tasks, tuple(cells))


def student(number: int) -> str:
    """The notebook with its tasks open, as JSON text."""
    return document(source(number).cells)


def solved(number: int) -> str:
    """The notebook with its tasks solved and its questions answered, not yet run, as JSON text."""
    return document(solved_cells(number))


def solved_cells(number: int) -> tuple[dict[str, Any], ...]:
    """The cells with the tasks solved and the questions answered, as `Source` has them."""
    answers = {
        _key(cell): cell["source"] for cell in _cells("answers", f"{number}_{ROOMS[number]}")
    }
    cells = [copy.deepcopy(cell) for cell in source(number).cells]
    for cell in cells:
        if _key(cell) in answers:
            answer = answers.pop(_key(cell))
            cell["source"] = (
                _marked(cell["source"], answer) if "task" in cell["metadata"] else answer
            )
    assert not answers, f"answers to no task: {list(answers)}"
    return tuple(cells)


def _marked(stub: str, answer: str) -> str:
    """The answer with the marks that nbgrader and Otter know around what the student writes."""
    begins, lines = stub.splitlines(), answer.splitlines()
    same = 0
    while same < len(lines) and lines[same] == begins[same]:
        same += 1
    return "\n".join([*lines[:same], "    # BEGIN SOLUTION", *lines[same:], "    # END SOLUTION"])


def _key(cell: dict[str, Any]) -> tuple[str, str] | None:
    for kind in ("task", "answer"):
        if kind in cell["metadata"]:
            return kind, str(cell["metadata"][kind])
    return None


def _cells(folder: str, stem: str) -> list[dict[str, Any]]:
    import jupytext

    text = (resources.files(__package__) / folder / f"{stem}.md").read_text("utf-8")
    return [
        {"cell_type": cell.cell_type, "source": cell.source, "metadata": dict(cell.metadata)}
        for cell in jupytext.reads(text, fmt="md").cells
    ]


def document(cells: tuple[dict[str, Any], ...]) -> str:
    """The notebook of these cells, as JSON text."""
    points = {
        cell["metadata"]["question"]: cell["metadata"]["points"]
        for cell in cells
        if "question" in cell["metadata"]
    }
    made = {
        "cells": [_cell(number, cell, points) for number, cell in enumerate(cells)],
        "metadata": {"kernelspec": _KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, cell: dict[str, Any], points: dict[str, float]) -> dict[str, Any]:
    grading = _grading(cell["metadata"], points)
    name = grading["grade_id"] if grading else f"cell_{number}"
    made = {
        "cell_type": cell["cell_type"],
        "id": name.replace("_", "-")[:64],
        "metadata": {"nbgrader": grading} if grading else {},
        "source": cell["source"],
    }
    return made | ({"execution_count": None, "outputs": []} if made["cell_type"] == "code" else {})


def _grading(metadata: dict[str, Any], points: dict[str, float]) -> dict[str, Any] | None:
    """What nbgrader knows a cell by; None for one that it need not know."""
    for kind, grade, solution in (
        ("given", False, False),
        ("task", False, True),
        ("check", True, False),
        ("answer", True, True),
    ):
        if kind not in metadata:
            continue
        name = str(metadata[kind])
        worth = metadata.get("points", points.get(name)) if grade else None
        return {
            "grade": grade,
            "grade_id": name if kind == "task" else f"{kind}_{name}",
            "locked": not solution,
            "schema_version": _SCHEMA,
            "solution": solution,
            "task": False,
            **({"points": worth} if worth is not None else {}),
        }
    return None
