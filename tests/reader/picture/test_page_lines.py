"""The lines of pages drawn with Pillow, and of one that was photographed in a shadow."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from chainrule.reader.picture.page_lines import page_lines

FONT = ImageFont.load_default(20)
TITLE = "A title above both of the columns"
COLUMNS = [[f"{name} line number {row} gypsy" for row in range(8)] for name in ("left", "right")]


def page():
    picture = Image.new("L", (760, 420), 240)
    draw = ImageDraw.Draw(picture)
    draw.text((60, 20), TITLE, 0, ImageFont.load_default(30))
    for column, lines in enumerate(COLUMNS):
        for row, text in enumerate(lines):
            draw.text((60 + 360 * column, 90 + 36 * row), text, 0, FONT)
    draw.line((400, 80, 400, 400), fill=0, width=2)
    return picture


def places(lines):
    """The middle of each line in its page."""
    found = []
    for line in lines:
        height, width = line.picture.shape
        found.append((line.back @ np.array([width / 2, height / 2, 1])).tolist())
    return found


@pytest.mark.parametrize("degrees", [0, -4, 3])
@pytest.mark.parametrize("inverted", [False, True])
def test_lines_come_column_by_column_after_what_stands_above_them(degrees, inverted):
    turned = page().rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=240)
    shades = np.asarray(turned)
    lines = page_lines(255 - shades if inverted else shades)
    assert len(lines) == 1 + sum(map(len, COLUMNS))
    angle, middle = np.radians(degrees), np.array(shades.shape[::-1]) / 2
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    level = [back @ (np.array(place) - middle) + (380, 210) for place in places(lines)]
    assert level[0][1] < 60
    for column in range(2):
        own = level[1 + 8 * column : 9 + 8 * column]
        for row, (x, y) in enumerate(own):
            assert 360 * column + 60 < x < 360 * column + 360
            assert y == pytest.approx(104 + 36 * row, abs=10)


def test_a_page_in_a_shadow_has_all_of_its_lines():
    lines = page_lines(data.page())
    long = [line.picture for line in lines if line.picture.shape[1] > 150]
    assert len(long) >= 6
    assert max(picture.shape[0] for picture in long) < 40
    for picture in long:  # on white paper, whatever the light was
        assert np.median(picture[:, : picture.shape[1] // 2]) > 225
        assert np.median(picture[:, picture.shape[1] // 2 :]) > 225


def test_nothing_is_found_where_nothing_is():
    assert page_lines(np.full((200, 300), 255, np.uint8)) == []
