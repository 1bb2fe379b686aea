"""The solved notebooks: they run from start to end, have every point, and answer quickly."""

import json
import time

import nbformat
import pytest

from chainrule.practical.notebooks.checking import ROOMS, check, parts_of
from chainrule.practical.notebooks.grading.notebook import grade_notebook
from chainrule.practical.notebooks.grading.session import Limits
from chainrule.practical.notebooks.sources import solved, source
from practical.notebooks.submitting import confines


def functions(number):
    """The solved tasks, defined as the notebook defines them."""
    space = {}
    for cell in json.loads(solved(number))["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name.startswith("given_") or any(name == task.name for task in source(number).tasks):
            exec(cell["source"], space)
    return {task.name: space[task.name] for task in source(number).tasks}


@pytest.mark.parametrize("number", ROOMS)
def test_they_have_every_point(number, tmp_path):
    path = tmp_path / source(number).file_name
    path.write_text(solved(number), "utf-8")
    results = grade_notebook(path, source(number), Limits(seconds=60, confined=confines()))
    assert [(r.name, r.points) for r in results] == [
        (task.name, task.points) for task in source(number).tasks
    ]


@pytest.mark.parametrize("number", ROOMS)
def test_a_check_answers_in_less_than_two_seconds(number, capsys):
    """Of the processor, once what the notebook's first cells import is there."""
    for name, function in functions(number).items():
        parts_of(name)
        begun = time.process_time()
        check(name, function)
        assert time.process_time() - begun < 2
        assert capsys.readouterr().out == f"{name}: right.\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", ROOMS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own packages
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_they_run_from_start_to_end(number, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.reads(solved(number), 4)
    paths = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=paths).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(output.get("text", "") for output in outputs)
    for task in source(number).tasks:
        assert f"{task.name}: right." in printed
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1
    assert not [output for output in outputs if output.get("name") == "stderr"], outputs
