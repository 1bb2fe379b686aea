"""How one's own texts are built, letters and digits in which order, and what of a reading fits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import NamedTuple

from chainrule.reader.search.best_path import LogP, align

MOST = 20  # shapes that readings are fitted to, the commonest ones


def shape_of(text: str) -> str:
    """The text with L in place of each capital, l of each small letter and 0 of each digit."""
    return "".join(map(_kind, text))


class Shapes(NamedTuple):
    """How many of one's own texts have each shape.

    Where c of n texts have a shape, the next one has it with the chance c / (n + 1); what is left
    is for all strings of the k kinds of characters and an end alike: one of m characters has a
    shape that was never seen with the chance (k + 1)^-(m + 1) / (n + 1).
    """

    counts: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Shapes":
        """Those of some texts; none where these have not both letters and digits, so that there
        is nothing to tell apart: how long a meter's reading is, says nothing about the next."""
        texts = list(texts)
        kinds = set(shape_of("".join(texts)))
        mixed = "0" in kinds and not kinds.isdisjoint("Ll")
        return cls(Counter(map(shape_of, texts)) if mixed else {})

    def log_probability(self, text: str) -> float:
        """The logarithm of that chance; 0 of any text if there are no shapes."""
        if not self.counts:
            return 0.0
        shape, texts = shape_of(text), sum(self.counts.values())
        if shape in self.counts:
            return log(self.counts[shape] / (texts + 1))
        kinds = len(set("".join(self.counts)) | set(shape))
        return -log(texts + 1) - (len(shape) + 1) * log(kinds + 1)

    def knows(self, text: str) -> bool:
        """Whether one of the texts has the shape of this one, or there are no shapes."""
        return not self.counts or shape_of(text) in self.counts

    def fitted(self, log_p: LogP, labels: Sequence[int], alphabet: str) -> list[list[int]]:
        """What is read in frames, log_p (K, T), changed to the shapes that have as many characters,
        and to those that have one less without the first or the last; nothing if it has one.

        Each character that does not fit becomes the one of the right kind that is most probable
        where it stands. Class 1 is the first character of the alphabet.
        """
        labels = list(labels)
        spelled = "".join(alphabet[label - 1] for label in labels)
        if not labels or shape_of(spelled) in self.counts:
            return []
        spans = align(log_p, labels)
        most = sorted(self.counts, key=lambda shape: -self.counts[shape])[:MOST]
        found = []
        for shape in most:
            more = len(labels) - len(shape)
            for first in range(more + 1) if more < 2 else ():
                kept = slice(first, first + len(shape))
                found.append(_fit(log_p, labels[kept], spans[kept], shape, alphabet))
        return [one for one in found if one is not None]


def _fit(
    log_p: LogP,
    labels: Sequence[int],
    spans: Sequence[tuple[int, int]],
    shape: str,
    alphabet: str,
) -> list[int] | None:
    """The labels in this shape; None if the alphabet has no character of a kind."""
    fitted = []
    for label, (first, last), kind in zip(labels, spans, shape, strict=True):
        right = [k for k, character in enumerate(alphabet, 1) if _kind(character) == kind]
        if not right:
            return None
        best = right[int(log_p[right, first:last].max(1).argmax())]
        fitted.append(label if label in right else best)
    return fitted


def _kind(character: str) -> str:
    if character.isalpha():
        return "L" if character == character.upper() else "l"
    return "0" if character.isdecimal() else character
