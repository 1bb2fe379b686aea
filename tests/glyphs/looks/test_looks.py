"""Lines in the looks of the world: the generator decides, and what is drawn can be seen."""

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.glyphs.lines import load_line_fonts
from chainrule.glyphs.looks import LOOKS, draw_look
from chainrule.glyphs.looks.segments import POINTS, SEGMENTS, segment_ink

TEXTS = {"plate": "AB 123 CD", "display": "0123.4", "counter": "90125"}


@pytest.fixture(scope="module")
def fonts():
    return load_line_fonts()[:20]


@pytest.mark.parametrize("name", LOOKS)
def test_a_picture_is_grey_follows_from_the_generator_and_shows_something(name, fonts):
    text = TEXTS.get(name, "Some text")
    shades = []
    for seed in range(30):
        picture, again = (
            draw_look(name, np.random.default_rng(seed), fonts, text) for _ in range(2)
        )
        assert picture.dtype == np.uint8
        assert picture.ndim == 2
        np.testing.assert_array_equal(picture, again)
        assert min(picture.shape) >= 8
        shades.append(int(np.ptp(np.percentile(picture, (1, 99)))))
    assert np.median(shades) > 40


@pytest.mark.parametrize("name", ["display", "counter"])
def test_digits_are_drawn_without_a_font(name):
    assert draw_look(name, np.random.default_rng(0), [], "123").size


def test_a_look_that_there_is_not_is_refused(fonts):
    with pytest.raises(InputError, match="did you mean 'plate'"):
        draw_look("plates", np.random.default_rng(0), fonts, "A")


def test_segments_that_are_lit_and_those_that_are_not_make_an_eight():
    """A digit and what is unlit of it together are all seven segments, whatever the style."""
    for seed in range(10):
        eight = segment_ink("8", np.random.default_rng(seed))[0]
        for character in SEGMENTS:
            lit, unlit = segment_ink(character, np.random.default_rng(seed))
            assert np.abs(np.maximum(lit, unlit) - eight).mean() < 0.01
    assert not segment_ink(" ", np.random.default_rng(0))[0].any()
    for point in POINTS:
        assert segment_ink(point, np.random.default_rng(0))[0].any()
