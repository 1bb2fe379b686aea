"""Names of any length and in any letters, as figures can show them."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

ELLIPSIS = "…"
_OWN = "DejaVu Sans"  # Matplotlib brings it
_USUAL_WEIGHT = ("400", "normal", "regular", "book")
_EM, _USUAL = 100, 0.6  # of the font's size: the mean width of its small letters


@contextmanager
def lettering(texts: Iterable[str]) -> Iterator[None]:
    """While figures are made: use fonts of this machine that have the texts' letters.

    Matplotlib's own font has no Chinese, Japanese or Korean. Where no other has them either, the
    logger "chainrule" says so, once.
    """
    import matplotlib as mpl

    letters = frozenset(c for text in texts for c in text if not c.isspace())
    families = _families(letters)
    known = frozenset().union(*map(_letters_of, families))
    missing = sorted(c for c in letters if c.isprintable() and ord(c) not in known)
    if missing:
        _say_once("".join(missing[:5]))
    with mpl.rc_context({"font.family": list(families)}):
        yield


_said: list[str] = []


def _say_once(letters: str) -> None:
    if _said:
        return
    _said.append(letters)
    logging.getLogger("chainrule").warning(
        "no font of this machine has the letters %s: drawings show their numbers, as U+732B; a "
        "font such as Noto Sans CJK has them",
        letters,
    )


def caption(text: str, length: int = 28) -> str:
    """The text in one line, as wide as `length` letters at most, its middle left out if need be.

    Letters that no font of this machine has are shown by their number, as in U+732B.
    """
    families = _families(frozenset(c for c in text if not c.isspace()))
    known = frozenset().union(*map(_letters_of, families))
    shown = [_shown(c, known) for c in text]
    width = [sum(_width(c, families) for c in letters) for letters in shown]
    if sum(width) <= length:
        return "".join(shown)
    first, last = (_fitting(w, (length - 1) / 2) for w in (width, width[::-1]))
    return "".join(shown[:first]) + ELLIPSIS + "".join(shown[len(shown) - last :])


def _fitting(width: Sequence[float], room: float) -> int:
    """How many letters from the first on have room."""
    return int(np.searchsorted(np.cumsum(width), room, side="right"))


def _width(letter: str, families: tuple[str, ...]) -> float:
    """How wide a letter is, in letters of the usual width."""
    from matplotlib import font_manager

    name = next((name for name in families if ord(letter) in _letters_of(name)), None)
    if name is None:
        return 1.0
    font = font_manager.get_font(_installed()[name])
    font.set_size(_EM, 72)  # in pixels; of few, the widths are rounded
    em = font.load_char(ord(letter)).linearHoriAdvance / 65536 / _EM
    return float(em / _USUAL)


def _shown(character: str, known: frozenset[int]) -> str:
    if not character.isprintable():
        return " " if character.isspace() else f"U+{ord(character):04X}"
    return character if ord(character) in known or character == " " else f"U+{ord(character):04X}"


@cache
def _families(letters: frozenset[str]) -> tuple[str, ...]:
    """Matplotlib's own font, and then such as have what is still missing."""
    families, missing = [_OWN], {ord(c) for c in letters} - _letters_of(_OWN)
    for name in _installed() if missing else ():
        if missing & _letters_of(name):
            families.append(name)
            missing -= _letters_of(name)
        if not missing:
            break
    return tuple(families)


@cache
def _installed() -> dict[str, str]:
    """The file of each font's name, upright and of usual weight where it has such; not the fonts
    that have a box for every letter there is."""
    from matplotlib import font_manager

    entries: Any = font_manager.fontManager.ttflist
    usual_last = sorted(
        entries, key=lambda e: (e.style == "normal", str(e.weight) in _USUAL_WEIGHT)
    )
    return {e.name: e.fname for e in usual_last if not e.name.startswith("Last Resort")}


@cache
def _letters_of(name: str) -> frozenset[int]:
    from matplotlib import font_manager

    try:
        return frozenset(font_manager.get_font(_installed()[name]).get_charmap())
    except (KeyError, RuntimeError, OSError):  # a font that FreeType does not read
        return frozenset()
