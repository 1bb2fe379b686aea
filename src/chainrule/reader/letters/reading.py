"""What a letter network reads where the letters of a line are known to be."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from chainrule.glyphs.lines import Line
from chainrule.reader.letters.score_map import columns_of


@dataclass(frozen=True)
class Reading:
    """The letter that scores best in the window nearest to each letter of the text."""

    text: str  # with the spaces of the true text: the network has no class for them
    right: int
    letters: int  # how many letters the text has


def read_at_boxes(scores: Float[Tensor, "classes columns"], line: Line, alphabet: str) -> Reading:
    """Read each letter of the line at its own place; the places and the spaces are given."""
    best = scores.argmax(0).tolist()
    columns = columns_of(line.boxes, len(best)).tolist()
    text = "".join(
        " " if character == " " else alphabet[best[column]]
        for character, column in zip(line.text, columns, strict=True)
    )
    pairs = [(a, b) for a, b in zip(line.text, text, strict=True) if a != " "]
    return Reading(text, sum(a == b for a, b in pairs), len(pairs))
