"""Ray tasks, on the cores of this machine or of a cluster.

Ray schedules, retries and moves data; nothing here does.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from chainrule.errors import ChainruleError, InputError
from chainrule.executors.content import content_digest
from chainrule.executors.executor import Executor
from chainrule.executors.local import worker_count
from chainrule.executors.remote import the_task
from chainrule.executors.versions import versions
from chainrule.executors.work import Answer, Work

RETRIES = 3  # of a task whose worker or node is lost, and of a job that failed
_SERVERS = 5  # for this client from outside, each asked for where the one before did not start
_LOOK = 5.0  # seconds after which it is asked again how many cores the cluster has
_ADDRESS = re.compile(r"local|auto|ray://[^\s/]+:\d+|[^\s/:]+:\d+")
# Ray's own: no statistics to its makers, GPUs are as visible as they were, and workers get as much
# of the cores as any other process of this user (Ray's default is a niceness of 15)
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",
}


class ClusterError(InputError):
    """A cluster that cannot be reached or used: says what, found what, expected what."""


class RayCluster(Executor):
    """Ray tasks of one core each.

    address: as `open_executor` has it. workers: with "local" how many cores Ray gets; by default
    those that this process may use. A process talks to one cluster at a time. Every worker must
    have the same chainrule, Python and NumPy as this process.

    Raises InputError on an address or number that cannot be, ClusterError if there is no cluster.
    """

    def __init__(self, address: str = "local", workers: int | None = None) -> None:
        if not _ADDRESS.fullmatch(address):
            raise InputError(
                f"the cluster's address: found {address!r}; expected local, auto, ray://HOST:PORT "
                "or HOST:PORT"
            )
        self._address = address
        cores = worker_count(workers)
        self._cores, self._asked_at = cores, time.monotonic()
        self._refs: dict[Future[Any], Any] = {}
        self._shared: tuple[str, Any] | None = None
        with _as_before():
            self._ray = _connected(address, cores)
        self._do = self._ray.remote(num_cpus=1, max_retries=RETRIES)(the_task())
        self._asked_at = -_LOOK

    @property
    def workers(self) -> int:
        now = time.monotonic()
        if self._address != "local" and now - self._asked_at > _LOOK:
            self._cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._asked_at = now
        return self._cores

    def close(self) -> None:
        """Leave the cluster: what this process has begun on it ends. "local": Ray ends."""
        with _as_before():
            self._ray.shutdown()
        _tells(self._ray, True)

    def check_versions(self) -> None:
        """Ask each node what it has, before any work. Raises ClusterError if it is not as here."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ask = self._ray.remote(num_cpus=0)(the_task())
        asked = [
            ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], False))
            for node in self._ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU")
        ]
        for answer in [one.remote(versions(), None, b"") for one in asked]:
            with contextlib.suppress(self._ray.exceptions.RayError):  # a node that has gone since
                check_version(self._ray.get(answer)[0])

    _tries_again = True

    def _share(self, shared: Any) -> Any:
        """What is shared, in the object store; what has the same bytes as the last is there."""
        digest = content_digest(shared)
        if self._shared is None or self._shared[0] != digest:
            self._shared = digest, self._ray.put(shared)
        return self._shared

    def _unshare(self, handle: Any) -> None:
        self._refs.clear()

    def _submit(
        self, work: Work, handle: Any, ones: list[Any], alone: bool
    ) -> Future[list[Answer]]:
        from ray import cloudpickle

        # in a list Ray sends the reference and not what it refers to; and the jobs as bytes, which
        # are not looked at before the versions are
        digest, shared = handle
        # the same work on the same shared: a worker that has prepared it need not do so again
        work = replace(work, token=digest + content_digest(work.prepare))
        task = self._do.options(retry_exceptions=alone)
        ref = task.remote(versions(), [shared], cloudpickle.dumps((work, ones, alone)))
        future: Future[list[Answer]] = ref.future()
        self._refs[future] = ref
        return future

    def _answers(self, future: Future[Any], count: int) -> list[Answer]:
        from ray import exceptions

        self._refs.pop(future)
        try:
            found, answers = future.result()
        except exceptions.RayTaskError as error:
            return [Answer(error=_cause(error))] * count
        except exceptions.RayError as error:  # its worker or its node was lost, more than once
            return [Answer(error=error)] * count
        check_version(found)
        given: list[Answer] = answers
        return given

    def _give_up(self, futures: list[Future[list[Answer]]]) -> None:
        for future in futures:
            with contextlib.suppress(Exception):
                self._ray.cancel(self._refs.pop(future))


def check_version(found: str) -> None:
    """Raises ClusterError if a worker that has `found` is not as this process."""
    if found != versions():
        raise ClusterError(
            f"a worker of the cluster has {found}; expected {versions()}, as here: install the "
            "same on every node"
        )


def _connected(address: str, cores: int) -> Any:
    """Ray, connected."""
    if address == "local":
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        raise ClusterError(
            "this process is connected to a Ray cluster; expected one at a time: close the other"
        )
    own = {"num_cpus": cores, "include_dashboard": False} if address == "local" else {}
    _tells(ray, False)
    try:
        _connect(ray, address, log_to_driver=False, logging_level="error", **own)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        _tells(ray, True)
        said = " ".join(str(error).split())
        raise ClusterError(
            f"no use of the Ray cluster at {address} ({said}); expected one that runs, with the "
            "same Ray and Python as here"
        ) from error
    return ray


def _connect(ray: Any, address: str, **options: Any) -> None:
    """Connect. The head forks a process for each client from outside, beside threads of gRPC: some
    of them end at once."""
    for more in reversed(range(_SERVERS)):
        try:
            ray.init(address, **options)
        except ConnectionError as error:
            if not more or "Initialization failure from server" not in str(error):
                raise
        else:
            return


def _tells(ray: Any, told: bool) -> None:
    """Whether Ray prints what happens to tasks, which it does on standard output in any case."""
    with contextlib.suppress(AttributeError):  # it has no option for it; its debugger does this
        ray._private.worker._worker_logs_enabled = told


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Ray takes the signals of the process it is used in: give them back."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    try:
        before = [signal.getsignal(number) for number in numbers]
        yield
    finally:
        with contextlib.suppress(ValueError):  # only the main thread may
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _cause(error: Any) -> Exception:
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else ChainruleError(str(error))
