"""Otter itself takes the notebooks: `make otter`, which installs it beside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.grading.notebook import grade_notebook
from chainrule.practical.notebooks.grading.session import Limits
from chainrule.practical.notebooks.otter import master
from chainrule.practical.notebooks.sources import solved, source
from practical.notebooks.submitting import confines


def otter(folder, *arguments):
    """Run Otter's own command in a folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = subprocess.run(
        [sys.executable, "-m", "otter", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


def assigned(folder, number, *options):
    """What `otter assign` makes of a notebook: the students' one, and the autograder."""
    (folder / source(number).file_name).write_text(master(number), "utf-8")
    otter(folder, "assign", *options, source(number).file_name, "made")
    (autograder,) = (folder / "made" / "autograder").glob("*.zip")
    return folder / "made" / "student" / source(number).file_name, autograder


@pytest.mark.parametrize("number", ROOMS)
def test_otter_makes_an_assignment_without_answers(number, tmp_path):
    student, _ = assigned(tmp_path, number, "--no-run-tests")
    given = student.read_text("utf-8")
    for task in source(number).tasks:
        assert f"def {task.name}(" in given
        assert f'grader.check(\\"{task.name}\\")' in given
    for cell in json.loads(solved(number))["cells"]:
        if "# BEGIN SOLUTION" in cell["source"]:
            answer = cell["source"].partition("# BEGIN SOLUTION")[2].strip().splitlines()[0]
            assert json.dumps(answer)[1:-1] not in given


def test_otter_grades_the_solved_in_full_and_a_part_in_part(tmp_path):
    student, autograder = assigned(tmp_path, 2)  # which runs the tests on the answers
    document = json.loads(student.read_text("utf-8"))
    answers = {
        cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["source"]
        for cell in json.loads(solved(2))["cells"]
    }
    bias = " + b[:, np.newaxis, np.newaxis]"
    assert bias in answers["convolution"]
    for forgotten, points in (("", 9), (bias, 8)):
        for cell in document["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if cell["cell_type"] == "code" and name in answers:
                cell["source"] = answers[name].replace(forgotten, "")
        handed_in = tmp_path / source(2).file_name
        handed_in.write_text(json.dumps(document), "utf-8")
        otter(tmp_path, "run", "-a", str(autograder), "-o", str(tmp_path), handed_in.name)
        results = json.loads((tmp_path / "results.json").read_text("utf-8"))["tests"]
        assert sum(result.get("score", 0) for result in results) == points
        said = "".join(result["output"] for result in results)
        assert ("the bias is missing" in said) == bool(forgotten)
        # and what is handed in to Otter is graded by ours alike
        ours = grade_notebook(handed_in, source(2), Limits(60, confined=confines()))
        assert sum(result.points for result in ours) == points
