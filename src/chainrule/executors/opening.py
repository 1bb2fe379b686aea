"""Where jobs go: `--on ADDRESS` as an executor."""

from collections.abc import Callable

from chainrule.errors import InputError
from chainrule.executors.executor import Executor
from chainrule.executors.local import Threads
from chainrule.executors.ray_cluster import RayCluster


def open_executor(
    on: str | None,
    workers: int | None = None,
    here: Callable[[int | None], Executor] = Threads,
) -> Executor:
    """The executor that an address names: a context manager.

    on: None for `here`, "local" for Ray on this machine's cores, "auto" for the Ray cluster that
    this machine is part of, "ray://HOST:PORT" for one that is reached from outside, "HOST:PORT" for
    the head of one that this machine is part of. workers: of `here` and "local"; a cluster has as
    many as it has cores. Raises InputError, ClusterError if the cluster cannot be used.
    """
    if on is None:
        return here(workers)
    if on != "local" and workers is not None:
        raise InputError(
            f"workers: found {workers} beside the cluster {on}, which has as many as it has cores; "
            "expected one of the two"
        )
    return RayCluster(on, workers)
