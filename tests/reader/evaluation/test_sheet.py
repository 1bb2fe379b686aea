"""The sheet of the pictures that are read worst."""

import numpy as np

from chainrule.reader.evaluation.sheet import worst_sheet


def test_the_worst_comes_first_and_what_is_right_is_not_there():
    shades = [np.full((32, 100), shade, np.uint8) for shade in (50, 100, 150, 200)]
    true, read = ["abcd", "abcd", "abcd", "abcd"], ["abcd", "abxx", "xxxx", "abcx"]
    sheet = np.asarray(worst_sheet(shades, true, read))
    for shade in (100, 150, 200):
        assert (sheet == shade).sum() > 2000
    places = {shade: np.argwhere(sheet == shade).mean(0).round() for shade in (100, 150, 200)}
    assert places[150][1] < places[100][1]  # side by side
    assert places[200][0] > places[150][0]  # below
    one = np.asarray(worst_sheet(shades, true, read, count=1))
    assert (one == 150).sum() > 2000
    assert (one == 100).sum() < 2000
    assert worst_sheet(shades[:1], true[:1], read[:1]) is None
