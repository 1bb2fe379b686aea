"""Shapes of texts by hand, their chances against all strings, readings that are fitted to them."""

from itertools import product
from math import exp

import numpy as np
import pytest

from chainrule.reader.search.shapes import Shapes, shape_of


def test_the_shape_of_a_text():
    assert shape_of("Ab-12 É") == "Ll-00 L"


def test_the_chances_are_those_of_a_distribution():
    """Texts of capitals and digits: those of all shapes up to a length, and of longer ones, are 1
    together."""
    shapes = Shapes.of(["AB12", "CD34", "1"])
    assert exp(shapes.log_probability("XY99")) == pytest.approx(2 / 4)
    assert exp(shapes.log_probability("7")) == pytest.approx(1 / 4)
    unseen = [
        exp(shapes.log_probability("".join(kinds)))
        for length in range(8)
        for kinds in product("A1", repeat=length)
        if not shapes.knows("".join(kinds))
    ]
    # a string of 2 kinds and an end: what is left of 1/4 after 8 characters is (2/3)^8 of it
    seen_as_strings = (1 / 3) ** 5 + (1 / 3) ** 2
    assert sum(unseen) == pytest.approx((1 - (2 / 3) ** 8 - seen_as_strings) / 4)


def frames(*rows):
    """log_p (K, T) of the alphabet "O0A1", one frame and a blank a character."""
    p = []
    for row in rows:
        p += [[0.02, *row], [0.96, 0.01, 0.01, 0.01, 0.01]]
    return np.log(np.array(p, np.float64)).T


def test_a_reading_is_fitted_by_the_likeliest_character_of_the_right_kind():
    log_p = frames([0.1, 0.5, 0.05, 0.33], [0.05, 0.5, 0.03, 0.4], [0.03, 0.4, 0.05, 0.5])
    shapes = Shapes.of(["A10", "A00"])
    read = [2, 2, 4]  # "001", as a capital "O01"
    assert shapes.fitted(log_p, read, "O0A1") == [[1, 2, 4]]
    assert shapes.fitted(log_p, [1, 2, 4], "O0A1") == []  # it is of a shape that is known
    assert shapes.fitted(log_p, [], "O0A1") == []


def test_what_stands_beside_a_text_can_be_left_away():
    row = [0.2, 0.3, 0.1, 0.38]
    log_p = frames([0.1, 0.2, 0.5, 0.18], row, row, row)
    fitted = Shapes({"00": 1}).fitted(log_p, [3, 4, 4], "O0A1")
    assert fitted == [[2, 4], [4, 4]]
    assert Shapes({"00": 1}).fitted(log_p, [3, 4, 4, 3], "O0A1") == []  # two more are too many
    assert Shapes({"--": 1}).fitted(log_p, [3, 4], "O0A1") == []  # no such character


def test_texts_of_digits_alone_have_no_shapes():
    shapes = Shapes.of(["0012.5", "7"])
    assert shapes.knows("123")
    assert shapes.log_probability("123") == 0
    assert shapes.fitted(frames([0.1, 0.2, 0.5, 0.18]), [4], "O0A1") == []
