"""Worker processes that do pieces of work side by side, each on one core."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.io.compiled import say_if_none_is_kept
from chainrule.io.workers import begin_worker

_EVERY = 0.2  # seconds between two reports of a worker


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    busy: str | None = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch and BLAS use one thread: the same bits for any number of workers."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


class Crew:
    """`size` processes that call `do(name, report, *inputs)`; a context manager.

    Leaving the block ends them, wherever they are.
    """

    def __init__(self, size: int, do: Callable[..., Any]) -> None:
        context = multiprocessing.get_context("spawn")
        say_if_none_is_kept()  # once, and not by every process
        self._workers = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, do), daemon=True)
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours))

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()

    @property
    def idle(self) -> int:
        """How many have nothing to do."""
        return sum(worker.busy is None for worker in self._workers)

    def give(self, name: str, inputs: tuple[Any, ...]) -> None:
        """Have an idle worker do the work of this name."""
        worker = next(worker for worker in self._workers if worker.busy is None)
        worker.busy = name
        worker.pipe.send((name, inputs))

    def wait(
        self, seconds: float, progressed: Callable[[str, float], None]
    ) -> Iterator[tuple[str, Any]]:
        """What is finished within so many seconds, as (name, value); may be nothing.

        progressed: gets a name and the share of its work that is done. Raises what the work raised,
        ChainruleError if a worker has died.
        """
        busy = {worker.pipe: worker for worker in self._workers if worker.busy is not None}
        for pipe in wait(list(busy), seconds):
            worker = busy[pipe]  # type: ignore[index]
            name = str(worker.busy)
            try:
                kind, value = worker.pipe.recv()
            except (EOFError, OSError) as error:
                raise ChainruleError(
                    f"the process that was at work on {name} has ended (exit code "
                    f"{worker.process.exitcode}); expected more memory, or fewer --workers"
                ) from error
            if kind == "progress":
                progressed(name, value)
                continue
            worker.busy = None
            if kind == "error":
                raise value
            yield name, value


def _serve(pipe: Connection, do: Callable[..., Any]) -> None:
    """A worker's life: take work, report, send what came of it, until the pipe closes."""
    begin_worker()
    with one_thread(), suppress(EOFError, OSError):
        while True:
            name, inputs = pipe.recv()
            try:
                message = "done", do(name, _reporter(pipe), *inputs)
            except Exception as error:
                message = "error", _sendable(error)
            pipe.send(message)


def _reporter(pipe: Connection) -> Callable[[int, int], None]:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            pipe.send(("progress", done / max(total, 1)))

    return report


def _sendable(error: Exception) -> Exception:
    """The error with where it arose as a note; one of ours is a sentence and needs none."""
    import traceback

    if not isinstance(error, ChainruleError):
        error.add_note("".join(traceback.format_exception(error)))
    return error
