"""Standard output that is full, closed or narrow, and signals: each has its one answer."""

import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "chainrule"]
SHELL = f"exec {sys.executable} -m chainrule"


def shell(line, **environment):
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=1200,
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("option", ["", "--json"])
def test_a_full_disk_behind_standard_output_is_said(option):
    result = shell(f"{SHELL} points derive {option} > /dev/full")
    assert result.returncode == 2
    assert result.stderr == (
        "chainrule: standard output cannot be written: No space left on device\n"
    )


def test_a_closed_standard_output_is_said():
    result = shell(f"{SHELL} points derive >&-")
    assert result.returncode == 2
    assert result.stderr.startswith("chainrule: standard output is closed; expected")


def test_a_reader_that_has_seen_enough_is_no_failure():
    result = shell(
        f"{sys.executable} -m chainrule points derive | head -1; echo ${{PIPESTATUS[0]}}"
    )
    assert result.stdout.splitlines()[-1] == "0"
    assert result.stderr == ""


def test_a_name_that_the_terminal_cannot_show_is_no_traceback(tmp_path):
    name = tmp_path / "weights-\u00e9\u4e2d.json"
    result = shell(
        f"{SHELL} points derive --example '{name}'", PYTHONIOENCODING="ascii", LC_ALL="C"
    )
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert r"\u4e2d" in result.stderr


STOPS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@STOPS
def test_a_stopped_command_says_so_in_a_line(tmp_path, number, code):
    """One run of the study is done, and the other would take hours: nobody waits for it."""
    arguments = ["points", "study", "--hidden", "10000", "--iterations", "100,100000000",
                 "--trials", "1", "--workers", "2", "--out", tmp_path / "s"]  # fmt: skip
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        # tests in a background take no Ctrl-C, and what they start would take none either
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        journal = tmp_path / "s" / "journal.jsonl"
        while not journal.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=1200)
    assert process.returncode == code
    assert said.splitlines()[-1] == (
        f"chainrule: stopped; the finished runs are in {journal}: the same command goes on from "
        "there"
    )
    assert "Traceback" not in said


STOPPED_AT_IMPORT = """
import os, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "MODULE":
            exec("import os; os.kill(os.getpid(), NUMBER); [None for _ in range(10_000)]")
sys.meta_path.insert(0, Finder())
"""


@STOPS
@pytest.mark.parametrize("module", ["numpy", "chainrule.points.study"])
def test_a_command_stopped_while_it_is_loaded_says_so_in_a_line(tmp_path, module, number, code):
    """Also in code that Python compiles from a text while it imports."""
    hook = STOPPED_AT_IMPORT.replace("NUMBER", str(int(number))).replace("MODULE", module)
    (tmp_path / "sitecustomize.py").write_text(hook)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*COMMAND, "points", "study", "--out", tmp_path / "s"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "chainrule: stopped\n")
    assert not (tmp_path / "s").exists()


CALLED_BACK = """
import ctypes, os, signal, sys, time
from chainrule.cli.stopping import end_as_ctrl_c

number = int(sys.argv[1])
ended = end_as_ctrl_c(signal.SIGTERM)
signal.signal(signal.SIGINT, signal.default_int_handler)

@ctypes.CFUNCTYPE(None)
def called_back():
    os.kill(os.getpid(), number)
    for _ in range(1000):  # the signal is seen here, where nothing can be raised
        pass

try:
    called_back()
    time.sleep(3600)
except KeyboardInterrupt:
    print("stopped", len(ended) > 0)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_what_a_library_calls_back_is_not_lost(number):
    command = [sys.executable, "-c", CALLED_BACK, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert (done.stdout, done.stderr) == (f"stopped {number == signal.SIGTERM}\n", "")
