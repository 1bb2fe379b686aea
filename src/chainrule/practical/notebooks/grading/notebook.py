"""One submitted notebook graded: its code in a process of its own, each task's check outside."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from chainrule.practical.notebooks.checking import changed, overwrites, parts_of
from chainrule.practical.notebooks.checks.compare import WrongAnswer
from chainrule.practical.notebooks.checks.parts import judged
from chainrule.practical.notebooks.failure import plain, sentence
from chainrule.practical.notebooks.grading.session import Ended, Limits, Session
from chainrule.practical.notebooks.grading.submission import (
    Cell,
    Submission,
    UnreadableNotebook,
    read_submission,
)
from chainrule.practical.notebooks.sources import Source, Task

RIGHT = "right"


@dataclass(frozen=True)
class TaskResult:
    """A task's points, of how many, and the sentence."""

    name: str
    points: float
    of: float
    message: str


def grade_notebook(path: Path, source: Source, limits: Limits) -> list[TaskResult]:
    """Grade each task of a notebook. Raises InputError if the process cannot be confined."""
    try:
        submission = read_submission(path, source)
    except UnreadableNotebook as error:
        return [TaskResult(task.name, 0, task.points, str(error)) for task in source.tasks]
    with _Answers(submission, limits) as answers:
        return [_grade(task, answers) for task in source.tasks]


def _grade(task: Task, answers: "_Answers") -> TaskResult:
    try:
        answers.begin(task.name)
    except WrongAnswer as error:
        return TaskResult(task.name, 0, task.points, plain(str(error)))
    verdict = judged(parts_of(task.name), answers.answer(task.name))
    message = "; ".join(map(plain, verdict.sentences))
    return TaskResult(task.name, verdict.points, verdict.of, message or RIGHT)


class _Answers:
    """The submission's functions, in a process that is started again whenever it has ended.

    A cell whose run ended the process is left out from then on.
    """

    def __init__(self, submission: Submission, limits: Limits) -> None:
        self._cells = list(submission.cells)
        self._wrong = dict(submission.missing)
        self._limits = limits
        self._session: Session | None = None
        self._until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def begin(self, name: str) -> None:
        """Have the process ready, and the task's time begin. Raises WrongAnswer."""
        while self._session is None and name not in self._wrong:
            self._start()
        if name in self._wrong:
            raise WrongAnswer(self._wrong[name])
        self._until = time.monotonic() + self._limits.seconds

    def answer(self, name: str) -> Any:
        """The task's function, as the checks call it."""
        end = ""

        def call(*arguments: Any) -> Any:
            nonlocal end
            if self._session is None:
                raise WrongAnswer(end)
            left = self._until - time.monotonic()
            try:
                error, value, kept = self._session.call(name, arguments, max(left, 0.01))
            except Ended as ended:
                self._stop()
                end = str(ended)
                raise WrongAnswer(end) from ended
            if error is not None:
                raise WrongAnswer(sentence(error))
            number = changed(arguments, kept)
            if number is not None:
                raise WrongAnswer(overwrites(number))
            return value

        return call

    def _start(self) -> None:
        """Start a process and run the cells; one that ends the process is wrong and left out."""
        self._session = Session(self._limits)
        for cell in list(self._cells):
            try:
                error = self._session.run(cell.code)
            except Ended as ended:
                self._cells.remove(cell)
                self._note(cell, str(ended))
                self._stop()
                return
            if error is not None:
                self._note(cell, sentence(error))

    def _note(self, cell: Cell, message: str) -> None:
        if cell.task is not None:
            self._wrong.setdefault(cell.task, f"the cell does not run: {message}")

    def _stop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
