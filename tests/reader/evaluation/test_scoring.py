"""Scores of texts: the rules by hand, the edits against difflib's and the distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.reader.evaluation.error_rates import edit_distance, edits
from chainrule.reader.evaluation.scoring import Score, parse_score, rates


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        ("exact", "  Total :  5.00 ", "Total : 5.00"),
        ("nocase,nospace", "Total : 5.00", "total:5.00"),
        ("alnum", "AB-123 (x)", "AB123x"),
        ("alnum, nocase", "AB-123 (x)", "ab123x"),
        ("digits", "no. 12.5 kWh", "125"),
    ],
)
def test_what_a_score_compares(rules, text, expected):
    assert parse_score(rules)(text) == expected


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(InputError, match="found 'case'; expected some of exact, nocase"):
        parse_score("case")


@given(st.text("abc ", max_size=8), st.text("abc ", max_size=8))
def test_the_edits_turn_one_into_the_other(one, other):
    found = edits(one, other)
    assert len(found) == edit_distance(one, other)
    # what is taken away and what is put in account for the difference of the letters' counts
    for letter in "abc ":
        taken = sum(read == letter for _, read in found)
        put = sum(true == letter for true, _ in found)
        assert one.count(letter) - taken + put == other.count(letter)


def test_the_rates_of_lines_by_hand():
    found = rates(["ab", "Cd", "e"], ["ab", "cd", "ef"], Score())
    assert (found.lines, found.characters) == (3, 6)
    assert found.character_error == pytest.approx(2 / 6)
    assert found.right == pytest.approx(1 / 3)
    assert sorted(found.confusions) == [("c", "C", 1), ("f", "", 1)]
    assert rates(["ab", "Cd", "e"], ["ab", "cd", "ef"], Score(nocase=True)).right == 2 / 3
    with pytest.raises(InputError, match="hold nothing that the score compares"):
        rates(["a"], ["b"], Score(digits=True))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Lines of ten characters, each wrong by itself with a chance of 0.2."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        lines = ["".join(rng.choice(["x", "a"], 10, p=[0.2, 0.8])) for _ in range(60)]
        low, high = rates(lines, ["a" * 10] * 60, Score()).interval
        inside += low <= 0.2 <= high
    assert 87 <= inside <= 99
