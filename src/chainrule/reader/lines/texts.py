"""Texts to train and to test a reader with: words, and strings that no word list knows."""

from functools import cache
from importlib.resources import files

import numpy as np

from chainrule.reader.search.dictionary import english

_MARKS = ".,;:!?"


@cache
def words(held_out: bool) -> tuple[str, ...]:
    """Common English words: every fourth is held out from training."""
    text = (files("chainrule.reader") / "data" / "words.txt").read_text("utf-8")
    listed = text.split()
    return tuple(word for place, word in enumerate(listed) if (place % 4 == 3) == held_out)


@cache
def training_words() -> tuple[str, ...]:
    """The English words but those held out, each as many times as about makes it as common."""
    held = set(words(True))
    times = {10: 4, 20: 2, 35: 1}
    common = [word for word in words(False) for _ in range(60)]
    others = [
        word
        for word, size in english().items()
        if word.lower() not in held
        for _ in range(times[size])
    ]
    return (*common, *others)


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
