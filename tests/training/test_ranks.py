"""Several processes train one chain: the curve of one, the same bits, and on after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ranks_work
from chainrule.training.ranks import Ranks
from free_port import free_port

WORK = Path(ranks_work.__file__)


def start(folder, size, *arguments):
    """The processes, connected on loopback."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    return [
        subprocess.Popen(
            [sys.executable, WORK, folder, *map(str, arguments)],
            env={
                **os.environ,
                "RANK": str(number),
                "WORLD_SIZE": str(size),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            },
            stderr=subprocess.DEVNULL,
        )
        for number in range(size)
    ]


def run(folder, size, names="original,fast,lines", epochs=2, resume="anew", pause=0):
    """What each process has found."""
    for process in start(folder, size, names, epochs, resume, pause):
        assert process.wait(1200) == 0
    return [json.loads((folder / f"rank{k}.json").read_text()) for k in range(size)]


def assert_same_curve(found, expected):
    assert len(found["history"]) == len(expected["history"])
    for line, other in zip(found["history"], expected["history"], strict=True):
        assert line == pytest.approx(other, rel=1e-6, abs=1e-9)


@pytest.fixture(scope="module")
def alone():
    """The same trainings in this one process."""
    return {name: ranks_work.figures(ranks_work.run(name, None, 2)) for name in ranks_work.WORKS}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return run(tmp_path_factory.mktemp("two"), 2)


def test_the_loss_curve_is_one_process(alone, two):
    for name in alone:
        assert_same_curve(two[0][name], alone[name])
        losses = [line["energy_train"] for line in alone[name]["history"]]
        assert losses[1] < losses[0]  # it learns


def test_the_processes_end_with_the_same_bits_and_do_so_again(two, tmp_path):
    assert two[0] == two[1]
    (again, _) = run(tmp_path, 2, "fast,lines")
    assert again == {name: two[0][name] for name in again}


def test_a_training_whose_process_was_killed_goes_on_with_another_number(alone, tmp_path):
    processes = start(tmp_path, 2, "lines", 2, "anew", 3600)  # the second waits to be killed
    checkpoint = tmp_path / "lines.safetensors"
    deadline = time.monotonic() + 1200
    while not checkpoint.exists():
        assert time.monotonic() < deadline
        assert processes[1].poll() is None
        time.sleep(0.02)
    processes[1].send_signal(signal.SIGKILL)
    assert processes[0].wait(1200) != 0  # it does not wait for ever
    assert processes[1].wait() == -signal.SIGKILL
    found = run(tmp_path, 3, "lines", resume="resume")
    assert found[0] == found[1] == found[2]
    assert_same_curve(found[0]["lines"], alone["lines"])


def test_rows_are_shared_out_whole():
    for size in (1, 2, 3, 7):
        for n in range(size, 40):
            rows = [k for number in range(size) for k in range(n)[Ranks(number, size).part(n)]]
            assert rows == list(range(n))
        # too few to share: all take all
        assert Ranks(0, size).part(size - 1) == slice(0, size - 1)
