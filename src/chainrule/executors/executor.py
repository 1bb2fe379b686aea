"""What threads, processes and a cluster have in common: jobs out, results in as they end."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from chainrule.errors import ChainruleError
from chainrule.executors.bundles import SECONDS, Bundles
from chainrule.executors.work import Answer, Work

J = TypeVar("J")

AHEAD = 2  # bundles a worker: one at work, one that waits for it
MOST_FAILED = 20  # jobs, after which no more are begun: it is not the jobs


class FailedJobsError(ChainruleError):
    """Some jobs have failed, whatever was done again; the results of the others were given."""


class Executor(ABC):
    """Does independent jobs, in any order and anywhere, with the same results.

    A context manager. A job is `job(shared, one)` of a function that a worker can import by its
    name; `one` is small (settings, the key of a seed) and holds all that tells it from the others.
    What all jobs share is sent to each worker once. Small jobs travel in bundles, which changes
    nothing in what they give.
    """

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many jobs are at work at the same time."""

    def results(
        self,
        job: Callable[[Any, J], Any],
        jobs: Sequence[J],
        shared: Any = None,
        *,
        prepare: Callable[[Any], Any] | None = None,
        name: Callable[[J], str] = str,
        bundle: float = SECONDS,
    ) -> Iterator[tuple[int, Any]]:
        """(k, job(shared, jobs[k])) for each k, as they end.

        prepare: what each worker does once with `shared`; its value takes the place of `shared`.
        name: how a sentence calls a job. bundle: about so many seconds of work are sent together; 0
        sends each job by itself. Closing the iterator gives up what is not done yet.

        Raises a ChainruleError of a job at once. After any other error of a job (or if it ends its
        worker) the others are done and given first; then FailedJobsError names it.
        """
        bundles = Bundles(len(jobs), bundle)
        work = Work(job, prepare)
        failed: dict[int, BaseException] = {}
        waiting: dict[Future[list[Answer]], list[int]] = {}
        handle = self._share(shared)
        try:
            while True:
                while len(waiting) < self._ahead * self.workers and len(failed) < MOST_FAILED:
                    if not (ks := bundles.following(self.workers)):
                        break
                    alone = bundles.is_alone(ks)
                    waiting[self._submit(work, handle, [jobs[k] for k in ks], alone)] = ks
                if not waiting:
                    break
                done = wait(waiting, return_when=FIRST_COMPLETED).done
                for future in sorted(done, key=waiting.__getitem__):  # one worker: always the same
                    ks = waiting.pop(future)
                    for k, answer in zip(ks, self._answers(future, len(ks)), strict=True):
                        if answer.error is None:
                            bundles.took(answer.seconds)
                            yield k, answer.value
                        elif isinstance(answer.error, ChainruleError):
                            raise answer.error
                        elif not self._tries_again or bundles.is_alone(ks):
                            failed[k] = answer.error
                        else:
                            bundles.once_more(k)
        finally:
            self._give_up(list(waiting))
            self._unshare(handle)
        if failed:
            raise _sentence(failed, jobs, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what it has started."""

    def abandon(self) -> None:
        """The same, where nobody waits for a result any more."""
        self.close()

    _ahead: int = AHEAD
    _tries_again: bool = False  # whether a job that failed is sent once more, alone

    def _share(self, shared: Any) -> Any:
        """What `_submit` gets in the place of what all jobs share."""
        return shared

    def _unshare(self, handle: Any) -> None:  # noqa: B027
        """The jobs are done: let go of what they shared."""

    @abstractmethod
    def _submit(
        self, work: Work, handle: Any, ones: list[Any], alone: bool
    ) -> Future[list[Answer]]:
        """Have a worker do a bundle. alone: a job that has failed before, sent by itself."""

    def _answers(self, future: Future[list[Answer]], count: int) -> list[Answer]:
        return future.result()

    def _give_up(self, futures: list[Future[list[Answer]]]) -> None:
        for future in futures:
            future.cancel()


def _sentence(
    failed: dict[int, BaseException], jobs: Sequence[J], name: Callable[[J], str]
) -> FailedJobsError:
    k = min(failed)
    what = f"{type(failed[k]).__name__}: {failed[k]}".strip().splitlines()[0].removesuffix(": ")
    count = f"{len(failed)} of {len(jobs)} jobs failed"
    stopped = "; no more were begun" if len(failed) >= MOST_FAILED else ""
    error = FailedJobsError(
        f"{count}{stopped}, the results of the others are kept; the first: {name(jobs[k])}: {what}"
    )
    error.__cause__ = failed[k]
    return error
