"""Finding the box of text and cutting the crop."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from chainrule.errors import InputError
from chainrule.reader.picture.levelling import blurred
from chainrule.reader.picture.line_image import (
    HEIGHT,
    INK_HEIGHTS,
    MARGIN,
    MOST_STRETCHED,
    CropJitter,
    crop_line,
    crop_lines,
    crop_whole,
    whole_crops,
)
from chainrule.reader.picture.opening import grey


def drawn(size=40, margins=(30, 20, 50, 70), ink=0, paper=255, text="Hamburg"):
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    width = int(right - left) + margins[0] + margins[2]
    height = int(bottom - top) + margins[1] + margins[3]
    picture = Image.new("L", (width, height), paper)
    ImageDraw.Draw(picture).text((margins[0] - left, margins[1] - top), text, ink, font)
    return np.asarray(picture)


@pytest.mark.parametrize("size", [20, 40, 150])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (110, 140)])
def test_the_band_of_ink_fills_the_strip(size, ink, paper):
    crop = crop_line(drawn(size, ink=ink, paper=paper))
    assert crop.values.shape[0] == HEIGHT
    rows = np.flatnonzero((crop.values > 0.4).any(1))
    assert INK_HEIGHTS[0] - 2.5 <= rows[-1] + 1 - rows[0] <= INK_HEIGHTS[1] + 2.5
    assert (rows[0] + rows[-1] + 1) / 2 == pytest.approx(HEIGHT / 2, abs=1.5)
    columns = np.flatnonzero((crop.values > 0.4).any(0))
    assert columns[0] == pytest.approx(MARGIN, abs=2.5)
    assert crop.values[:, 0] == pytest.approx(0, abs=0.02)


def test_places_in_the_strip_lead_back_to_the_picture():
    picture = drawn()
    crop = crop_line(picture)
    columns = np.flatnonzero((crop.values > 0.5).any(0))
    ink = np.flatnonzero((picture < 128).any(0))
    assert crop.left + columns[0] / crop.scale_x == pytest.approx(ink[0], abs=2)
    assert crop.left + (columns[-1] + 1) / crop.scale_x == pytest.approx(ink[-1] + 1, abs=2)


def ink_height(crop):
    rows = np.flatnonzero((crop.values > 0.5).any(1))
    return rows[-1] + 1 - rows[0]


def test_small_letters_are_about_as_high_whatever_stands_out_of_them():
    texts = "sea", "a season of nice jumping hares"
    alone, among_tall_ones = (ink_height(crop_line(drawn(60, text=text))) for text in texts)
    assert alone == pytest.approx(INK_HEIGHTS[0], abs=1.5)
    assert among_tall_ones > alone + 2
    # a picture with long strokes above and below is brought to the largest height
    tall = drawn(60, margins=(30, 100, 50, 100), text="sea").copy()
    tall[20:-20, 40:44] = 0
    assert ink_height(crop_line(tall)) == pytest.approx(INK_HEIGHTS[1], abs=1.5)


@pytest.mark.parametrize(("factor", "least"), [(1, 1.0), (2, 1.1), (4, MOST_STRETCHED)])
def test_squeezed_letters_are_stretched(factor, least):
    picture = Image.fromarray(drawn(80, text="Hamburgefonts"))
    squeezed = picture.resize((picture.width // factor, picture.height), Image.Resampling.BOX)
    crop = crop_line(np.asarray(squeezed))
    assert least - 1e-6 <= crop.scale_x / crop.scale_y <= MOST_STRETCHED + 1e-6


def test_noise_does_not_widen_the_band():
    picture = drawn().astype(float)
    rng = np.random.default_rng(0)
    noisy = (picture + rng.normal(0, 30, picture.shape)).clip(0, 255).astype(np.uint8)
    assert crop_line(noisy).scale_y == pytest.approx(crop_line(drawn()).scale_y, rel=0.1)


def test_red_on_green_of_the_same_lightness_is_seen():
    mask = drawn() < 128
    colours = np.where(mask[..., None], [200, 0, 0], [0, 102, 0]).astype(np.uint8)
    crop = crop_line(grey(Image.fromarray(colours)))
    assert crop.values.shape == crop_line(drawn()).values.shape


def test_pictures_cut_together_are_cut_as_alone():
    pictures = [drawn(20), drawn(60, ink=200, paper=30, text="sea")[::-1, ::2], drawn(33).T]
    ways = [CropJitter(), CropJitter(scale=0.9), CropJitter(stretch=0.85, rise=1.5)]
    together = crop_lines(pictures, ways)
    for picture, crops in zip(pictures, together, strict=True):
        for way, crop in zip(ways, crops, strict=True):
            alone = crop_line(picture, way)
            np.testing.assert_array_equal(crop.values, alone.values)
            assert (crop.left, crop.top) == (alone.left, alone.top)
            assert (crop.scale_x, crop.scale_y) == (alone.scale_x, alone.scale_y)


def test_a_picture_without_a_line_leaves_the_others_as_they_are():
    flat, small = np.full((40, 60), 255, np.uint8), np.zeros((3, 50), np.uint8)
    first, *none, last = crop_lines([drawn(), flat, small, drawn(60)])
    assert [one.reason.split(":")[0] for one in none] == ["no text"] * 2
    for crops, size in ((first, 20), (last, 60)):
        np.testing.assert_array_equal(
            crops[0].values, crop_line(drawn(size) if size == 60 else drawn()).values
        )


def test_a_whole_picture_has_its_light_and_contrast_made_even():
    picture = drawn(40, (20, 12, 20, 12))
    light = np.linspace(0, 120, picture.shape[1])[None]
    ink = crop_whole(picture).values > 0.5
    for shades in (picture, 255 - picture, 60 + picture // 4, 30 + picture // 4 + light):
        crop = crop_whole(shades.astype(np.uint8))
        assert crop.values.shape == (HEIGHT, round(shades.shape[1] * HEIGHT / shades.shape[0]))
        assert crop.values[ink].mean() > 0.75
        assert np.median(crop.values[~ink]) == pytest.approx(0, abs=0.15)
    other = crop_whole(picture, inverted=True).values
    assert other[ink].mean() < 0 < np.quantile(other[~ink], 0.95)


def test_a_whole_pictures_places_are_the_pictures():
    picture = np.full((64, 200), 255, np.uint8)
    picture[20:40, 80:100] = 0
    for jitter in (CropJitter(), CropJitter(0.8, 1.2, 2.0), CropJitter(1.25)):
        crop = crop_whole(picture, jitter)
        rows, columns = (np.flatnonzero((crop.values > 0.5).any(axis)) for axis in (1, 0))
        assert crop.top + rows[0] / crop.scale_y == pytest.approx(20, abs=3)
        assert crop.top + (rows[-1] + 1) / crop.scale_y == pytest.approx(40, abs=3)
        assert crop.left + columns.mean() / crop.scale_x == pytest.approx(89.5, abs=2)


@given(
    height=st.integers(4, 50),
    width=st.integers(1, 200),
    share=st.sampled_from([0.1, 0.3, 0.5]),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None)
def test_blurred_is_opencvs_gaussian(height, width, share, seed):
    values = np.random.default_rng(seed).uniform(0, 255, (height, width)).astype(np.float32)
    edge = cv2.BORDER_REPLICATE
    expected = cv2.GaussianBlur(values, (0, 0), share * height, borderType=edge)
    np.testing.assert_allclose(blurred(values, share * height), expected, atol=2e-3)


def test_a_pictures_ways_give_what_each_gives_by_itself():
    picture = np.random.default_rng(0).integers(0, 256, (40, 90), np.uint8)
    ways = [CropJitter(), CropJitter(rise=1.0), CropJitter(0.9), CropJitter(stretch=0.8)]
    for way, crop in zip(ways, whole_crops(picture, ways), strict=True):
        alone = crop_whole(picture, way)
        np.testing.assert_array_equal(crop.values, alone.values)
        assert (crop.top, crop.scale_x, crop.scale_y) == (alone.top, alone.scale_x, alone.scale_y)


def test_text_too_wide_for_a_crop_is_refused():
    line = np.full((12, 20_000), 255, np.uint8)
    line[5:7, 4:-4] = 0
    with pytest.raises(InputError, match=r"19\d{3} px wide .* at most 818 times as wide as high"):
        crop_line(line)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 50), "50 px wide and 3 px high; expected a line at least 8 px high"),
        ((32, 100_000), "100000 px wide and 32 px high; expected at most 32768 px"),
        ((40, 60), "holds no text: its shades are all alike"),
    ],
)
def test_pictures_that_cannot_be_read_are_refused(shape, message):
    with pytest.raises(InputError, match=message):
        crop_line(np.full(shape, 255, np.uint8))
