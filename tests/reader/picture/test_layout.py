"""Rules, slopes and lines below each other, on pictures drawn with Pillow."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from chainrule.reader.picture.layout import bands, ink_mask, is_blot, slope, turned, without_rules

FONT = ImageFont.load_default(28)


def line(text="reduction contained", size=(340, 50), at=(20, 8)):
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).text(at, text, 0, FONT)
    return picture


def cleaned(picture):
    shades = np.asarray(picture)
    return without_rules(shades, ink_mask(shades))


def frame(draw, width, height):
    draw.rectangle((3, 3, width - 4, height - 4), outline=0, width=2)


def underline(draw, width, height):
    draw.line((15, height - 6, width - 40, height - 6), fill=0, width=2)


def border(draw, width, height):
    draw.rectangle((0, 0, 8, height), fill=0)
    draw.rectangle((0, height - 4, width, height), fill=0)


@pytest.mark.parametrize("rule", [frame, underline, border])
def test_rules_go_and_the_text_stays(rule):
    plain, ruled = line(), line()
    rule(ImageDraw.Draw(ruled), *ruled.size)
    found = cleaned(ruled)
    same = np.abs(found.astype(int) - np.asarray(plain)) < 64
    assert same.mean() > 0.997
    ink = np.asarray(plain) < 128
    assert same[ink].mean() > 0.97


def test_the_boxes_of_a_form_go_though_a_letter_touches_one():
    plain, ruled = (Image.new("L", (330, 50), 255) for _ in range(2))
    for picture in (plain, ruled):
        for place, letter in enumerate("HAMBURG12"):
            draw = ImageDraw.Draw(picture)
            draw.text((18 + place * 32, 6), letter, 0, FONT)
            if picture is ruled:
                draw.rectangle((12 + place * 32, 2, 44 + place * 32, 46), outline=0)
    assert (np.abs(cleaned(ruled).astype(int) - np.asarray(plain)) < 64).mean() > 0.98


@pytest.mark.parametrize("text", ["illicit lilly", "LEFT | TTT", "1111", "reduction contained"])
def test_text_without_rules_is_left_as_it_is(text):
    assert cleaned(line(text)) is None
    tight = line(text).crop((18, 10, 200, 42))
    assert cleaned(tight) is None


def test_a_full_patch_is_a_blot_and_a_character_is_none():
    assert is_blot(np.pad(np.zeros((12, 12), np.uint8), 20, constant_values=255))
    for text in ("0", "o", "D", "|", "-"):
        assert not is_blot(np.asarray(line(text, (60, 50)))), text
    assert not is_blot(np.full((40, 40), 255, np.uint8))


@pytest.mark.parametrize("inverted", [False, True])
def test_ink_is_found_in_a_shadow_as_without_it(inverted):
    plain = np.asarray(line(size=(600, 50)))
    shadow = plain * np.linspace(0.25, 1, 600)
    shadow = (255 - shadow if inverted else shadow).astype(np.uint8)
    found, true = ink_mask(shadow), ink_mask(plain)
    assert (plain < 64)[true > 0].mean() > 0.6
    overlap = 2 * (found & true).sum() / (found.sum() + true.sum())  # Dice's coefficient
    assert overlap > 0.97


@pytest.mark.parametrize("degrees", [-5, -2, 0, 1.5, 4])
def test_a_slope_is_found_and_undone(degrees):
    sloping = line(size=(420, 120), at=(60, 40)).rotate(
        degrees, Image.Resampling.BICUBIC, fillcolor=255
    )
    found = slope(ink_mask(np.asarray(sloping)))
    assert found == pytest.approx(degrees, abs=0.6)
    level, back = turned(np.asarray(sloping), found)
    assert slope(ink_mask(level)) == pytest.approx(0, abs=0.6)
    y, x = np.nonzero(level < 128)  # what is ink there is ink in the picture
    places = np.rint(back @ np.stack([x, y, np.ones_like(x)])).astype(int)
    assert (np.asarray(sloping)[places[1], places[0]] < 192).mean() > 0.95


def test_lines_below_each_other_are_told_from_one_with_dots_and_accents():
    two = line(size=(340, 90))
    ImageDraw.Draw(two).text((20, 48), "second line gypsy", 0, FONT)
    (first, cut), (again, last) = bands(ink_mask(np.asarray(two)))
    assert (first, last) == (0, 90)
    assert cut == again
    assert 38 <= cut <= 56
    for text in ("j\u00f6\u00e9 i ; : !", "= = =", "reduction contained"):
        assert len(bands(ink_mask(np.asarray(line(text))))) == 1
