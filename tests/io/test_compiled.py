"""Compiled functions: kept where a folder can be written, made anew when their source changes."""

import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from chainrule.io import compiled as module
from chainrule.io.compiled import compiled

SOURCE = Path(module.__file__).parents[2]

ROOM = {
    "outer.py": """
from chainrule.io.compiled import compiled
from {room}.inner import add

@compiled
def twice(x):
    return add(x) + add(x)
""",
    "inner.py": """
from numba import njit
from {room}.constant import NUMBER

@njit(nogil=True)
def add(x):
    return x + {number} * NUMBER
""",
    "constant.py": "NUMBER = {number}\n",
    "other.py": "# nothing is compiled here: {number}\n",
}


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Write a package with a compiled function that calls one in another file, and import it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_said", [])

    def load(name="room", **numbers):
        (tmp_path / name).mkdir(exist_ok=True)
        for file, text in ROOM.items():
            number = numbers.get(file.removesuffix(".py"), 1)
            (tmp_path / name / file).write_text(text.format(room=name, number=number))
        for loaded in [n for n in sys.modules if n.split(".")[0] == name]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        module._stamp.cache_clear()
        return importlib.import_module(f"{name}.outer").twice

    return load


def hits(function):
    return sum(function.stats.cache_hits.values())


def test_it_is_compiled_once_and_kept_beside_the_source(room, tmp_path):
    first = room()
    assert (first(1), hits(first)) == (4, 0)
    second = room()
    assert (second(1), hits(second)) == (4, 1)
    assert list((tmp_path / "room" / "__pycache__").glob("outer.twice*.nbi"))


def test_a_change_in_another_file_that_is_compiled_is_seen(room):
    assert room()(1) == 4
    changed = room(inner=10)
    assert (changed(1), hits(changed)) == (22, 0)


def test_a_change_of_a_constant_that_is_compiled_in_is_seen(room):
    assert room()(1) == 4
    changed = room(constant=10)
    assert (changed(1), hits(changed)) == (22, 0)


def test_a_change_in_a_file_that_is_not_compiled_does_not_matter(room):
    assert room()(1) == 4
    same = room(other=2)
    assert (same(1), hits(same)) == (4, 1)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"\x00" * 50, b"cos\nsystem"])
def test_what_is_damaged_is_made_again(room, tmp_path, kind, damage):
    assert room()(1) == 4
    for path in (tmp_path / "room" / "__pycache__").glob(f"*.{kind}"):
        path.write_bytes(damage)
    again = room()
    assert (again(1), hits(again)) == (4, 0)
    healed = room()
    assert (healed(1), hits(healed)) == (4, 1)


def test_the_environment_names_the_folder(room, tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "named"))
    assert room()(1) == 4
    assert list((tmp_path / "named").rglob("*.nbi"))
    assert not list((tmp_path / "room").rglob("*.nbi"))


def test_without_a_folder_it_works_and_says_so_once(room, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module, "_folders", lambda source: [tmp_path / "file" / "folder"])
    with caplog.at_level(logging.WARNING, "chainrule"):
        assert room()(1) == 4
        assert room()(1.5) == 5.0
        compiled(lambda x: x)(1)
    (record,) = caplog.records
    assert record.getMessage() == (
        "compiled code cannot be kept (no folder for it can be written), so every start compiles "
        "anew; the variable NUMBA_CACHE_DIR can name a folder for it"
    )


def test_a_full_disk_costs_the_kept_code_only(room, monkeypatch, caplog):
    def full(self, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    with caplog.at_level(logging.WARNING, "chainrule"):
        assert room()(1) == 4
    (record,) = caplog.records
    assert "No space left on device" in record.getMessage()


def test_the_users_folder_is_none_without_a_home(monkeypatch):
    folder = module.AppDirs(appname="numba", appauthor=False).user_cache_dir
    assert [f.parent for f in module._folders(__file__)][-1] == Path(folder)
    monkeypatch.setattr(
        module, "AppDirs", lambda **names: type("Dirs", (), {"user_cache_dir": "~/a"})
    )
    assert [f.name for f in module._folders(__file__)] == ["__pycache__"]


def test_all_that_is_kept_is_kept_here():
    """Numba's own cache needs a folder that can be written, and misses changes in other files."""
    own = re.compile(r"njit\([^)]*cache|jit\([^)]*cache|vectorize\([^)]*cache")
    found = [p.name for p in SOURCE.rglob("*.py") if own.search(p.read_text(encoding="utf-8"))]
    assert not found


UNPRIVILEGED = """
import ctypes, os, sys
if os.geteuid() == 0:  # may write anywhere, unless it gives that up (CAP_DAC_OVERRIDE)
    ctypes.CDLL(None).prctl(24, 1)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""

COMMAND = """
import os, sys
if os.access(".", os.W_OK):
    sys.exit("all can be written")
from chainrule.cli import main
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def read_only(tmp_path_factory):
    """Run a command with a read-only installation, and a home in which nothing can be made."""
    folder = tmp_path_factory.mktemp("read-only")
    package, home = folder / "package", folder / "home"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    for path in [package, *package.rglob("*"), home]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_C", "XDG_"))}

    def run(*arguments):
        result = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, COMMAND, *map(str, arguments)],
            env={**kept, "PYTHONPATH": str(package), "HOME": str(home), "NUMBA_OPT": "0"},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        if "all can be written" in result.stderr:
            pytest.skip("this user can write everywhere")
        assert result.returncode == 0, result.stderr
        assert not list(home.iterdir())
        return result

    return run


SAID = "compiled code cannot be kept (no folder for it can be written)"


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="capabilities of Linux")
@pytest.mark.parametrize(
    ("command", "compiles"),
    [
        ("points train --iterations 50 --frames 0 --out {out}", True),
        ("reader read {line}", True),
        ("report --quick --parts 2 --workers 2 --out {out}", True),
        ("images features {photographs} --out {out}.safetensors", False),
    ],
)
def test_commands_work_where_nothing_can_be_written(command, compiles, read_only, tmp_path):
    picture = Image.new("L", (160, 40), 255)
    font = ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 24)
    ImageDraw.Draw(picture).text((8, 6), "nothing", 0, font)
    for name in ("line.png", "a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture.save(tmp_path / name)
    where = {"line": tmp_path / "line.png", "photographs": tmp_path, "out": tmp_path / "out"}
    result = read_only(*command.format(**where).split())
    assert result.stderr.count(SAID) == compiles, result.stderr
    assert "Errno" not in result.stderr
    assert "matplotlib" not in result.stderr.lower()
