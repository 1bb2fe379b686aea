"""The solved notebooks as `otter assign` takes them: raw cells mark questions, answers and tests.

A part of a task is a test of its own, with its points; a question in words is graded by hand. The
cells keep nbgrader's metadata: `chainrule practical grade` takes what students hand in, too.
"""

from typing import Any

from chainrule.practical.notebooks.checking import parts_of
from chainrule.practical.notebooks.sources import Source, document, solved_cells, source

_ASSIGNMENT = """# ASSIGNMENT CONFIG
name: {name}
tests:
  ok_format: false
export_cell:
  pdf: false
generate:
  pdf: false
"""

_TEST = '''""" # BEGIN TEST CONFIG
points: {points:g}
""" # END TEST CONFIG
def test_{task}_{number}({task}):
    from chainrule.practical.notebooks import check
    check("{task}", {task}, {part!r})'''


def master(number: int) -> str:
    """The notebook with answers and Otter's marks, from which it makes the students', as JSON."""
    one = source(number)
    cells = [_raw(_ASSIGNMENT.format(name=one.file_name.removesuffix(".ipynb")))]
    for cell in solved_cells(number):
        cells += _marked(cell, one)
    return document(tuple(cells))


def _marked(cell: dict[str, Any], one: Source) -> list[dict[str, Any]]:
    """A cell between the marks that tell Otter what it is."""
    kinds = cell["metadata"]
    if "task" in kinds:
        name = str(kinds["task"])
        begin = f"# BEGIN QUESTION\nname: {name}\npoints: {one.points[name]:g}"
        return [_raw(begin), _raw("# BEGIN SOLUTION"), cell, _raw("# END SOLUTION")]
    if "check" in kinds:
        return [_raw("# BEGIN TESTS"), *_tests(str(kinds["check"])), *_ended("TESTS", "QUESTION")]
    if "question" in kinds:
        name, points = f"question_{kinds['question']}", kinds["points"]
        begin = f"# BEGIN QUESTION\nname: {name}\nmanual: true\npoints: {points:g}"
        return [_raw(begin), cell]
    if "answer" in kinds:
        return [_raw("# BEGIN SOLUTION"), cell, *_ended("SOLUTION", "QUESTION")]
    return [cell]


def _tests(task: str) -> list[dict[str, Any]]:
    return [
        _cell("code", _TEST.format(task=task, number=number, points=part.points, part=part.asks))
        for number, part in enumerate(parts_of(task), start=1)
    ]


def _ended(*blocks: str) -> list[dict[str, Any]]:
    return [_raw(f"# END {block}") for block in blocks]


def _raw(text: str) -> dict[str, Any]:
    return _cell("raw", text)


def _cell(kind: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "source": text, "metadata": {}}
