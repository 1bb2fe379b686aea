"""By what rule a text counts as read: case, spaces, which characters; rates with intervals."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.errors import InputError
from chainrule.reader.evaluation.error_rates import edit_distance, edits

RULES = ("exact", "nocase", "nospace", "alnum", "digits")
_RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """What of a text is compared. Runs of spaces count as one in any case."""

    nocase: bool = False
    nospace: bool = False
    alnum: bool = False
    digits: bool = False

    def __call__(self, text: str) -> str:
        text = " ".join(text.split())
        if self.digits:
            text = "".join(c for c in text if c.isdecimal())
        elif self.alnum:
            text = "".join(c for c in text if c.isalnum())
        if self.nospace:
            text = "".join(text.split())
        return text.lower() if self.nocase else text


def parse_score(rules: str) -> Score:
    """The score of rules with commas between: "nocase,nospace". Raises InputError.

    exact: all as it is. nocase: capitals count as small letters. nospace: without spaces. alnum:
    letters and digits alone. digits: digits alone.
    """
    names = [name.strip() for name in rules.split(",")]
    for name in names:
        if name not in RULES:
            raise InputError(
                f"score: found {name!r}; expected some of {', '.join(RULES)}, with commas between"
            )
    return Score(**{name: True for name in names if name != "exact"})


@dataclass(frozen=True)
class Rates:
    """The errors of a reader on some lines.

    character_error: the edits over the true characters, of all lines together; interval: where
    95 % of the means of lines drawn anew lie (percentile bootstrap over lines, Efron 1979). right:
    the share of lines without an edit. confusions: (true, read, how often), the commonest first,
    "" where a character is missing or was put in.
    """

    lines: int
    characters: int
    character_error: float
    interval: tuple[float, float]
    right: float
    confusions: tuple[tuple[str, str, int], ...]


def rates(read: Sequence[str], true: Sequence[str], score: Score, confusions: int = 10) -> Rates:
    """Compare texts under a score. Raises InputError if there is nothing to compare with."""
    pairs = [(score(one), score(other)) for one, other in zip(read, true, strict=True)]
    wrong = np.array([edit_distance(*pair) for pair in pairs])
    lengths = np.array([len(other) for _, other in pairs])
    if not lengths.sum():
        raise InputError(
            f"the {len(true)} true texts hold nothing that the score compares; expected at least "
            "one character"
        )
    counts = Counter(edit for one, other in pairs for edit in edits(one, other))
    drawn = np.random.default_rng(0).integers(len(pairs), size=(_RESAMPLES, len(pairs)))
    means = wrong[drawn].sum(1) / np.maximum(lengths[drawn].sum(1), 1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Rates(
        lines=len(pairs),
        characters=int(lengths.sum()),
        character_error=float(wrong.sum() / lengths.sum()),
        interval=(float(low), float(high)),
        right=float((wrong == 0).mean()),
        confusions=tuple((*pair, count) for pair, count in counts.most_common(confusions)),
    )
