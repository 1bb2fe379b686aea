"""A training in several processes of a Ray cluster, which Ray Train starts and connects."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import InputError
from chainrule.executors import ClusterError, Executor, RayCluster
from chainrule.executors.ray_cluster import RETRIES, check_version
from chainrule.executors.versions import versions
from chainrule.io.checks import whole_number
from chainrule.io.files import written_whole
from chainrule.training.ranks.process import the_notes, the_process, the_start

_LOOK = 0.1  # seconds between two looks for what the processes tell


def train_on(
    executor: Executor,
    train: Callable[..., Any],
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    options: dict[str, Any],
) -> Any:
    """What `train(*arguments, **keywords, **options)` gives, in processes that share each batch.

    options: `RunOptions`, with the number of `processes`, by default as many as there are workers.
    The checkpoint is written here, `on_epoch` and `progress` are called here. If a process is lost,
    Ray starts all of them again, up to three times, and they go on after the last whole epoch.

    Raises InputError if the executor is no Ray cluster, ClusterError if the cluster cannot be used,
    or a process is lost each time, and what `train` raises.
    """
    if not isinstance(executor, RayCluster):
        raise InputError(
            f"executor: found {type(executor).__name__} for a training; expected RayCluster, or "
            "`torchrun`, which starts this machine's processes"
        )
    del options["executor"]
    processes = options.pop("processes", None)
    processes = executor.workers if processes is None else whole_number("processes", processes, 1)
    if processes > executor.workers:
        raise ClusterError(
            f"processes: found {processes} on a cluster of {executor.workers} cores; expected at "
            "most as many"
        )
    executor.check_versions()
    here = {name: options.pop(name, None) for name in ("checkpoint", "progress", "on_epoch")}
    kept = here["checkpoint"]
    resumed = options.pop("resume", False) and kept is not None
    begun = Path(kept).read_bytes() if resumed else b""
    packed = (train, arguments, {**keywords, **options})
    found = None
    with _started(packed, begun, here["progress"] is not None, processes) as told:
        for what, value in told:
            if what == "versions":
                check_version(value)
            if what == "error":
                raise value
            if what == "progress":
                here["progress"](*value)
            elif what == "epoch":
                line, parameters, checkpoint = value
                if kept is not None:
                    with written_whole(kept) as temporary:
                        temporary.write_bytes(checkpoint)
                if here["on_epoch"] is not None:
                    here["on_epoch"](line, parameters)
            else:
                found = value
    return found


@contextlib.contextmanager
def _started(
    packed: tuple[Any, ...], begun: bytes, shown: bool, processes: int
) -> Iterator[Iterator[tuple[str, Any]]]:
    """The processes, and what they tell until they have ended."""
    import ray
    from ray import cloudpickle

    notes = ray.remote(num_cpus=0)(the_notes()).remote(begun)
    work = ray.put(cloudpickle.dumps(packed))
    told = {"notes": notes, "wanted": versions(), "shown": shown, "work": work}
    run = ray.remote(num_cpus=0, max_retries=0)(the_start()).remote(
        the_process(), told, processes, RETRIES
    )
    try:
        yield _told(ray, notes, run)
    finally:
        with contextlib.suppress(Exception):
            ray.cancel(run)
        with contextlib.suppress(Exception):
            ray.kill(notes)


def _told(ray: Any, notes: Any, run: Any) -> Iterator[tuple[str, Any]]:
    ended = False
    while not ended:
        ended = bool(ray.wait([run], timeout=_LOOK)[0])
        yield from ray.get(notes.taken.remote())
    try:
        ray.get(run)
    except ray.exceptions.RayError as error:
        said = " ".join(str(getattr(error, "cause", None) or error).split())
        raise ClusterError(
            f"the processes of the training were lost, more than {RETRIES} times ({said[-400:]}); "
            "expected a cluster that goes on running: `--resume` goes on after the last epoch"
        ) from error
