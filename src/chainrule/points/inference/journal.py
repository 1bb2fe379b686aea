"""Independent jobs on all cores, whose results are kept in a file as they come."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.io.checks import whole_number
from chainrule.io.cores import available_cores


class Journal:
    """Runs jobs, and remembers the result of each in a file of JSON lines.

    path: None keeps nothing. fingerprint: what the results depend on besides their names; a file
    with another one is refused. Raises FileError if the file is no such journal.
    """

    def __init__(self, path: Path | None, fingerprint: str, workers: int | None = None) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._workers = (
            available_cores() if workers is None else whole_number("workers", workers, 1)
        )
        self._done: dict[str, Any] = _read(path, fingerprint) if path is not None else {}

    def run(
        self,
        names: Sequence[str],
        job: Callable[[int], Any],
        progress: Callable[[int, int], None] | None = None,
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
                    name = names[futures[future]]
                    # what a later call reads is what this one goes on with
                    text = json.dumps(future.result(), allow_nan=False)
                    self._append(name, text)
                    self._done[name] = json.loads(text)
                    if progress is not None:
                        progress(len(names) - len(todo) + count, len(names))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return [self._done[name] for name in names]

    def _append(self, name: str, result: str) -> None:
        if self._path is None:
            return
        start = json.dumps({"inference": self._fingerprint, "job": name})
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(f'{start[:-1]}, "result": {result}}}\n')
        except OSError as error:
            raise FileError(f"{self._path} cannot be written: {error.strerror}") from error


def _read(path: Path, fingerprint: str) -> dict[str, Any]:
    """The finished jobs; a last line that a killed process cut off is dropped."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            f"{path} cannot be read ({error}); expected a journal of `chainrule points infer`"
        ) from error
    whole, end, rest = text.rpartition("\n")
    done = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            entry = json.loads(line)
            found, name, result = entry["inference"], entry["job"], entry["result"]
        except (ValueError, TypeError, KeyError) as error:
            raise FileError(
                f"{path}, line {number} is no record of a job; expected a journal of "
                "`chainrule points infer`"
            ) from error
        if found != fingerprint:
            raise FileError(
                f"{path} holds another inference (another table, seed or number of particles); "
                "expected the same: choose another folder"
            )
        done[name] = result
    if rest:
        path.write_text(whole + end, encoding="utf-8")
    return done
