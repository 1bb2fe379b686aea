"""The worker that looks at pictures, as the server asks it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import FileError, InputError
from chainrule.lab.jobs.worker import Worker
from chainrule.lab.rooms import photographs_look_worker

_HEAVY = ("best", "explain", "answers")  # what needs the network


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
        self._holds = False

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
        self._send([question])
        found, content = await question.answer
        if "said" in found:
            raise InputError(found["said"])
        return found, content

    def hold(self) -> None:
        """Let the network go, and all that needs it wait: a training takes the memory and cores."""
        self._holds = True
        if self._worker is not None:
            self._worker.end()
            self._worker = None
            self._send(list(self._asked.values()))

    def release(self) -> None:
        """Go on with what waited."""
        self._holds = False
        self._send([q for q in self._asked.values() if q.values["do"] in _HEAVY])

    def stop(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker.join()
            self._worker = None

    def _send(self, questions: list[_Question]) -> None:
        for question in questions:
            if self._holds and question.values["do"] in _HEAVY:
                continue
            if self._worker is None:
                self._worker = Worker(photographs_look_worker.main, self._heard, self._lost)
            self._worker.send(question.values)

    def _heard(self, values: dict[str, Any], content: bytes) -> None:
        what = values.pop("what")
        if what == "phase":
            for owner in {question.owner for question in self._asked.values()}:
                self._phase(owner, values["said"])
            return
        question = self._asked.pop(values.pop("ask"), None)
        if question is not None and not question.answer.done():
            question.answer.set_result((values, content))

    def _lost(self) -> None:
        """The process was killed over the first question; the others are asked once more."""
        self._worker = None
        sent = [n for n, q in self._asked.items() if not (self._holds and q.values["do"] in _HEAVY)]
        if not sent:
            return
        first = self._asked.pop(min(sent))
        if not first.answer.done():
            first.answer.set_exception(
                FileError("the process that looked at this picture was ended; give it once more")
            )
        self._send(list(self._asked.values()))
