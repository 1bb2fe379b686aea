"""How many processor cores a run may use."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """The cores that this process may use, at least 1.

    The least of what the system lets it run on (affinity), the quota of its container (cgroup
    version 2, `cpu.max`, rounded up) and the environment's OMP_NUM_THREADS.
    """
    limits = [_affinity(), _quota(), _asked_for()]
    return max(1, min(limit for limit in limits if limit is not None))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int | None:
    """ "200000 100000" is two cores; "max 100000" is no limit."""
    try:
        quota, period = _CGROUP.read_text("ascii").split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _asked_for() -> int | None:
    try:
        asked = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    except ValueError:
        return None
    return asked if asked >= 1 else None
