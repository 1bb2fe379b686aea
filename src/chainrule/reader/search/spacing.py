"""Blanks that nobody writes: before a comma, inside of an address of the web, after a bracket."""

import re
from collections.abc import Sequence

_STRAY = re.compile(
    r"(?<=\w) (?=[,;:?!)\]](?:\s|$))"  # before a mark that ends a part
    r"|(?<=\w) (?=\.(?:\s|$))"
    r"|(?<=[(\[]) (?=\w)"
    r"|(?i:(?<=\bwww) (?=\.)|(?<=\bwww\.) )"
    r"|(?<=\w\.) (?=(?:com|org|net|edu|gov|io|de|fr|uk)\b(?![\w ]))"
    r"|(?<=\d) (?=[.,]\d{2}\b(?![.,]))"  # as in 12 .50
)


def without_stray_spaces(labels: Sequence[int], alphabet: str) -> list[int]:
    """The labels (1 is the alphabet's first character) of a text without the blanks that stand
    where people write none."""
    if " " not in alphabet:
        return list(labels)
    text = "".join(alphabet[label - 1] for label in labels)
    if " " not in text:
        return list(labels)
    while found := [match.start() for match in _STRAY.finditer(text)]:
        kept = [place for place in range(len(text)) if place not in set(found)]
        labels = [labels[place] for place in kept]
        text = "".join(text[place] for place in kept)
    return list(labels)
