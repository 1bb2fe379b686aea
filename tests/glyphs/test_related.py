"""Fonts that may not be trained on beside those that are held out."""

from dataclasses import replace
from string import ascii_lowercase

import numpy as np
import pytest

from chainrule.glyphs.fonts import lato
from chainrule.glyphs.lines import line_font, load_line_fonts
from chainrule.glyphs.related import distances, evenly_scaled, first_word, unrelated


@pytest.mark.parametrize("name", ["Noto Sans", "noto-serif", "NOTO_Mono", " Noto"])
def test_relatives_share_the_first_word(name):
    assert first_word(name) == "noto"


def test_a_font_that_is_held_out_is_known_by_its_name_and_by_its_drawing():
    held = [font for font in load_line_fonts() if font.family == "lato"]
    font = held[0]
    other = line_font(lato(), ascii_lowercase)  # drawn anew, and by another name
    other = replace(other, family="Something Else")
    for one in (font, other):
        kept, left_out = unrelated([one], held)
        assert kept == []
        assert left_out == [(one.family, "related to lato, held out")]
    far = [font for font in load_line_fonts() if font.family == "pacifico"]
    kept, left_out = unrelated([other], far)
    assert [font.family for font in kept] == ["Something Else"]
    assert left_out == []


def test_a_font_is_at_no_distance_from_itself():
    pictures = evenly_scaled(line_font(lato(), ascii_lowercase))
    apart = distances([pictures, 255 - pictures])
    assert apart[0, 0] == pytest.approx(0, abs=1e-6)
    assert apart[0, 1] > 1
    assert np.allclose(apart, apart.T)
