"""Every fact beside what this run found for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.report.facts.rules import Verdict
from chainrule.report.facts.values import Fact, Found, LeftOut, Numbers, Trials


@dataclass(frozen=True)
class JudgedFact:
    """A line of the page's tables and of `results.json`."""

    fact: Fact
    here: str
    verdict: Verdict
    why: str

    def document(self) -> dict[str, str]:
        """The entry in `results.json`."""
        return {
            "id": self.fact.id,
            "original": self.fact.text,
            "here": self.here,
            "verdict": self.verdict,
            "why": self.why,
        }


def judge(facts: Sequence[Fact], found: Mapping[str, Found]) -> tuple[JudgedFact, ...]:
    """Judge each fact by its rule. Raises KeyError if a fact has nothing beside it, or the reverse.

    Where a difference can only be an error of the original's, it is one.
    """
    ids = [fact.id for fact in facts]
    if set(ids) != set(found):
        raise KeyError(f"facts without a finding or the reverse: {sorted(set(ids) ^ set(found))}")
    return tuple(_judged(fact, found[fact.id]) for fact in facts)


def _judged(fact: Fact, found: Found) -> JudgedFact:
    if isinstance(fact.original, LeftOut) or fact.rule is None:
        return JudgedFact(fact, _shown(fact, found), "cannot be compared", _why_not(fact))
    verdict, why = fact.rule.judge(fact.original, found)
    if fact.certain and verdict == "disagrees":
        verdict = "the original errs"
    return JudgedFact(fact, _shown(fact, found), verdict, why)


def _why_not(fact: Fact) -> str:
    return fact.original.why if isinstance(fact.original, LeftOut) else "no rule compares it"


def _shown(fact: Fact, found: Found) -> str:
    if found.text:
        return found.text
    if isinstance(found.value, Trials):
        return found.value.text
    if isinstance(fact.original, Numbers) and isinstance(found.value, np.ndarray | float | int):
        return fact.original.like(found.value).text
    return str(found.value)
