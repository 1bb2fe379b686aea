"""Files appear whole or not at all."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.errors import FileError
from chainrule.io.files import make_folder, write_json, write_text, written_whole
from chainrule.io.temporary import temporary_folder


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def write_half():
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError, match="killed here"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"error": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file/sub"):
        make_folder(tmp_path / "file" / "sub")


def test_a_file_in_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match="missing"):
        write_text(tmp_path / "missing" / "a.txt", "")


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_kept(tmp_path):
    script = (
        "import os, sys; from chainrule.io.files import written_whole\n"
        "with written_whole(sys.argv[1]) as path:\n    path.write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "a.csv"], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".chainrule-")
    alive = left.with_name(re.sub(r"-\d+-", f"-{os.getppid()}-", left.name))
    same = left.with_name(re.sub(r"-\d+-", f"-{os.getpid()}-", left.name))  # as in a container
    folder = left.with_name(left.name.replace(".csv", ""))
    same.write_text("half")
    folder.mkdir()
    (folder / "inside").write_text("half")
    elsewhere = left.with_name(re.sub(r"chainrule-\w{8}", "chainrule-00000000", left.name))
    alive.write_text("")
    elsewhere.write_text("")
    write_text(tmp_path / "b.csv", "whole")
    assert {*tmp_path.iterdir()} == {alive, elsewhere, tmp_path / "b.csv"}


def test_a_name_as_long_as_names_can_be(tmp_path):
    write_text(tmp_path / ("x" * 251 + ".csv"), "whole")
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def test_a_temporary_folder_of_a_killed_run_is_removed_by_the_next(tmp_path):
    script = (
        "import os, sys; from chainrule.io.temporary import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    (folder / 'half').write_text('half'); print(folder); sys.stdout.flush()\n"
        "    os._exit(9) if sys.argv[1:] else None"
    )

    def run(*arguments):
        result = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not result.stderr
        return [Path(result.stdout.strip()).parent, *tmp_path.iterdir()]

    assert len(run("killed")) == 2
    assert run() == [tmp_path]


def test_without_a_folder_for_temporary_files_a_sentence_says_so(monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(FileError, match="expected the variable TMPDIR to name one"):
        temporary_folder().__enter__()
