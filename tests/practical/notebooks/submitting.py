"""Submissions for the tests: a student's notebook with other code in the cells of its tasks."""

import json
from dataclasses import dataclass
from pathlib import Path

import jupytext

from chainrule.errors import InputError
from chainrule.practical.notebooks.checking import ROOMS, answered, parts_of
from chainrule.practical.notebooks.checks.parts import judged
from chainrule.practical.notebooks.grading.session import Limits, Session
from chainrule.practical.notebooks.sources import source, student

SUBMITTED = Path(__file__).parent / "submitted"


def confines():
    """Whether this system lets a submission be shut in."""
    try:
        Session(Limits()).close()
    except InputError:
        return False
    return True


def submit(folder, number, answers, change=lambda cells: cells):
    """Write notebook `number` with these answers, by task, and give its path."""
    document = json.loads(student(number))
    for cell in document["cells"]:
        task = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if task in answers:
            cell["source"] = answers[task]
    document["cells"] = change(document["cells"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / source(number).file_name
    path.write_text(json.dumps(document), "utf-8")
    return path


@dataclass(frozen=True)
class Answer:
    """An answer to a task: its code, and for a wrong one a part of its sentence, and its points."""

    task: str
    code: str
    says: str
    points: float | None


def written(number, kind):
    """The submitted answers of a kind ("wrong" or "right") to a notebook.

    Those in `unseen` were written before the checks were looked at.
    """
    for folder in (SUBMITTED, SUBMITTED / "unseen"):
        text = (folder / f"{number}_{ROOMS[number]}.md").read_text("utf-8")
        for cell in jupytext.reads(text, fmt="md").cells:
            if kind in cell.metadata:
                found = cell.metadata
                says = found["says" if kind == "wrong" else "written"]
                yield Answer(found[kind], cell.source, says, found.get("points"))


def verdict(number, answer):
    """What the notebook's own check makes of an answer, in this process."""
    space = {}
    for code in (*source(number).given(), answer.code):
        exec(compile(code, "<ipython-input>", "exec"), space)
    return judged(parts_of(answer.task), answered(answer.task, space.get(answer.task)))
