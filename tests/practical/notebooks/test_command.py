"""`chainrule practical new` and `solve`: what is laid down."""

import json
import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from chainrule.practical.notebooks.checking import ROOMS, parts_of
from chainrule.practical.notebooks.sources import solved, source, student
from chainrule.report.contents import PARTS
from chainrule.report.page import anchor


def test_new_and_solve_lay_down_every_notebook(command, tmp_path):
    for word, make in (("new", student), ("solve", solved)):
        result = command("practical", word, tmp_path / word)
        assert result.returncode == 0, result.stderr
        for number in ROOMS:
            assert (tmp_path / word / source(number).file_name).read_text("utf-8") == make(number)


def test_new_touches_no_notebook_that_is_there(refused, tmp_path):
    (tmp_path / source(1).file_name).write_text("mine")
    assert "has 1_two_layer_network.ipynb already" in refused("practical", "new", tmp_path)
    assert (tmp_path / source(1).file_name).read_text() == "mine"


def test_what_cannot_be_graded_is_refused(refused, tmp_path):
    assert "is no folder" in refused("practical", "grade", tmp_path / "none")
    assert "has no notebooks" in refused("practical", "grade", tmp_path)
    assert "--json, too" in refused("practical", "grade", tmp_path, "--json", "--csv")


@pytest.mark.parametrize("number", ROOMS)
def test_the_notebooks_are_notebooks_and_each_task_has_its_check(number):
    for text in (student(number), solved(number)):
        nbformat.validate(json.loads(text))
    for task in source(number).tasks:
        assert sum(part.points for part in parts_of(task.name)) == task.points


@pytest.mark.parametrize("number", ROOMS)
def test_no_line_of_a_solution_is_in_the_students_notebook(number):
    given = {line.strip() for line in student(number).splitlines()}
    cells = zip(
        json.loads(student(number))["cells"], json.loads(solved(number))["cells"], strict=True
    )
    differing = 0
    for open_cell, closed in cells:
        if open_cell == closed:
            continue
        differing += 1
        stub = set(open_cell["source"].splitlines())
        for line in set(closed["source"].splitlines()) - stub:
            assert json.dumps(line.strip()) not in given, line
    assert differing >= len(source(number).tasks)


@pytest.mark.parametrize("number", ROOMS)
def test_a_students_notebook_has_no_outputs(number):
    cells = json.loads(student(number))["cells"]
    assert all(not cell.get("outputs") for cell in cells)
    tasks = [c["source"] for c in cells if "task" in str(c["metadata"].get("nbgrader"))]
    assert sum("raise NotImplementedError" in text for text in tasks) == len(source(number).tasks)
    assert jupytext.reads(student(number), fmt="ipynb").cells


def test_links_to_the_report_lead_to_its_sections():
    sections = {anchor(question.number) for part in PARTS for question in part.questions}
    for number in ROOMS:
        links = re.findall(r"\]\(([^)]*)\)", student(number))
        assert links
        for link in links:
            page, _, section = link.partition("#")
            assert page == "report/index.html"
            assert section in sections


def test_the_guide_for_teachers_has_every_task_and_its_points():
    page = Path(__file__).parents[3] / "docs" / "how-to" / "practical.md"
    text = page.read_text("utf-8")
    rows = re.findall(r"^\| (\d)\.\d `(\w+)` \| (\d+) \|", text, re.MULTILINE)
    tasks = [(str(n), task.name, str(task.points)) for n in ROOMS for task in source(n).tasks]
    assert rows == tasks
    assert f"{sum(int(points) for *_, points in rows)} points for tasks" in text
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    for task in (task for n in ROOMS for task in source(n).tasks):
        parts = [f"{part.asks}: {part.points:g}" for part in parts_of(task.name)]
        if len(parts) > 1:
            assert rows.pop(task.name).replace(" > ", ", ") == ", ".join(parts)
    assert not rows
