"""The processes of a lab, as Linux lists them."""

import time
from pathlib import Path

import pytest

from lab_browser import LATE

needs_processes = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="needs Linux's list of processes"
)


def until_gone(tab, processes):
    """Wait until none of them is at work."""
    end = time.monotonic() + LATE / 1000
    while any(map(is_at_work, processes)):
        assert time.monotonic() < end
        tab.wait_for_timeout(50)


def descendants(process):
    """The numbers of all processes that a process has started, and those have."""
    path = Path(f"/proc/{process}/task/{process}/children")
    try:
        own = {int(child) for child in path.read_text().split()}
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        own = set()
    return own.union(*(descendants(child) for child in own))


def is_at_work(process):
    """Whether a process is there, and none that only waits to be buried."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
