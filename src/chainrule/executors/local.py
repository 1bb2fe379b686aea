"""This machine: this thread, or the cores as threads or as processes."""

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.executors.executor import Executor
from chainrule.executors.work import Answer, Work, do_bundle
from chainrule.io.checks import whole_number
from chainrule.io.cores import available_cores
from chainrule.io.workers import begin_worker

_MOST = 32  # workers on any machine: thousands would only wait for each other, or for memory


class Here(Executor):
    """This thread, one job after the other. What a job raises is raised as it is, at once."""

    _ahead = 1

    @property
    def workers(self) -> int:
        return 1

    def _submit(
        self, work: Work, handle: Any, ones: list[Any], alone: bool
    ) -> Future[list[Answer]]:
        future: Future[list[Answer]] = Future()
        future.set_result(do_bundle(work, lambda: handle, ones, alone=True))
        return future


class Threads(Executor):
    """Threads: for jobs whose compiled code lets the other threads run. Nothing is sent.

    workers: by default the cores that this process may use. Raises InputError if below 1.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = worker_count(workers)
        self._pool = ThreadPoolExecutor(self._workers, "chainrule-job")

    @property
    def workers(self) -> int:
        return self._workers

    def close(self) -> None:
        """End the threads; what is at work is waited for."""
        self._pool.shutdown(cancel_futures=True)

    def abandon(self) -> None:
        """Begin no more jobs. What is at work may take hours, and cannot be ended from outside."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(
        self, work: Work, handle: Any, ones: list[Any], alone: bool
    ) -> Future[list[Answer]]:
        return self._pool.submit(do_bundle, work, lambda: handle, ones)


class Processes(Executor):
    """Processes: for jobs that hold the interpreter. They end with the process that made them.

    workers: by default the cores that this process may use. Raises InputError if below 1.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = worker_count(workers)
        self._pool: ProcessPoolExecutor | None = None

    @property
    def workers(self) -> int:
        return self._workers

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _share(self, shared: Any) -> Any:
        self.close()
        self._pool = ProcessPoolExecutor(
            self._workers, multiprocessing.get_context("spawn"), _begin, (shared,)
        )

    def _unshare(self, handle: Any) -> None:
        self.close()

    def _submit(
        self, work: Work, handle: Any, ones: list[Any], alone: bool
    ) -> Future[list[Answer]]:
        assert self._pool is not None
        return self._pool.submit(_do, work, ones)

    def _answers(self, future: Future[list[Answer]], count: int) -> list[Answer]:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise ChainruleError(
                "a worker process has ended; expected more memory, or fewer --workers"
            ) from error


_shared: list[Any] = []


def _begin(shared: Any) -> None:
    begin_worker()
    _shared[:] = [shared]


def _do(work: Work, ones: list[Any]) -> list[Answer]:
    return do_bundle(work, _the_shared, ones)


def _the_shared() -> Any:
    return _shared[0]


def worker_count(workers: int | None) -> int:
    """How many workers this machine gets. Raises InputError if that is none, or far too many."""
    cores = available_cores()
    most = max(_MOST, 4 * cores)
    return cores if workers is None else whole_number("workers", workers, 1, most)
