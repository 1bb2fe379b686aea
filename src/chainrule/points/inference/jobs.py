"""Independent jobs whose results are kept in a journal as they come."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.executors import Executor, Threads
from chainrule.io.checks import whole_number
from chainrule.io.journal import Journal
from chainrule.io.progress import Progress

_KIND = "`chainrule points infer`"


class Jobs:
    """Runs jobs that have names, and none of them twice.

    run: what the results depend on besides their names, as JSON values; workers: threads (default:
    the cores this process may use), or the `executor` in their place; journal: the file that keeps
    what is finished. Raises InputError if workers is below 1, FileError if the file is no journal
    of this run.
    """

    def __init__(
        self,
        run: dict[str, Any],
        workers: int | None = None,
        journal: Path | None = None,
        executor: Executor | None = None,
    ) -> None:
        if workers is not None:
            whole_number("workers", workers, 1)
        self._workers, self._executor = workers, executor
        self._journal = Journal(journal, _KIND, run) if journal is not None else None
        self._done = _finished(journal, self._journal)

    def run(
        self,
        names: Sequence[str],
        job: Callable[[int], Any],
        progress: Progress | None = None,
    ) -> list[Any]:
        """The results of job(0), job(1), ..., which are called `names` (each of its own).

        A result is what JSON can hold. Which worker does what, and in which order, must not matter
        to a job. It is sent to the workers once: an object, or a `partial` of a function, that can
        travel. The compiled kernel lets go of the interpreter's lock, so threads use all cores.
        """
        todo = [k for k, name in enumerate(names) if name not in self._done]
        if progress is not None:
            progress(len(names) - len(todo), len(names))
        executor = self._executor
        with Threads(self._workers) if executor is None else nullcontext(executor) as workers:
            results = workers.results(_done_by, todo, job, name=names.__getitem__)
            for count, (i, result) in enumerate(results, start=1):
                self._keep(names[todo[i]], result)
                if progress is not None:
                    progress(len(names) - len(todo) + count, len(names))
        return [self._done[name] for name in names]

    def _keep(self, name: str, result: Any) -> None:
        # what a later call reads is what this one goes on with
        self._done[name] = json.loads(json.dumps(result, allow_nan=False))
        if self._journal is not None:
            self._journal.append({"job": name, "result": result})


def _done_by(job: Callable[[int], Any], k: int) -> Any:
    return job(k)


def _finished(path: Path | None, journal: Journal | None) -> dict[str, Any]:
    try:
        return {entry["job"]: entry["result"] for entry in journal.records} if journal else {}
    except KeyError as error:
        raise FileError(
            f"{path} holds a record without {error}; expected a journal of {_KIND}"
        ) from error
