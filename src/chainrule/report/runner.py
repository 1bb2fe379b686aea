"""Does the work that the wanted parts need, on all cores, and gives their sections."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from chainrule.io.progress import Progress
from chainrule.report.answered import keep_answer, kept_answers
from chainrule.report.contents import PARTS, Part, Question
from chainrule.report.crew import Crew, one_thread
from chainrule.report.schedule import Piece, Schedule, needed
from chainrule.report.section import Section, section
from chainrule.report.settings import ReportSettings
from chainrule.report.work import work

_LOOK = 0.5  # seconds between two looks at the workers
_NOT_WORTH_OTHERS = 10.0  # seconds of work: a process needs half of it to load the experiments


@dataclass(frozen=True)
class AnsweredPart:
    """A part with its questions answered, in order."""

    number: int
    title: str
    sections: tuple[Section, ...]


class Made(NamedTuple):
    """What a piece of work gave: its value, if other work needs it; its section, if it is one."""

    value: Any
    section: Section | None


def run_report(
    settings: ReportSettings,
    numbers: Sequence[int] | None = None,
    *,
    on_part: Callable[[AnsweredPart, float], None] | None = None,
    on_progress: Callable[[float, float], None] | None = None,
) -> tuple[AnsweredPart, ...]:
    """Answer the parts of these numbers, by default all.

    on_part: gets each part when it is answered. on_progress: gets the share of the work that is
    done. Both get the seconds that are left, too. With more than one worker each is a process of
    its own; a script of one's own then needs `if __name__ == "__main__":`. The answers are the same
    for any number of workers. Raises what the experiments raise.
    """
    wanted = [part for part in PARTS if numbers is None or part.number in numbers]
    asked = [question.work for part in wanted for question in part.questions]
    answers = kept_answers(settings, asked)
    todo = _pieces(settings, [name for name in asked if name not in answers])
    schedule = Schedule(todo, _workers(settings, todo), time.monotonic)
    state = _State(settings, wanted, schedule, answers, on_part)
    if not todo:
        pass  # all was answered before
    elif schedule.workers == 1:
        with one_thread():
            _alone(settings, state, on_progress)
    else:
        _together(settings, state, on_progress)
    return tuple(state.answered[part.number] for part in wanted)


def do(
    settings: ReportSettings,
    for_others: frozenset[str],
    name: str,
    progress: Progress,
    *inputs: Any,
) -> Made:
    """Do the work of this name. for_others: the names of work that other work needs."""
    value = work(settings)[name].run(settings, progress, *inputs)
    question = _questions().get(name)
    return Made(
        value if name in for_others else None,
        None if question is None else section(question, value),
    )


class _State:
    """What has been made so far, and which parts are answered."""

    def __init__(
        self,
        settings: ReportSettings,
        wanted: Sequence[Part],
        schedule: Schedule,
        answers: Mapping[str, Section],
        on_part: Callable[[AnsweredPart, float], None] | None,
    ) -> None:
        self.schedule = schedule
        self.answered: dict[int, AnsweredPart] = {}
        self._settings, self._wanted, self._on_part = settings, wanted, on_part
        self._values: dict[str, Any] = {}
        self._sections = dict(answers)
        self.for_others = frozenset(n for piece in schedule.pieces.values() for n in piece.needs)
        self._tell_parts()

    def inputs(self, name: str) -> tuple[Any, ...]:
        """What a piece of work needs."""
        return tuple(self._values[need] for need in self.schedule.pieces[name].needs)

    def take(self, name: str, made: Made) -> None:
        """Keep what a piece of work gave, and tell of the part that it completes."""
        self.schedule.finish(name)
        self._values[name] = made.value
        if made.section is not None:
            keep_answer(self._settings, made.section)
            self._sections[name] = made.section
            self._tell_parts()

    def _tell_parts(self) -> None:
        for part in self._wanted:
            there = [self._sections.get(question.work) for question in part.questions]
            if part.number not in self.answered and all(one is not None for one in there):
                whole = tuple(one for one in there if one is not None)
                self.answered[part.number] = AnsweredPart(part.number, part.title, whole)
                if self._on_part is not None:
                    left = self.schedule.seconds_left()
                    self._on_part(self.answered[part.number], left)


def _alone(
    settings: ReportSettings, state: _State, on_progress: Callable[[float, float], None] | None
) -> None:
    """Do all work in this process, one piece after the other."""
    schedule = state.schedule
    while (name := schedule.next()) is not None:
        schedule.begin(name)

        def progress(done: int, total: int, name: str = name) -> None:
            schedule.progress(name, done / max(total, 1))
            _tell(schedule, on_progress)

        state.take(name, do(settings, state.for_others, name, progress, *state.inputs(name)))
        _tell(schedule, on_progress)


def _together(
    settings: ReportSettings, state: _State, on_progress: Callable[[float, float], None] | None
) -> None:
    """Do the work in processes, as many pieces at a time as there are workers."""
    schedule = state.schedule
    with Crew(schedule.workers, partial(do, settings, state.for_others)) as crew:
        while not schedule.finished:
            while crew.idle and (name := schedule.next()) is not None:
                schedule.begin(name)
                crew.give(name, state.inputs(name))
            for name, made in crew.wait(_LOOK, schedule.progress):
                state.take(name, made)
            _tell(schedule, on_progress)


def _tell(schedule: Schedule, on_progress: Callable[[float, float], None] | None) -> None:
    if on_progress is not None:
        on_progress(schedule.done, schedule.seconds_left())


def _workers(settings: ReportSettings, todo: Mapping[str, Piece]) -> int:
    """How many at the same time; one, if not said, where others would not be ready before it is."""
    seconds = sum(piece.seconds for piece in todo.values())
    if settings.workers is None and seconds < _NOT_WORTH_OTHERS:
        return min(1, len(todo))
    return min(settings.cores, len(todo))


def _pieces(settings: ReportSettings, names: Sequence[str]) -> dict[str, Piece]:
    pieces = {
        name: Piece(one.needs, one.quick if settings.quick else one.seconds)
        for name, one in work(settings).items()
    }
    return needed(pieces, names)


def _questions() -> dict[str, Question]:
    return {question.work: question for part in PARTS for question in part.questions}
