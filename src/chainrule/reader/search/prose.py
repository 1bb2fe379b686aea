"""What the dictionary may decide: words, and no codes, numbers or short capitals."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from unicodedata import combining, normalize

from chainrule.reader.search.lexicon import Lexicon

_LETTERS, _CAPITALS = 3, 4
"""The fewest letters of a word, and of one in capitals, that the dictionary has a say in; chosen
on the development half of real lines and on lines rendered in the training fonts."""


def with_prose(
    worded: Sequence[int], plain: Sequence[int], alphabet: str, words: Lexicon
) -> list[int]:
    """What is seen, `plain`, with those pieces of what was found by the dictionary, `worded`, that
    may be prose: between blanks, long enough, and without a digit, but for some that are seen in
    what is a word of the dictionary (`Ba6y`); and numbers in which letters are seen (`l1:48`). An
    accent that is seen stays, and so does a blank, unless without it there are only words of the
    dictionary.

    1 is the alphabet's first character.
    """
    if list(worded) == list(plain):
        return list(plain)

    def prose(seen: str, found: str) -> bool:
        digits, letters = (sum(map(kind, seen)) for kind in (str.isdecimal, str.isalpha))
        if any(map(str.isdecimal, found)):
            number = len(found) == len(seen) and not any(map(str.isalpha, found))
            return number and letters > 0 and digits > 0
        if not _long_enough(found) or (seen != found and _without_accents(seen) == found):
            return False
        if found.count(" ") < seen.count(" ") and not words.knows(labels(found)):
            return False
        return not digits or (2 * digits <= letters and words.knows(labels(found)))

    def labels(text: str) -> list[int]:
        return [alphabet.index(character) + 1 for character in text]

    seen, found = ("".join(alphabet[k - 1] for k in own) for own in (plain, worded))
    pieces = [other if prose(one, other) else one for one, other in _pieces(seen, found)]
    return labels(" ".join(piece for piece in pieces if piece))


def may_be_prose(labels: Sequence[int], alphabet: str) -> bool:
    """Whether the dictionary could have a say in a piece of what is seen: one with a letter."""
    text = "".join(alphabet[label - 1] for label in labels)
    return any(any(map(str.isalpha, piece)) and len(piece) > 1 for piece in text.split())


def _without_accents(text: str) -> str:
    return "".join(c for c in normalize("NFD", text) if not combining(c))


def _pieces(seen: str, found: str) -> Iterator[tuple[str, str]]:
    """The pieces between blanks of both, side by side; where one has more, several together."""
    ones, others = seen.split(" "), found.split(" ")
    for _, first, last, begin, end in SequenceMatcher(None, ones, others, False).get_opcodes():
        if last - first == end - begin:
            yield from zip(ones[first:last], others[begin:end], strict=True)
        else:
            yield " ".join(ones[first:last]), " ".join(others[begin:end])


def _long_enough(found: str) -> bool:
    letters = "".join(filter(str.isalpha, found))
    return len(letters) >= (_CAPITALS if letters.isupper() else _LETTERS)
