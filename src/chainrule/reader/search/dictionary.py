"""Words for the lexicon: English ones, or those of a file."""

import os
from functools import cache
from importlib.resources import files

from chainrule.errors import FileError, InputError
from chainrule.io.texts import read_text


@cache
def english() -> dict[str, int]:
    """41,156 English words, each with how common it is: 10 (most), 20 or 35, its size in SCOWL.

    The small American and British lists of SCOWL (Atkinson, 2011), those of ASCII letters only. The
    words of `chainrule.reader.lines.texts.words` are among them.
    """
    text = (files("chainrule.reader") / "data" / "english.txt").read_text("utf-8")
    lines = (line.split() for line in text.splitlines())
    return {word: int(size) for word, size in lines}


LONGEST = 100
"""Letters of a word; the longest of any dictionary have about half as many."""

_MOST_BYTES = 32 << 20
MOST_LETTERS = 5_000_000
"""Letters of all words of a file, which as a tree take half a gigabyte at most."""


def read_words(path: str | os.PathLike[str]) -> list[str]:
    """The words of a text file (UTF-8), one a line.

    Raises FileError, or InputError if it has none of the letters a to z, a word of more than
    LONGEST, or more than MOST_LETTERS in all.
    """
    try:
        lines = read_text(path, most=_MOST_BYTES).splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise FileError(
            f"{path} cannot be read as a list of words ({reason}); expected a text file with a "
            "word a line, or english, or none"
        ) from error
    found = [line.strip() for line in lines]
    spelled = [word for word in found if word.isascii() and word.isalpha()]
    if not spelled:
        raise InputError(
            f"{path} has no word of the letters a to z among its {len(found)} lines; expected a "
            "word a line"
        )
    for number, word in enumerate(found, 1):
        if len(word) > LONGEST and word.isascii() and word.isalpha():
            raise InputError(
                f"{path}, line {number}: found a word of {len(word):,} letters; expected at most "
                f"{LONGEST}"
            )
    if (letters := sum(map(len, spelled))) > MOST_LETTERS:
        raise InputError(
            f"{path} has words of {letters:,} letters in all; expected at most {MOST_LETTERS:,}"
        )
    return spelled
