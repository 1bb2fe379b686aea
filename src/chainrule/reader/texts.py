"""Texts to train and to test a reader with: words, and strings that no word list knows."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from chainrule.errors import FileError, InputError

_MARKS = ".,;:!?"


@cache
def words(held_out: bool) -> tuple[str, ...]:
    """Common English words: every fourth is held out from training."""
    listed = _read("words.txt").split()
    return tuple(word for place, word in enumerate(listed) if (place % 4 == 3) == held_out)


@cache
def english() -> dict[str, int]:
    """41,156 English words, each with how common it is: 10 (most), 20 or 35, its size in SCOWL.

    The small American and British lists of SCOWL (Atkinson, 2011), those of ASCII letters only. The
    words of `words` are among them.
    """
    lines = (line.split() for line in _read("english.txt").splitlines())
    return {word: int(size) for word, size in lines}


def read_words(path: str | os.PathLike[str]) -> list[str]:
    """The words of a text file (UTF-8), one a line. Raises FileError, or InputError if it has none
    of the letters a to z."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
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
    return spelled


def _read(name: str) -> str:
    return (files("chainrule.reader") / "data" / name).read_text("utf-8")


def training_text(rng: np.random.Generator, alphabet: str, length: int) -> str:
    """About `length` characters of `alphabet`, at least one that is no space.

    Half of the pieces are words, common ones and any English ones but those held out, as far as the
    alphabet spells them, the others random strings, so that the reader learns characters and not
    the words.
    """
    kinds = _kinds(alphabet)
    gap = " " if " " in alphabet else ""
    text = ""
    while len(text) < length:
        piece = _word(rng, alphabet) if rng.random() < 0.5 else _string(rng, kinds)
        text += (gap if text else "") + piece
    return text[: max(length, 1)].strip() or _string(rng, kinds)


def held_out_text(rng: np.random.Generator, alphabet: str, length: int) -> str:
    """Held-out words with spaces between, about `length` characters, as far as the alphabet spells
    them; else a random string of it."""
    known = _spelled(alphabet, True)
    if len(known) < 20 or " " not in alphabet:
        inked = [character for character in alphabet if character != " "]
        return "".join(rng.choice(inked, max(1, length)))
    text = known[rng.integers(len(known))]
    while len(text) < length:
        text += " " + known[rng.integers(len(known))]
    return text


@cache
def _spelled(alphabet: str, held_out: bool) -> tuple[str, ...]:
    return tuple(word for word in words(held_out) if set(word) <= set(alphabet))


@cache
def _any_spelled(alphabet: str) -> tuple[str, ...]:
    held = set(words(True))
    spelled = (word for word in english() if set(word) <= set(alphabet))
    return tuple(word for word in spelled if word.lower() not in held)


@cache
def _kinds(alphabet: str) -> tuple[str, ...]:
    """The alphabet, and its small letters, capitals, digits and the rest, as far as it has them."""
    inked = alphabet.replace(" ", "")
    tests = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    parts = ["".join(filter(test, inked)) for test in tests]
    return (inked, *(part for part in parts if part))


def _word(rng: np.random.Generator, alphabet: str) -> str:
    known = _spelled(alphabet, False) if rng.random() < 0.5 else _any_spelled(alphabet)
    if not known:
        return _string(rng, _kinds(alphabet))
    word = known[rng.integers(len(known))]
    chance = rng.random()
    changed = word.upper() if chance < 0.15 else word.capitalize() if chance < 0.4 else word
    if rng.random() < 0.15:
        changed += _MARKS[rng.integers(len(_MARKS))]
    return changed if set(changed) <= set(alphabet) else word


def _string(rng: np.random.Generator, kinds: tuple[str, ...]) -> str:
    kind = kinds[0] if rng.random() < 0.5 else kinds[rng.integers(len(kinds))]
    characters = rng.choice(list(kind), rng.integers(1, 9))
    # repeated characters are the ones that need a blank between them
    doubled = rng.random(len(characters)) < 0.12
    return "".join(c + c if twice else c for c, twice in zip(characters, doubled, strict=True))
