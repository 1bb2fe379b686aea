"""A report's sections as the room shows them: what was stated beside what was found, and doors."""

from collections.abc import Sequence
from typing import Any

from chainrule.lab.rooms.report_doors import command_instead, doors
from chainrule.report import AnsweredPart, ReportSettings
from chainrule.report.contents import command
from chainrule.report.facts import JudgedFact
from chainrule.report.markup import plain
from chainrule.report.page import anchor, counted
from chainrule.report.section import Section


def sections(parts: Sequence[AnsweredPart], settings: ReportSettings) -> dict[str, Any]:
    """{"command", "quick", "verdicts", "parts": [{"number", "title", "sections": [...]}]}."""
    facts = [fact for part in parts for one in part.sections for fact in one.facts]
    return {
        "command": command([part.number for part in parts], settings),
        "quick": settings.quick,
        "verdicts": counted(facts),
        "parts": [
            {
                "number": part.number,
                "title": part.title,
                "sections": [_section(one, settings.seed) for one in part.sections],
            }
            for part in parts
        ],
    }


def _section(one: Section, seed: int) -> dict[str, Any]:
    return {
        "number": one.number,
        "anchor": anchor(one.number),
        "title": one.title,
        "answer": plain(one.texts["answer"]),
        "verdicts": counted(one.facts),
        "facts": [_fact(fact) for fact in one.facts],
        "doors": [{"said": said, "to": to} for said, to in doors(one, seed)],
        "instead": command_instead(one.number),
    }


def _fact(judged: JudgedFact) -> dict[str, str]:
    return {**judged.document(), "what": judged.fact.what}
