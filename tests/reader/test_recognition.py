"""What the large reader makes of knowing what the fast one read."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from chainrule.reader.line import Line, no_line
from chainrule.reader.model_file import load_reader

TEXT = "reduction contained"


@pytest.fixture(scope="module")
def large():
    return load_reader("large")


@pytest.fixture(scope="module")
def picture():
    line = Image.new("L", (340, 60), 255)
    ImageDraw.Draw(line).text((40, 12), TEXT, 0, ImageFont.load_default(28))
    return np.asarray(line)


def seen(large, picture, before):
    _, ((line, found),) = large.seen(picture, before=before)
    return line, found


def test_a_picture_that_another_reader_cannot_read_is_looked_at_whole_first(large, picture):
    places = []
    for before in (None, Line(TEXT, (), None, 0.8), Line(TEXT, (), None, 0.1), no_line("why")):
        line, found = seen(large, picture, before)
        assert line.text == TEXT
        places.append(found.crop.left > 0)  # the box of the ink
    assert places == [True, True, False, False]


def test_an_uncertain_line_is_read_again_unless_another_reader_reads_it_so_too(large, picture):
    blurred = (cv2.GaussianBlur(picture, (0, 0), deviation) for deviation in np.arange(2, 6, 0.2))
    texts = ((one, *seen(large, one, None)) for one in blurred)
    one, line, found = next(each for each in texts if each[2].again)
    first = "".join(large.alphabet[label - 1] for label in found.plain)
    for before, again in ((first, False), (first + "s", True)):
        assert bool(seen(large, one, Line(before, (), None, 0.8))[1].again) == again
    assert line.text
