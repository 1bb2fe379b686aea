"""nbgrader itself takes the notebooks: `make nbgrader`, which installs it beside."""

import os
import sys
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from chainrule.practical.notebooks.sources import solved, source


def test_nbgrader_makes_an_assignment_of_the_solved_and_grades_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    bias = " + b[:, np.newaxis, np.newaxis]"
    assert bias in solved(2)
    for folder, forgotten in (
        ("source/one", ""),
        ("submitted/ann/one", ""),
        ("submitted/bob/one", bias),
    ):
        path = tmp_path / folder / source(2).file_name
        path.parent.mkdir(parents=True)
        path.write_text(solved(2).replace(forgotten, ""), "utf-8")
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    api = NbGraderAPI(config=config)
    result = api.generate_assignment("one")
    assert result["success"], result["log"]
    released = (tmp_path / "release" / "one" / source(2).file_name).read_text("utf-8")
    assert "def convolution(x, w, b):" in released
    assert bias not in released
    of = sum(task.points for task in source(2).tasks)
    for student, points in (("ann", of), ("bob", of - 1)):
        result = api.autograde("one", student)
        assert result["success"], result["log"]
        with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
            assert gradebook.find_submission("one", student).score == points
