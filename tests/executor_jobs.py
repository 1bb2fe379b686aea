"""Jobs for the executors' tests; workers import them by name."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from chainrule.errors import InputError


def drawn(shared, k):
    """A job with a seed of its own."""
    return np.random.default_rng([shared, k]).standard_normal(3).tobytes()


def times(shared, k):
    return shared * k


def sleep(shared, seconds):
    time.sleep(seconds)
    return seconds


def odd_ones_fail(folder, k):
    with (Path(folder) / f"{k}.txt").open("a") as tried:
        tried.write(".")
    if k % 2:
        raise ZeroDivisionError(f"nothing to divide {k} by")
    return k


def refuse(shared, k):
    raise InputError(f"found {k}; expected something else")


def kill_the_worker(folder, k):
    """Job 3 ends its worker, once; job 5 always, if the folder says so."""
    first = Path(folder) / "killed"
    if (k == 3 and not first.exists()) or (k == 5 and (Path(folder) / "always").exists()):
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return k * k


def large(shared, k):
    """8 MB of its own, and a sum over what all share."""
    return np.full(10**6, float(k)), float(shared.sum())


def doubled(shared):
    return 2 * shared


def prepared_here(shared):
    """Leaves a file for each time that it is prepared."""
    folder, value = shared
    (Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return value


def where(shared, k):
    return os.getpid()
