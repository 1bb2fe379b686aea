"""Texts of rendered lines to measure readers by: held-out words, and what another library makes."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

from chainrule.io.checks import one_of
from chainrule.reader.lines.texts import held_out_text

Rng = np.random.Generator

WORDS, MIXED = "words", "mixed"
_DATES = ("%d.%m.%Y", "%Y-%m-%d", "%m/%d/%y", "%d %B %Y", "%b %d, %Y", "%A, %H:%M", "%I:%M %p")
_LAST_DATE = datetime(2026, 1, 1)  # Faker's own is now, by which every date would move
_CODES = ("??-####/##?", "####-???-##", "?#####", "?##?##?##", "#### #### ####")
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def line_texts(kind: str, alphabet: str, count: int, rng: Rng) -> list[str]:
    """So many texts of a kind: WORDS, one of KINDS, or MIXED for any of KINDS.

    Words are common ones that are held out from training, 12 to 30 characters a line. The other
    kinds are Faker's, which our training never saw. What the alphabet lacks is left out. Raises
    InputError for another kind.
    """
    one_of("--texts", kind, (WORDS, MIXED, *KINDS))
    if kind == WORDS:
        return [held_out_text(rng, alphabet, int(rng.integers(12, 31))) for _ in range(count)]
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(int(rng.integers(2**32)))
    names = list(KINDS) if kind == MIXED else [kind]
    known, found = frozenset(alphabet), []
    for _ in range(count):
        text = KINDS[names[rng.integers(len(names))]](fake, rng)
        kept = " ".join("".join(filter(known.__contains__, text)).split())
        found.append(kept or held_out_text(rng, alphabet, len(text)))
    return found


def _sentence(fake: Any, rng: Rng) -> str:
    return str(fake.sentence(int(rng.integers(3, 7))))


def _address(fake: Any, rng: Rng) -> str:
    lines = str(fake.address()).split("\n")
    return lines[rng.integers(len(lines))]


def _code(fake: Any, rng: Rng) -> str:
    if rng.random() < 0.5:
        return str(fake.bothify(_CODES[rng.integers(len(_CODES))], letters=_CAPITALS))
    return _any_of("iban", "vin", "swift", "isbn13", "license_plate")(fake, rng)


def _amount(fake: Any, rng: Rng) -> str:
    value = 10 ** rng.uniform(0, 5)
    ways = (
        fake.pricetag(),
        f"{value:,.2f}",
        f"{value:.2f} {fake.currency_code()}",
        f"{value:.1f}%",
    )
    return str(ways[rng.integers(len(ways))])


def _date(fake: Any, rng: Rng) -> str:
    return str(fake.date(_DATES[rng.integers(len(_DATES))], _LAST_DATE))


def _one_of(names: tuple[str, ...], fake: Any, rng: Rng) -> str:
    return str(getattr(fake, names[rng.integers(len(names))])())


def _any_of(*names: str) -> "Callable[[Any, Rng], str]":
    return partial(_one_of, names)


KINDS: dict[str, Callable[[Any, Rng], str]] = {
    "sentences": _sentence,
    "names": _any_of("name", "company"),
    "codes": _code,
    "amounts": _amount,
    "dates": _date,
    "addresses": _address,
    "links": _any_of("url", "email", "hostname"),
}
"""What makes a text of each kind from Faker and a generator."""
