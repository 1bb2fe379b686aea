"""What a task asks for, part by part: each has points of its own, and a sentence where it fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.practical.notebooks.checks.compare import Answer, Check, WrongAnswer


@dataclass(frozen=True)
class Part:
    """One thing that a task asks for: in a few words, its points, and what holds an answer to it.

    A part that only means something where another is right calls that one's check first.
    """

    asks: str
    points: float
    check: Check


@dataclass(frozen=True)
class Verdict:
    """An answer's points, of how many, and what is not right: a sentence for each mistake."""

    points: float
    of: float
    sentences: tuple[str, ...]


def judged(parts: Sequence[Part], answer: Answer) -> Verdict:
    """Hold an answer against each part. Raises InputError where no process can be had for it."""
    answer = _twice_at_first(answer)
    points, sentences = 0.0, dict[str, str]()  # one for each mistake, whatever the case
    for part in parts:
        try:
            part.check(answer)
        except WrongAnswer as error:
            sentences.setdefault(error.sentence, str(error))
        except InputError:
            raise
        except Exception as error:  # a check met a value that nobody but an attacker returns
            said = f"its answer is not what the task asks for ({type(error).__name__})"
            sentences[said] = said
        else:
            points += part.points
    return Verdict(points, sum(part.points for part in parts), tuple(sentences.values()))


def _twice_at_first(answer: Answer) -> Answer:
    """The answer, whose first call is made twice: an answer must not depend on calls before."""
    steady: list[bool] = []

    def call(*arguments: Any) -> Any:
        value = answer(*arguments)
        if not steady:
            steady.append(_alike(value, answer(*arguments)))
        if not steady[0]:
            raise WrongAnswer(
                "called again with the same arguments it gives another value: it keeps something "
                "from call to call"
            )
        return value

    return call


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same but for rounding; what holds no numbers is taken to be."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_alike, one, other))
    kinds = int | float | np.ndarray
    if not (isinstance(one, kinds) and isinstance(other, kinds)):
        return True
    a, b = np.asarray(one), np.asarray(other)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True)
