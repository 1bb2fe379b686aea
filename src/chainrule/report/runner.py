"""Runs the work that the wanted parts need, and makes their sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.io.progress import Progress
from chainrule.report.contents import PARTS, Part, Work, work
from chainrule.report.section import Section, section
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class AnsweredPart:
    """A part with its questions answered, in order."""

    number: int
    title: str
    sections: tuple[Section, ...]


def run_report(
    settings: ReportSettings,
    numbers: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> tuple[AnsweredPart, ...]:
    """Answer the parts of these numbers, by default all.

    progress: counts thousandths of the work. Raises what the experiments raise.
    """
    wanted = [part for part in PARTS if numbers is None or part.number in numbers]
    todo = _needed(work(settings), [q.work for part in wanted for q in part.questions])
    total = sum(one.seconds for one in todo.values())
    made: dict[str, Any] = {}
    done = 0.0
    for name, one in todo.items():
        inputs = [made[need] for need in one.needs]
        made[name] = one.run(settings, _part_of(progress, done, one.seconds, total), *inputs)
        done += one.seconds
        if progress is not None:
            progress(round(1000 * done / total), 1000)
    return tuple(_answered(part, made) for part in wanted)


def _answered(part: Part, made: dict[str, Any]) -> AnsweredPart:
    sections = tuple(section(question, made[question.work]) for question in part.questions)
    return AnsweredPart(part.number, part.title, sections)


def _needed(all_work: dict[str, Work], names: Sequence[str]) -> dict[str, Work]:
    """The named work with all that it needs, in the order of `all_work`."""
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += all_work[name].needs
    return {name: one for name, one in all_work.items() if name in needed}


def _part_of(
    progress: Progress | None, before: float, seconds: float, total: float
) -> Progress | None:
    """Progress within one piece of work as a part of all."""
    if progress is None:
        return None
    whole = progress
    return lambda done, of: whole(
        round(1000 * (before + seconds * done / max(of, 1)) / total), 1000
    )
