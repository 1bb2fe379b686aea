"""Lines in the looks of the world: the generator decides, and what is drawn can be seen."""

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.glyphs.lines import load_line_fonts, render_line, restrict
from chainrule.glyphs.looks import LOOKS, draw_look
from chainrule.glyphs.looks.bitmap import bitmap_ink
from chainrule.glyphs.looks.canvas import arched, in_cells, line_ink, small_capitals
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


@pytest.mark.parametrize("name", ["print", "screen", "scene"])
def test_any_text_of_a_font_is_drawn_and_what_it_lacks_is_refused(name, fonts):
    few = restrict(fonts[0], "- 7Iw")
    for seed in range(40):
        for text in ("I", "-", "7w I-  -w7", "I" * 60):
            assert draw_look(name, np.random.default_rng(seed), [few], text).size
        for text in ("7w5", ""):
            with pytest.raises(InputError):
                draw_look(name, np.random.default_rng(seed), [few], text)


@pytest.mark.parametrize("text", ["A 1", "1.5", "³"])
def test_a_counter_of_anything_but_digits_is_refused(fonts, text):
    with pytest.raises(InputError, match="shows digits alone"):
        draw_look("counter", np.random.default_rng(0), fonts, text)


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


def test_letters_of_pixels_have_ink_or_none_and_a_font_of_pixels_keeps_them():
    """Unifont has 16 pixels an em: its strokes are one pixel wide, its capitals ten high."""
    fonts = load_line_fonts()
    unifont = next(font for font in fonts if font.name.startswith("unifontex"))
    rng = np.random.default_rng(0)
    for font in (unifont, *fonts[:10]):
        ink = bitmap_ink(font, "Hill 10", rng, 9, True)
        assert set(np.unique(ink)) == {0.0, 1.0}
    for capitals in (8, 14):
        letter = bitmap_ink(unifont, "H", rng, capitals, False)
        assert letter.shape == (10, 6)
        assert letter.sum() == 2 * 10 + 4


def test_in_cells_every_character_stands_as_far_from_the_next():
    font = load_line_fonts()[0]
    boxes = render_line(in_cells(font, "iMlW.i"), "iMlW.i").boxes
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    assert np.ptp(np.diff(middles)) <= 2


def test_an_arched_line_keeps_its_ink():
    ink = line_ink(load_line_fonts()[0], "SHOP")
    for seed in range(5):
        bent = arched(ink, np.random.default_rng(seed), 1.2)
        assert bent.shape[0] >= ink.shape[0]
        assert bent.sum() == pytest.approx(ink.sum(), rel=0.1)


def test_small_capitals_stand_on_the_line_and_are_known_as_capitals():
    font = next(font for font in load_line_fonts() if font.family.lower().startswith("lato"))
    small = small_capitals(font, 0.75)
    assert small.capitals_only
    assert not font.capitals_only
    boxes = render_line(small, "HhEe").boxes
    heights, bottoms = boxes[:, 3] - boxes[:, 1], boxes[:, 3]
    assert np.ptp(bottoms) <= 1
    assert heights[1] == pytest.approx(0.75 * heights[0], abs=1)
    assert heights[3] == pytest.approx(0.75 * heights[2], abs=1)
