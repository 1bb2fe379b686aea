"""Submissions that are broken or mean harm get their sentence, and harm nobody."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from chainrule.practical.notebooks.grading.folder import grade_folders, submissions
from chainrule.practical.notebooks.grading.notebook import RIGHT, grade_notebook
from chainrule.practical.notebooks.grading.session import Limits, Session
from chainrule.practical.notebooks.sources import solved, source
from practical.notebooks.submitting import confines, submit

PATIENT, FAST = Limits(seconds=60), Limits(seconds=5)  # fast: where time must be up
RIGHT_STEP = """
def sgd_step(parameters, derivatives, learning_rate):
    return tuple(p - learning_rate * d for p, d in zip(parameters, derivatives))
"""


pytestmark = pytest.mark.skipif(not confines(), reason="no namespaces on this system")


def graded(tmp_path, answers, change=lambda cells: cells, limits=PATIENT):
    """The sentences by task, beside a right answer to sgd_step."""
    path = submit(tmp_path / "one", 1, {"sgd_step": RIGHT_STEP} | answers, change)
    results = {r.name: r for r in grade_notebook(path, source(1), limits)}
    assert all((r.points == r.of) == (r.message == RIGHT) for r in results.values())
    return {name: result.message for name, result in results.items()}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("while True:\n    pass", "the cell does not run: it was not done when its time was up"),
        ("import os\nos._exit(0)", "the cell does not run: it ended its process"),
        ("import sys\nsys.exit()", "the cell does not run: it raised SystemExit in line 2"),
        (
            "def loss_derivative(:\n    pass",
            "the cell does not run: it raised SyntaxError in line 1",
        ),
        ("def loss_derivative(a, b):\n    while True:\n        pass", "it was not done when"),
        ("def loss_derivative(a, b):\n    import ctypes\n    ctypes.string_at(0)", "it ended its"),
        (
            "def loss_derivative(a, b):\n    return np.ones((10, 1 << 27))",
            "it wanted more memory than there is",
        ),
        ("def loss_derivative(a, b):\n    return np.ones(1 << 24)", "too large to be right"),
        ("def loss_derivative(a, b):\n    return lambda: 1", "of type function; expected an array"),
        ("loss_derivative = 3", "there is no function loss_derivative"),
        (
            "import chainrule.points.network as n\nloss_derivative = n.loss_derivative",
            "it uses chainrule; the task is to write it yourself",
        ),
        (
            "import os\n\n\ndef everywhere(junk):\n    for stream in range(3, 40):\n        try:\n"
            "            os.write(stream, junk)\n        except OSError:\n            pass\n\n\n"
            "everywhere(b'junk\\n')",
            "the cell does not run: its answer is no value",
        ),
    ],
)
def test_what_breaks_gets_its_sentence_and_the_others_their_points(code, says, tmp_path):
    limits = FAST if "while True" in code else PATIENT
    messages = graded(tmp_path, {"loss_derivative": code}, limits=limits)
    assert says in messages["loss_derivative"]
    assert messages["sgd_step"] == RIGHT
    assert messages["derivatives"] == "it is not written yet"


def test_files_the_network_and_other_processes_are_out_of_reach(tmp_path):
    """Each harm is tried and then told, by the message of the exception that stopped it."""
    victim = tmp_path / "victim.txt"
    victim.write_text("here")
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    server = socket.create_server(("127.0.0.1", 0))
    harms = f"""
import os, socket, ctypes
done = []
def tried(harm):
    try:
        harm()
        done.append(harm.__name__)
    except OSError:
        pass
def removes(): os.remove({str(victim)!r})
def reads(): open({str(victim)!r}).read()
def kills(): os.kill({bystander.pid}, 9)
def connects(): socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 1)
def writes_to_python(): open({str(Path(json.__file__))!r}, "a").write("#")
def writes_to_us(): open({str(Path(__file__).parent / "harm")!r}, "w").write("#")
def gains():
    libc = ctypes.CDLL(None)
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) and libc.unshare(0x10000000):
        raise OSError
