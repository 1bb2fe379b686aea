"""What the dictionary may decide, and what it may not."""

import pytest

from chainrule.glyphs.alphabet import NAMED
from chainrule.reader.search.lexicon import lexicon
from chainrule.reader.search.prose import may_be_prose, with_prose

ALPHABET = NAMED["european"]
WORDS = lexicon(ALPHABET, ["baby", "knight", "contained", "the"])


def labels(text):
    return [ALPHABET.index(character) + 1 for character in text]


@pytest.mark.parametrize(
    ("seen", "found", "taken"),
    [
        ("reductlon contalned", "reduction contained", "reduction contained"),
        ("con tained", "contained", "contained"),
        ("sat on", "saton", "sat on"),  # no word comes of it
        ("thebaby", "the baby", "the baby"),
        ("AA 233 FF", "AR 233 Ff", "AA 233 FF"),  # a plate
        ("MHW", "MAN", "MHW"),  # short capitals
        ("KN1GHT", "KNIGHT", "KNIGHT"),  # a word with a digit in it
        ("A6X71", "ABXTI", "A6X71"),  # digits, and no word
        ("Ba6b", "Babb", "Ba6b"),
        ("tlie 60 to", "the 6o to", "the 60 to"),  # each piece by itself
        ("at l1:48", "at 11:48", "at 11:48"),
        ("48", "11:48", "48"),
        ("is", "it", "is"),
        ("caf\u00e9 na\u00efve", "cafe naive", "caf\u00e9 na\u00efve"),  # accents that are seen
        ("na\u00efye", "naive", "naive"),  # and one of a word that is unclear besides
        ("same", "same", "same"),
        ("", "the", "the"),
    ],
)
def test_words_are_taken_and_codes_are_not(seen, found, taken):
    read = with_prose(labels(found), labels(seen), ALPHABET, WORDS)
    assert "".join(ALPHABET[label - 1] for label in read) == taken


def test_what_can_be_no_prose_is_not_looked_up():
    for text in ("", "233", "4.711,00", "A 2 B", "- -"):
        assert not may_be_prose(labels(text), ALPHABET)
    for text in ("l1:48", "the", "7 boxes"):
        assert may_be_prose(labels(text), ALPHABET)
