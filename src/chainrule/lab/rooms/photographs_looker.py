"""The worker that looks at pictures, as the server asks it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import FileError, InputError
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import photographs_look_worker


@dataclass
class _Question:
    owner: str
    values: dict[str, Any]
    answer: "asyncio.Future[tuple[dict[str, Any], bytes]]"


class Looker:
    """One process for all sessions, started when something is asked, and again if it ends.

    phase(owner, said) is called while the network is loaded, for who waits.
    """

    def __init__(self, phase: Callable[[str, str], None]) -> None:
        self._worker: Worker | None = None
        self._asked: dict[int, _Question] = {}
        self._number = 0
        self._phase = phase

    @property
    def pid(self) -> int | None:
        """The process's number, if there is one."""
        return self._worker.pid if self._worker is not None else None

    async def ask(self, owner: str, do: str, **values: Any) -> tuple[dict[str, Any], bytes]:
        """The values and the bytes of the answer.

        Raises InputError with what the library said, FileError if the question ended the process.
        """
        self._number += 1
        question = _Question(
            owner, {**values, "do": do, "ask": self._number},
            asyncio.get_running_loop().create_future(),
        )  # fmt: skip
        self._asked[self._number] = question
        if self._worker is None:
            self._worker = Worker(photographs_look_worker.main, self._heard, self._lost)
        self._worker.send(question.values)
        found, content = await question.answer
        if "said" in found:
            raise InputError(found["said"])
        return found, content

    def stop(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker.join()
            self._worker = None

    def _heard(self, values: dict[str, Any], content: bytes) -> None:
        what = values.pop("what")
        if what == "phase":
            for owner in {question.owner for question in self._asked.values()}:
                self._phase(owner, values["said"])
            return
        question = self._asked.pop(values.pop("ask"))
        if not question.answer.done():
            question.answer.set_result((values, content))

    def _lost(self) -> None:
        """The process was killed over the first question; the others are asked once more."""
        self._worker = None
        if not self._asked:
            return
        first = self._asked.pop(min(self._asked))
        if not first.answer.done():
            first.answer.set_exception(
                FileError("the process that looked at this picture was ended; give it once more")
            )
        if self._asked:
            self._worker = Worker(photographs_look_worker.main, self._heard, self._lost)
            for question in self._asked.values():
                self._worker.send(question.values)