for harm in (removes, reads, kills, connects, writes_to_python, writes_to_us, gains):
    tried(harm)
raise RuntimeError("done: " + ", ".join(done))
"""
    try:
        message = graded(tmp_path, {"loss_derivative": harms})["loss_derivative"]
        assert message.endswith(" of its cell: done:"), message
        assert victim.read_text() == "here"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        server.close()


def test_other_submissions_are_out_of_reach_where_the_command_runs_beside_them(command, tmp_path):
    other = submit(tmp_path / "all" / "bob", 1, {"sgd_step": RIGHT_STEP})
    code = f"raise RuntimeError(open({str(other)!r}).read()[:9])"
    submit(tmp_path / "all" / "eve", 1, {"sgd_step": code})
    result = command("practical", "grade", ".", "--json", cwd=tmp_path / "all")
    eve = json.loads(result.stdout)["submissions"][1]
    messages = {task["name"]: task["message"] for task in eve["tasks"]}
    assert "FileNotFoundError" in messages["sgd_step"]


def processes(folder):
    """The processes that run submissions below this folder now, by their numbers."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"grading.child" in words and os.fsencode(folder) in words:
            found.add(path.parent.name)
    return found


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files that no other test has."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_nothing_goes_on_after_the_time_is_up(tmp_path, temporary):
    """Not even what leaves its process group and no longer ends with its parent."""
    code = """
import ctypes, os
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
try:
    os.setsid()
except OSError:
    pass
for _ in range(3):
    os.fork()
while True:
    pass
"""
    messages = graded(tmp_path, {"loss_derivative": code}, limits=FAST)
    assert "its time was up" in messages["loss_derivative"]
    assert processes(temporary) == set()


@pytest.mark.parametrize(
    "value",
    [
        "['x'] * 100_000 + ['y' * 1_000_000]",
        "{'a': {'b': [None]}}",
        "10**5000",
        "np.full(3, np.nan)",
        "[[1, 2], [3]]",
        "np.array(['a', 'b'])",
        "np.array([object()])",
        "type('L', (list,), {'__len__': lambda self: 10**12})()",
        "(lambda l: l.append(l) or l)([])",
    ],
)
def test_strange_values_are_wrong_and_nothing_more(value, tmp_path):
    code = f"def derivatives(*a):\n    return {value}, {value}, {value}, {value}"
    one = f"def loss_derivative(a, b):\n    return {value}"
    messages = graded(tmp_path, {"derivatives": code, "loss_derivative": one})
    for task in ("derivatives", "loss_derivative"):
        assert messages[task] != RIGHT
        assert 0 < len(messages[task]) <= 500
    assert messages["sgd_step"] == RIGHT


def test_a_message_does_not_move_the_cursor(tmp_path):
    code = "raise ValueError('\\x1b[2Jgone\\n' + 'x' * 10_000)"
    message = graded(tmp_path, {"loss_derivative": code})["loss_derivative"]
    assert message.isprintable()
    assert len(message) < 500


def test_replacing_what_checks_use_gains_nothing(tmp_path):
    code = """
import builtins, sys, types
class Liar:
    def __getattr__(self, name): return lambda *a, **k: None
for name in ("chainrule", "chainrule.practical.notebooks", "chainrule.practical.notebooks.checks"):
    sys.modules[name] = Liar()
np.allclose = lambda *a, **k: True
def check(*a, **k): print("loss_derivative: right.")
def loss_derivative(y_hat, y): return np.zeros_like(y_hat)
"""

    def trusting(cells):
        for cell in cells:
            if cell["source"].startswith("check("):
                cell["source"] = "print('right')"
        return cells

    messages = graded(tmp_path, {"loss_derivative": code}, trusting)
    assert messages["loss_derivative"] == "ds/dy_hat is zero everywhere"
    assert messages["sgd_step"] == RIGHT


