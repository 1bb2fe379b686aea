"""A question answered: its texts, its facts judged, its pictures and tables."""

from dataclasses import dataclass, field
from typing import Any

from chainrule.report.contents import Question
from chainrule.report.facts import JudgedFact, judge
from chainrule.report.finding import Figure, Finding, Table
from chainrule.report.texts import texts


@dataclass(frozen=True)
class Section:
    """What the page and `results.json` show of a question.

    texts: by block of the template: "answer" is one sentence, "question" says what was asked,
    "found" what this run found; "caption_X" and "alt_X" go with the figure X, "table_X" with the
    table X. facts: what the original states, in its order, each judged.
    """

    number: str
    title: str
    work: str
    texts: dict[str, str]
    facts: tuple[JudgedFact, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    results: dict[str, Any] = field(default_factory=dict)


def section(question: Question, finding: Finding) -> Section:
    """Put an experiment's finding into words and pictures, and judge the original's facts by it."""
    return Section(
        question.number,
        question.title,
        question.work,
        texts(question.work, finding),
        judge(question.facts, finding.found()),
        finding.figures(),
        finding.tables(),
        finding.document(),
    )
