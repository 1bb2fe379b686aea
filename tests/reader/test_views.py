"""Lines that stand in pictures in other ways than alone, level and upright."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from chainrule.reader.model_file import load_reader

FONT = ImageFont.load_default(28)
TEXT = "reduction contained"


@pytest.fixture(scope="module")
def reader():
    return load_reader().with_words()


def line(size=(340, 50), at=(20, 8)):
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).text(at, TEXT, 0, FONT)
    return picture


def framed():
    picture = line()
    ImageDraw.Draw(picture).rectangle((3, 3, 336, 46), outline=0, width=2)
    return picture


def sloping(degrees):
    return line((420, 120), (60, 40)).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)


@pytest.mark.parametrize(
    "picture",
    [
        framed(),
        sloping(4.5),
        sloping(-4.5),
        line().rotate(180),
        sloping(4.5).rotate(180),
        line().rotate(90, expand=True),
        line().rotate(270, expand=True),
        line((900, 300), (400, 140)),
    ],
    ids=[
        "frame",
        "rising",
        "falling",
        "half turn",
        "half turn and more",
        "quarter",
        "three quarters",
        "margins",
    ],
)
def test_a_line_is_read_as_it_is(reader, picture):
    assert reader.read([np.asarray(picture)])[0].text == TEXT


@pytest.mark.parametrize("turned", [line().rotate(90, expand=True), sloping(4.5).rotate(180)])
def test_characters_of_a_turned_line_lie_where_they_are(reader, turned):
    picture = np.asarray(turned)
    found = reader.read([picture])[0]
    for place, character in enumerate(found.characters):
        left, top, right, bottom = character.box
        if character.character != " ":
            assert (picture[top:bottom, left:right] < 128).any(), place
    first, last = found.characters[0].box, found.characters[-1].box
    if picture.shape[0] > picture.shape[1]:
        assert first[1] > last[3]  # it runs upwards
    else:
        assert first[0] > last[2]  # it stands on its head


def test_two_lines_are_both_read_in_order(reader):
    picture = line((340, 96))
    ImageDraw.Draw(picture).text((20, 52), "second paragraph", 0, FONT)
    found = reader.read([np.asarray(picture)])[0]
    assert found.text == f"{TEXT}\nsecond paragraph"
    assert [one.text for one in found.lines] == [TEXT, "second paragraph"]
    assert reader.texts([np.asarray(picture)]) == [found.text]
    assert found.confidence == min(one.confidence for one in found.lines)


def test_noise_and_blank_paper_hold_no_text(reader):
    noise = np.random.default_rng(0).integers(0, 255, (40, 300)).astype(np.uint8)
    for picture in (noise, np.full((40, 300), 255, np.uint8)):
        found = reader.read([picture])[0]
        assert found.confidence < 0.1
        assert not found.text or found.confidence < 0.02
