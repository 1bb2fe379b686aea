"""What the original states, and how each statement is judged by what this run found.

`original` lists the statements, `rules` says when ours and theirs agree, `judged` puts both side by
side.
"""

from chainrule.report.facts.judged import JudgedFact, judge
from chainrule.report.facts.original import FACTS
from chainrule.report.facts.rules import VERDICTS, Verdict
from chainrule.report.facts.values import Fact, Found, Numbers, PublishedRun, Trials

__all__ = [
    "FACTS",
    "VERDICTS",
    "Fact",
    "Found",
    "JudgedFact",
    "Numbers",
    "PublishedRun",
    "Trials",
    "Verdict",
    "judge",
]
