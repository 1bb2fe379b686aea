"""nbgrader itself takes the notebooks: `make nbgrader`, which installs it beside."""

import os
import sys
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from chainrule.practical.notebooks.sources import solved, source


def test_nbgrader_makes_an_assignment_of_the_solved_and_grades_the_solved(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for folder in ("source/one", "submitted/ann/one"):
        path = tmp_path / folder / source(1).file_name
        path.parent.mkdir(parents=True)
        path.write_text(solved(1), "utf-8")
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    api = NbGraderAPI(config=config)
    result = api.generate_assignment("one")
    assert result["success"], result["log"]
    released = (tmp_path / "release" / "one" / source(1).file_name).read_text("utf-8")
    assert "def loss_derivative(y_hat, y):" in released
    assert "np.abs(margin)" not in released
    result = api.autograde("one", "ann")
    assert result["success"], result["log"]
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        score = gradebook.find_submission("one", "ann").score
    assert score == sum(task.points for task in source(1).tasks)
