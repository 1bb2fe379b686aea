"""Names of any length and in any letters, as figures can show them."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

ELLIPSIS = "…"
_OWN = "DejaVu Sans"  # Matplotlib brings it


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
    """The text in one line of at most `length` characters, its middle left out if need be.

    Letters that no font of this machine has are shown by their number, as in U+732B.
    """
    families = _families(frozenset(c for c in text if not c.isspace()))
    known = frozenset().union(*map(_letters_of, families))
    shown = "".join(_shown(c, known) for c in text)
    if len(shown) <= length:
        return shown
    end = (length - 1) // 2
    return shown[: length - 1 - end] + ELLIPSIS + shown[len(shown) - end :]


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
    """The file of each font's name; not the fonts that have a box for every letter there is."""
    from matplotlib import font_manager

    entries: Any = font_manager.fontManager.ttflist
    return {e.name: e.fname for e in entries if not e.name.startswith("Last Resort")}


@cache
def _letters_of(name: str) -> frozenset[int]:
    from matplotlib import font_manager

    try:
        return frozenset(font_manager.get_font(_installed()[name]).get_charmap())
    except (KeyError, RuntimeError, OSError):  # a font that FreeType does not read
        return frozenset()
