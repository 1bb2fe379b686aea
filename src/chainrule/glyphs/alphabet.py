"""Which characters a data set or a reader knows."""

import string

from chainrule.errors import InputError

_ASCII = "".join(map(chr, range(32, 127)))
_LETTERS = "".join(chr(code) for code in range(0xC0, 0x100) if code not in (0xD7, 0xF7)) + "Œœ"
_SIGNS = "€£¥§°©®™–—‘’“”„…•«»¿¡½²³µ±·×"

NAMED = {
    "lowercase": string.ascii_lowercase,
    "letters": string.ascii_letters,
    "digits": string.digits,
    "alphanumeric": string.ascii_letters + string.digits,
    "ascii": _ASCII,
    "european": _ASCII + _LETTERS + _SIGNS,
}


def parse_alphabet(text: str) -> str:
    """Give the characters that `text` stands for: one of the names in NAMED, or themselves.

    No name is also a set of characters: each repeats one, and a set may not.
    Raises InputError for fewer than two characters, a repeated one, or a control character.
    """
    if text in NAMED:
        return NAMED[text]
    if len(text) < 2:
        raise InputError(
            f"alphabet {text!r} has {len(text)} character{'' if len(text) == 1 else 's'}; "
            "expected at least 2 to tell apart"
        )
    repeated = sorted({character for character in text if text.count(character) > 1})
    if repeated:
        raise InputError(
            f"alphabet {text!r} repeats {' '.join(map(repr, repeated))}; expected each character "
            f"once, or one of the names {', '.join(NAMED)}"
        )
    odd = [character for character in text if not character.isprintable()]
    if odd:
        raise InputError(f"alphabet has {odd[0]!r}; expected characters that can be drawn")
    return text
