"""A worker process that answers questions, one after the other."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from chainrule.errors import ChainruleError, FileError, InputError
from chainrule.lab.jobs.frames import packed, unpacked
from chainrule.lab.jobs.worker import Worker

Answer = tuple[dict[str, Any], bytes]


@dataclass
class _Question:
    owner: str
    values: dict[str, Any]
    answer: "asyncio.Future[Answer]"


def answer_all(pipe: Connection, answerer: Any) -> None:
    """For the process: answer what comes through the pipe by the answerer's methods, for ever."""
    while True:
        values, _ = unpacked(pipe.recv_bytes())
        ask, do = values.pop("ask"), values.pop("do")
        try:
            found, content = getattr(answerer, do)(**values)
        except (ChainruleError, OSError, MemoryError) as error:
            said = str(error) or "there is not enough memory for this"
            found, content = {"said": said}, b""
        pipe.send_bytes(packed({"what": "answer", "ask": ask, **found}, content))


def say_phase(pipe: Connection, said: str) -> None:
    """For the process: tell who waits what it prepares; nothing when it is ready."""
    pipe.send_bytes(packed({"what": "phase", "said": said}))


class Answering:
    """One process for all sessions, started when something is asked, and again if it ends.

    main: what runs in it, by `answer_all`. phase(owner, said) is called for who waits while it
    prepares itself. heavy: the questions that wait while it holds back.
    """

    def __init__(
        self,
        main: Callable[[Connection], None],
        phase: Callable[[str, str], None],
        heavy: tuple[str, ...] = (),
    ) -> None:
        self._main, self._heavy = main, heavy
        self._worker: Worker | None = None
        self._asked: dict[int, _Question] = {}
        self._number = 0
        self._phase = phase
        self._holds = False

    @property
    def pid(self) -> int | None:
        """The process's number, if there is one."""
        return self._worker.pid if self._worker is not None else None

    async def ask(self, owner: str, do: str, **values: Any) -> Answer:
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
        """End the process; what is heavy waits: a training takes the memory and the cores."""
        self._holds = True
        if self._worker is not None:
            self._worker.end()
            self._worker = None
            self._send(list(self._asked.values()))

    def release(self) -> None:
        """Go on with what waited."""
        if not self._holds:
            return
        self._holds = False
        self._send([q for q in self._asked.values() if q.values["do"] in self._heavy])

    def stop(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.end()
            self._worker.join()
            self._worker = None

    def _send(self, questions: list[_Question]) -> None:
        for question in questions:
            if self._waits(question):
                continue
            if self._worker is None:
                self._worker = Worker(self._main, self._heard, self._lost)
            self._worker.send(question.values)

    def _waits(self, question: _Question) -> bool:
        return self._holds and question.values["do"] in self._heavy

    def _heard(self, values: dict[str, Any], content: bytes) -> None:
        what = values.pop("what")
        if what == "phase":
            for owner in {question.owner for question in self._asked.values()}:
                self._phase(owner, values["said"])
            return
        question = self._asked.pop(values.pop("ask"), None)
        if question is not None and not question.answer.done():
            question.answer.set_result((values, content))
        if self._holds and self._worker is not None and all(map(self._waits, self._asked.values())):
            self._worker.end()  # nobody asks now; it is started again for who does
            self._worker = None

    def _lost(self) -> None:
        """The process was killed over the first question; the others are asked once more."""
        self._worker = None
        sent = [n for n, question in self._asked.items() if not self._waits(question)]
        if not sent:
            return
        first = self._asked.pop(min(sent))
        if not first.answer.done():
            first.answer.set_exception(
                FileError("the process that worked on this was ended; give it once more")
            )
        self._send(list(self._asked.values()))
