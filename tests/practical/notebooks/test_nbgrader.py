"""The cells' metadata are nbgrader's: by its schema, and, where it is installed, by itself.

`nbgrader_v3.json` is the schema of nbgrader (copyright 2014 Project Jupyter Contributors, under the
licence that lies beside it), as its version 0.9.6 has it.
"""

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.sources import solved, source, student

SCHEMA = json.loads(Path(__file__).with_name("nbgrader_v3.json").read_text("utf-8"))


def grading(text):
    """nbgrader's metadata of the cells that have them, and the cells."""
    cells = json.loads(text)["cells"]
    return [(c["metadata"]["nbgrader"], c) for c in cells if "nbgrader" in c["metadata"]]


@pytest.mark.parametrize("number", ROOMS)
def test_the_metadata_fit_the_schema(number):
    for text in (student(number), solved(number)):
        found = grading(text)
        names = [metadata["grade_id"] for metadata, _ in found]
        assert len(set(names)) == len(names)
        for metadata, cell in found:
            jsonschema.validate(metadata, SCHEMA)
            assert ("points" in metadata) == metadata["grade"]
            assert metadata["locked"] != metadata["solution"]
            if metadata["grade"] and not metadata["solution"]:
                assert cell["source"].startswith("check(")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # nbgrader's own
def test_nbgrader_makes_an_assignment_of_the_solved_and_grades_the_solved(tmp_path, monkeypatch):
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

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