@pytest.mark.parametrize("change", ["deleted", "renamed", "twice"])
def test_cells_that_are_deleted_renamed_or_copied(change, tmp_path):
    def changed(cells):
        (own,) = [
            c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") == "sgd_step"
        ]
        if change == "deleted":
            cells.remove(own)
        elif change == "renamed":
            own["metadata"] = {}
        else:
            cells.append(own)
        return cells

    says = {
        "deleted": "its cell is gone from the notebook",
        "renamed": "a cell defines sgd_step, but it is not the task's",
        "twice": "there are 2 cells of this task",
    }
    assert graded(tmp_path, {}, changed)["sgd_step"].startswith(says[change])


def test_a_helper_in_a_cell_of_its_own_is_found_and_slow_cells_are_not_run(tmp_path):
    def helped(cells):
        code = (
            "import math\nimport time\ndef moved(p, d, r):\n    return p - r * d\ntime.sleep(3600)"
        )
        return [{"cell_type": "code", "source": code, "metadata": {}, "outputs": []}, *cells]

    answer = "def sgd_step(p, d, r):\n    return [moved(a, b, r) for a, b in zip(p, d)]"
    assert graded(tmp_path, {"sgd_step": answer}, helped)["sgd_step"] == RIGHT


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "the notebook is not there"),
        (b"{", "the file is no notebook"),
        (b"\xff\xfe", "the file is no notebook"),
        (b"[" * 100_000, "the file is no notebook"),
        (b'{"cells": 3}', "it has no list of cells"),
        (b'{"cells": [{"cell_type": "code", "source": 3, "metadata": []}]}', "its cell is gone"),
    ],
)
def test_files_that_are_no_notebooks(content, says, tmp_path):
    path = tmp_path / source(1).file_name
    if content is not None:
        path.write_bytes(content)
    assert all(says in r.message for r in grade_notebook(path, source(1), PATIENT))


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").write_text(solved(1))
    path = tmp_path / source(1).file_name
    path.symlink_to(tmp_path / "other")
    assert "not a link" in grade_notebook(path, source(1), PATIENT)[0].message


def test_the_command_grades_a_folder_and_resumes(command, tmp_path):
    folder = tmp_path / "all"
    submit(folder / "ann", 1, {})
    (folder / "bob").mkdir()
    (folder / "bob" / source(1).file_name).write_text(solved(1), "utf-8")
    document = json.loads(command("practical", "grade", folder, "--json").stdout)
    ann, bob = document["submissions"]
    assert set(ann) == {"folder", "points", "of", "tasks", "seconds"}
    assert (ann["folder"], ann["points"]) == ("ann", 0)
    assert [t["points"] for t in bob["tasks"][:5]] == [t["of"] for t in bob["tasks"][:5]]
    kept = (tmp_path / "all.grades.jsonl").read_text()
    table = list(csv.reader(io.StringIO(command("practical", "grade", folder, "--csv").stdout)))
    assert table[0] == ["folder", "task", "points", "of", "message"]
    assert len(table) == 1 + len(ann["tasks"]) + len(bob["tasks"])
    assert (tmp_path / "all.grades.jsonl").read_text() == kept  # nothing was graded again


def test_a_changed_notebook_is_graded_again(tmp_path):
    journal = tmp_path / "j.jsonl"
    submit(tmp_path / "all" / "ann", 1, {})
    (before,) = grade_folders(submissions(tmp_path / "all"), journal, PATIENT)
    submit(tmp_path / "all" / "ann", 1, {"sgd_step": RIGHT_STEP})
    (after,) = grade_folders(submissions(tmp_path / "all"), journal, PATIENT)
    assert (before.points, after.points) == (0, 2)


def test_nothing_is_left_in_the_temporary_folder(temporary):
    with Session(PATIENT) as session:
        assert session.run("import os\nopen('left', 'w').write('x')") is None
        assert list(temporary.iterdir())
        assert processes(temporary)
    assert list(temporary.iterdir()) == []
    assert processes(temporary) == set()
