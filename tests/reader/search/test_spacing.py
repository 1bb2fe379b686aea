"""Blanks that nobody writes."""

import pytest

from chainrule.glyphs.alphabet import NAMED
from chainrule.reader.search.spacing import without_stray_spaces

ALPHABET = NAMED["european"]


def tidy(text, alphabet=ALPHABET):
    labels = without_stray_spaces([alphabet.index(c) + 1 for c in text], alphabet)
    return "".join(alphabet[label - 1] for label in labels)


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("In 192 , the elf", "In 192, the elf"),
        ("Confidence .", "Confidence."),
        ("Where ? Here : there", "Where? Here: there"),
        ("( two-dimensional )", "(two-dimensional)"),
        ("WWW . python . com", "WWW.python.com"),
        ("see wikipedia. org", "see wikipedia.org"),
        ("1,234 .50", "1,234.50"),
    ],
)
def test_they_go(read, written):
    assert tidy(read) == written


@pytest.mark.parametrize(
    "text",
    [
        "the cat sat",
        "1, 2, 3",
        "a ... b",
        "No. 10",
        "x .5",
        "of it. In fact",
        "a (b) c",
        "Fig. 2. 10 of 12",
    ],
)
def test_others_stay(text):
    assert tidy(text) == text


def test_an_alphabet_without_the_space_is_left_as_it_is():
    assert tidy("abc", "abc") == "abc"
