"""The model of texts: a distribution, by hand and as a whole."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import FileError, InputError
from chainrule.glyphs.alphabet import NAMED
from chainrule.reader.lines.texts import words
from chainrule.reader.search.dictionary import english, read_words
from chainrule.reader.search.lexicon import _tree, end_of_line, lexicon, next_character

WORDS = ["on", "one", "Two", "don't", "x1"]


def _labels(text, alphabet):
    return [alphabet.index(character) + 1 for character in text]


@pytest.mark.parametrize("alphabet", [NAMED["ascii"], NAMED["european"], NAMED["lowercase"] + " "])
def test_after_any_beginning_the_characters_and_the_end_add_to_one(alphabet):
    model = lexicon(alphabet, WORDS)
    for beginning in ("", "o", "on", "one", "q", "one ", "oq", "t"):
        state, case = 0, 0
        for character in beginning:
            label = alphabet.index(character) + 1
            _, state, case = next_character(model.tables, state, case, label)
        total = math.exp(end_of_line(model.tables, state)) + sum(
            math.exp(next_character(model.tables, state, case, label)[0])
            for label in range(1, len(alphabet) + 1)
        )
        assert total == pytest.approx(1)


def test_a_text_by_hand():
    # "on", "one" and "two" are spelled; the others have characters that no beginning has
    model = lexicon(NAMED["lowercase"] + " ", WORDS)
    stray, known = 0.05 / 27, 0.95
    first = 0.75 * (known * 2 / 3 + 0.05 / 26)  # o
    on = known * 2 / 2 + stray  # both go on with n
    ends = (known * 1 / 2 + stray) * (0.1 / 0.6)  # one of the two ends here, and the line
    expected = math.log(first * on * ends)
    assert model.log_probability(_labels("on", NAMED["lowercase"] + " ")) == pytest.approx(expected)
    # no word begins with q; after it anything goes
    q = 0.75 * 0.05 / 26 * (1 / 27) * (1 / 27) * (0.1 / 0.6)
    assert model.log_probability(_labels("qz", NAMED["lowercase"] + " ")) == pytest.approx(
        math.log(q)
    )


@given(st.dictionaries(st.text("abAZz'", min_size=1, max_size=7), st.integers(1, 64)))
def test_the_tree_counts_the_words_of_every_beginning(words):
    spelled = {}
    for word, count in words.items():
        if "'" not in word:
            spelled[word.lower()] = max(count, spelled.get(word.lower(), 0))
    beginnings = {word[:k] for word in spelled for k in range(1, len(word) + 1)}
    following, through, ends = _tree(words)
    assert len(following) == len(through) == len(ends) == 3 + len(beginnings)
    assert through[0] == sum(spelled.values())
    for beginning in beginnings:
        state = 0
        for letter in beginning:
            state = following[state, ord(letter) - ord("a")]
        assert state > 2
        assert through[state] == sum(n for w, n in spelled.items() if w.startswith(beginning))
        assert ends[state] == spelled.get(beginning, 0)


def test_an_accent_leaves_a_word_a_word():
    model = lexicon(NAMED["european"])
    seen = {
        text: model.log_probability(_labels(text, NAMED["european"]))
        for text in ("number", "n\u00famber", "n*mber", "nzmber")
    }
    assert seen["number"] > seen["n\u00famber"] > seen["n*mber"]
    assert seen["n\u00famber"] > seen["nzmber"]
    assert model.knows(_labels("n\u00famber sixt\u00e9en", NAMED["european"]))


def test_english_words_are_likelier_than_their_letters_turned_round():
    model = lexicon(NAMED["ascii"])
    for word in ("kangaroo", "Letter", "WINDOW"):
        turned = word[::-1]
        likelier = model.log_probability(_labels(word, NAMED["ascii"]))
        assert likelier > model.log_probability(_labels(turned, NAMED["ascii"])) + 5
    assert model.log_probability(_labels("wInDoW", NAMED["ascii"])) < model.log_probability(
        _labels("window", NAMED["ascii"])
    )


@given(
    st.text("onetTwWq1, .", max_size=14) | st.sampled_from(["On 1 two", "one.Two,", "o", "tw o"])
)
def test_it_knows_texts_whose_strings_of_letters_are_all_words(text):
    alphabet = NAMED["ascii"]
    model = lexicon(alphabet, WORDS)
    labels = _labels(text, alphabet)
    strings = re.findall("[a-z]+", text.lower())
    assert model.knows(labels) == all(string in {"on", "one", "two"} for string in strings)


def test_there_is_no_model_without_letters_or_without_words():
    assert lexicon("0123456789") is None
    assert lexicon("1 ") is None
    assert lexicon("abc", ["1", "é"]) is None


def test_the_dictionary_has_the_words_that_are_held_out_and_training_texts_do_not():
    assert set(words(True)) < set(english())
    assert all(word.isascii() and word.isalpha() for word in english())


def test_words_of_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo words\n\n Three \nnaïve\n", encoding="utf-8")
    assert read_words(tmp_path / "words.txt") == ["one", "Three"]


def test_files_that_hold_no_words(tmp_path):
    (tmp_path / "none.txt").write_text("1\n2\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="no word of the letters a to z among its 2 lines"):
        read_words(tmp_path / "none.txt")
    with pytest.raises(FileError, match="it is no text in UTF-8"):
        read_words(tmp_path / "picture.png")
    with pytest.raises(FileError, match="No such file"):
        read_words(tmp_path / "missing.txt")
