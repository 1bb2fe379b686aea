"""How many errors readers make on rendered lines, under stated conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.errors import InputError
from chainrule.glyphs.degrade import CONDITIONS, degrade
from chainrule.glyphs.lines import LineFont, render_line
from chainrule.io.progress import Progress
from chainrule.reader.evaluation.error_rates import character_error_rate, word_error_rate
from chainrule.reader.evaluation.readings import Read
from chainrule.reader.evaluation.texts import WORDS, line_texts


@dataclass(frozen=True)
class Row:
    """One reader, one kind of texts, one condition. The rates are shares, of all lines together."""

    reader: str
    texts: str
    condition: str
    lines: int
    character_error_rate: float
    word_error_rate: float
    lines_per_second: float


def evaluate(
    readers: Mapping[str, Read],
    fonts: Sequence[LineFont],
    alphabet: str,
    *,
    lines: int = 200,
    kinds: Sequence[str] = (WORDS,),
    conditions: Sequence[str] = tuple(CONDITIONS),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Row]:
    """Give every reader the same lines in the fonts that are held out.

    kinds: of texts, as `line_texts` makes them. conditions: names of `degrade.CONDITIONS`. Spaces
    are compared too, runs of them as one. Raises InputError if no font is held out, or for an
    unknown kind or condition.
    """
    held = [font for font in fonts if font.validation]
    if not held:
        raise InputError("none of the fonts is held out; expected fonts of a second family")
    unknown = [name for name in conditions if name not in CONDITIONS]
    if unknown:
        raise InputError(
            f"condition {unknown[0]!r} is unknown; expected one of {', '.join(CONDITIONS)}"
        )
    rows: list[Row] = []
    for kind in kinds:
        rng = np.random.default_rng(seed)
        texts = line_texts(kind, alphabet, lines, rng)
        clean = [render_line(held[rng.integers(len(held))], text).image for text in texts]
        for name in conditions:
            pictures = [degrade(picture, CONDITIONS[name], rng) for picture in clean]
            for reader, read in readers.items():
                reading = read(pictures, texts)
                found = [" ".join(text.split()) for text in reading.texts]
                errors = character_error_rate(found, texts), word_error_rate(found, texts)
                rows.append(Row(reader, kind, name, lines, *errors, lines / reading.seconds))
                if progress:
                    progress(len(rows), len(kinds) * len(conditions) * len(readers))
    return rows
