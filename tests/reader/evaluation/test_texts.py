"""Texts of rendered lines, and the rates of readers that are right or nearly so on them."""

import re

import numpy as np
import pytest

from chainrule.glyphs.alphabet import parse_alphabet
from chainrule.glyphs.lines import load_line_fonts
from chainrule.reader.evaluation.readings import Reading
from chainrule.reader.evaluation.rendered import evaluate
from chainrule.reader.evaluation.texts import KINDS, MIXED, WORDS, line_texts
from chainrule.reader.lines.texts import words

ASCII = parse_alphabet("ascii")


@pytest.mark.parametrize("kind", [WORDS, MIXED, *KINDS])
def test_texts_are_of_the_alphabet_and_follow_from_the_seed(kind):
    one, same, other = (line_texts(kind, ASCII, 40, np.random.default_rng(n)) for n in (1, 1, 2))
    assert one == same != other
    for text in one:
        assert text == " ".join(text.split())
        assert set(text) <= set(ASCII)
    few = line_texts(kind, "abcdefghijklmnopqrstuvwxyz ", 40, np.random.default_rng(1))
    assert all(text and set(text) <= set("abcdefghijklmnopqrstuvwxyz ") for text in few)


def test_kinds_are_what_their_names_say():
    texts = {
        kind: line_texts(kind, ASCII, 60, np.random.default_rng(0)) for kind in (WORDS, *KINDS)
    }
    assert {word for text in texts[WORDS] for word in text.split()} <= set(words(True))
    assert all(re.match(r"[A-Z].*\.$", text) for text in texts["sentences"])
    assert all(re.match("[A-Z]", text) for text in texts["names"])
    assert all(re.search(r"\d|^[A-Z0-9]+$", text) for text in texts["codes"])
    assert all(re.search(r"\d[.,]?\d*", text) for text in texts["amounts"] + texts["dates"])
    assert all(re.search(r"\w+(\.\w+)+", text) for text in texts["links"])


def test_each_kind_has_its_row():
    def right(pictures, true):
        return Reading(true, 1.0)

    def one_wrong_a_line(pictures, true):
        return Reading([text + "~" for text in true], 2.0)

    readers = {"right": right, "wrong": one_wrong_a_line}
    rows = evaluate(
        readers, load_line_fonts(), ASCII, lines=5, kinds=["codes", "links"], conditions=["clean"]
    )
    assert [(row.reader, row.texts) for row in rows] == [
        ("right", "codes"), ("wrong", "codes"), ("right", "links"), ("wrong", "links"),
    ]  # fmt: skip
    assert [row.word_error_rate for row in rows[2:]] == [0.0, 1.0]
    assert rows[0].character_error_rate == 0.0 < rows[1].character_error_rate


def test_kinds_that_are_not_there_are_refused(refused, tmp_path):
    assert "expected one of words, mixed" in refused("reader", "evaluate", "--texts", "poems")
    assert "--texts" in refused("reader", "evaluate", tmp_path, "--texts", "codes")


def test_dates_do_not_move_with_the_clock():
    texts = line_texts("dates", ASCII, 2000, np.random.default_rng(3))
    years = {int(year) for text in texts for year in re.findall(r"\d{4}", text)}
    assert max(years) == 2025
