"""Threads that share a kernel's work: Numba lets go of the interpreter's lock meanwhile.

Threads of our own rather than Numba's, whose default layer breaks off the program when two threads
of it call in at the same time.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_pools: dict[int, ThreadPoolExecutor] = {}


def run_in_threads(count: int, threads: int, run: Callable[[int, int], None]) -> None:
    """Call run(begin, end) over all of 0 to `count` in equal parts, one of them in this thread."""
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads - 1, "chainrule-kernel")
    bounds = [count * i // threads for i in range(threads + 1)]
    others = [_pools[threads].submit(run, *bounds[i : i + 2]) for i in range(1, threads)]
    try:
        run(*bounds[:2])
    finally:
        for other in others:
            other.result()


# a child process has none of its parent's threads
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)
