"""Independent jobs on all cores, whose results are kept in a journal as they come."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.io.checks import whole_number
from chainrule.io.cores import available_cores
from chainrule.io.journal import Journal
from chainrule.io.progress import Progress

_KIND = "`chainrule points infer`"


class Jobs:
    """Runs jobs that have names, and none of them twice.

    run: what the results depend on besides their names, as JSON values; workers: jobs at the same
    time (default: the cores this process may use); journal: the file that keeps what is finished.
    Raises InputError if workers is below 1, FileError if the file is no journal of this run.
    """

    def __init__(
        self, run: dict[str, Any], workers: int | None = None, journal: Path | None = None
    ) -> None:
        if workers is not None:
            whole_number("workers", workers, 1)
        self._workers = workers or available_cores()
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
        to a job: the compiled kernel lets go of the interpreter's lock, so threads use all cores.
        """
        todo = [k for k, name in enumerate(names) if name not in self._done]
        if progress is not None:
            progress(len(names) - len(todo), len(names))
        with ThreadPoolExecutor(self._workers) as pool:
            futures = {pool.submit(job, k): k for k in todo}
            try:
                for count, future in enumerate(as_completed(futures), start=1):
                    self._keep(names[futures[future]], future.result())
                    if progress is not None:
                        progress(len(names) - len(todo) + count, len(names))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return [self._done[name] for name in names]

    def _keep(self, name: str, result: Any) -> None:
        # what a later call reads is what this one goes on with
        self._done[name] = json.loads(json.dumps(result, allow_nan=False))
        if self._journal is not None:
            self._journal.append({"job": name, "result": result})


def _finished(path: Path | None, journal: Journal | None) -> dict[str, Any]:
    try:
        return {entry["job"]: entry["result"] for entry in journal.records} if journal else {}
    except KeyError as error:
        raise FileError(
            f"{path} holds a record without {error}; expected a journal of {_KIND}"
        ) from error
