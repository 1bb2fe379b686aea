"""The house: imports point one way, and what is light stays light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

PACKAGE = Path(chainrule.__file__).parent

# each room may import the rooms of the lines above its own, and itself
FLOORS = (
    ("errors",),
    ("io",),
    ("blocks", "executors"),
    ("chain",),
    ("checking", "training"),
    ("points", "glyphs", "reader", "images"),
    ("practical", "benchmarks"),
    ("report",),
    ("lab",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
BENCHES = {"points", "glyphs", "reader", "images"}
SIDEWAYS = {("reader", "glyphs")}


def imported(path):
    """The modules of chainrule that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level:
            continue  # the stubs of the packages' names
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "chainrule":
                names = [f"chainrule.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name for name in names if name.split(".")[0] == "chainrule")


def room(module):
    """The room of "chainrule.room.file", or None for the front door's own names."""
    name = ([*module.split("."), ""])[1]
    return name if name in FLOOR else None


def test_the_documentation_shows_these_floors():
    page = Path(__file__).parents[1] / "docs" / "architecture.md"
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page.read_text("utf-8"), re.MULTILINE)
    shown = {room: int(floor) for floor, room in rows}
    assert shown == {
        room: FLOOR[room] for room in FLOOR if (PACKAGE / room).exists() or room in shown
    }


def test_every_folder_is_a_room_that_has_a_floor():
    folders = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(FLOOR), folders - set(FLOOR)


def test_imports_point_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in FLOOR:
            continue  # the front door, which names all rooms
        for module in imported(path):
            other = room(module)
            if other is None or other == parts[0]:
                continue
            down = FLOOR[other] < FLOOR[parts[0]]
            between_benches = {other, parts[0]} <= BENCHES
            if (between_benches and (parts[0], other) not in SIDEWAYS) or (
                not down and not between_benches
            ):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not wrong, "\n".join(wrong)


HEAVY = ["torch", "numba", "sklearn", "scipy", "matplotlib", "cv2", "pandas"]


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("import chainrule", [*HEAVY, "numpy", "PIL"]),
        ("import chainrule; dir(chainrule); chainrule.errors", HEAVY),
        ("import chainrule.points", ["torch", "numba", "sklearn", "matplotlib"]),
        ("import chainrule.checking.derivatives", ["torch", "numba", "sklearn"]),
    ],
)
def test_what_an_import_leaves_out(code, without):
    script = f"{code}\nimport sys\nprint([m for m in {without!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_constraints_fit_every_index():
    """A local version ("+cpu") is only on the index that built it; PyPI has none."""
    text = (Path(__file__).parents[1] / "constraints.txt").read_text("utf-8")
    assert "+" not in text
    assert [line for line in text.splitlines() if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


COMPILED = ("njit", "compiled", "intrinsic")
# they take the compiled kernel's arrays one by one, as it does
OF_THE_KERNEL = {"sgd_with_errors", "_numpy", "_pytorch_steps"}


def functions():
    """(file and name, lines without the docstring, parameters) of all functions that are Python.

    The options of a command are its parameters, since the command line is made of them: they count
    neither as lines nor as parameters.
    """
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if any(word in ast.unparse(d) for d in node.decorator_list for word in COMPILED):
                continue
            arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            first = body[0].lineno if body else node.end_lineno
            head = node.body[0].lineno - node.lineno
            command = path.parent.name == "cli" and not node.name.startswith("_")
            lines = node.end_lineno - first + 1 + (0 if command else head)
            where = f"{path.relative_to(PACKAGE)}: {node.name}"
            yield where, lines, 0 if command else len(names)


def test_no_function_is_long_or_takes_many_parameters():
    found = list(functions())
    assert len(found) > 1000
    assert [where for where, lines, _ in found if lines > 60] == []
    many = [where for where, _, parameters in found if parameters > 8]
    assert [where for where in many if where.split()[-1] not in OF_THE_KERNEL] == []


def test_pointers_are_taken_from_arguments():
    """Numba frees a local array behind the last line that names it; a pointer does not count."""
    taken = 0
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or function.name == "address":
                continue
            arguments = {argument.arg for argument in function.args.args}
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "address":
                    taken += 1
                    (of,) = call.args
                    of = of.value if isinstance(of, ast.Attribute) else of
                    assert of.id in arguments, (path, function.name, ast.unparse(call))
    assert taken > 50


# what systems do differently, or what a killed run leaves: each in one file, or where it must be
ONE_PLACE = {
    r"sched_getaffinity|cpu_count": {"io/cores.py"},
    r"os\.fsync|os\.replace|os\.rename": {"io/files.py"},
    r"import (fcntl|msvcrt)": {"io/lock.py"},
    r"os\.kill\(": {"io/temporary.py", "practical/notebooks/grading/confine.py"},
    # the code in it travels to nodes that may not have the package
    r"TemporaryDirectory|mkdtemp|NamedTemporaryFile|mkstemp": {"training/ranks/process.py"},
    r"sys\.stdout\.buffer": {"io/mat_child.py"},
}


@pytest.mark.parametrize("words", ONE_PLACE)
def test_what_systems_do_differently_has_one_place(words):
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(words, path.read_text("utf-8"))
    }
    assert {name for name in found if not name.startswith("benchmarks/")} == ONE_PLACE[words]


def test_a_path_that_is_written_into_a_file_has_forward_slashes():
    """`relative_to` gives backslashes on Windows."""
    bare = re.compile(r"relative_to\([^()]*\)(?!\.as_posix\(\))")
    found = [path for path in PACKAGE.rglob("*.py") if bare.search(path.read_text("utf-8"))]
    assert {path.relative_to(PACKAGE).as_posix() for path in found} <= {
        "images/voc.py",  # is_relative_to, in both
        "practical/notebooks/grading/confine.py",
    }
