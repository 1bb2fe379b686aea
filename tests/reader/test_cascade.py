"""A small reader first, and a larger one for what leaves it in doubt."""

import pickle

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from chainrule.reader.cascade import doubt, in_turn
from chainrule.reader.confidence import SURE
from chainrule.reader.line import Line, no_line
from chainrule.reader.model_file import load_reader

WIDE, TALL = np.zeros((10, 40), np.uint8), np.zeros((40, 10), np.uint8)


def answers(*lines):
    """A reader that gives these lines, and the shapes of what it was asked, with what was read in
    each before."""
    asked = []

    def answer(pictures, before=()):
        before = [line.text for line in before] or len(pictures) * [None]
        asked.extend(zip((picture.shape for picture in pictures), before, strict=True))
        return list(lines[: len(pictures)])

    return answer, asked


def read(text, confidence):
    return Line(text, (), None, confidence)


def test_only_what_is_in_doubt_or_tall_is_read_again_and_the_surer_answer_stays():
    sure, unsure, lost = read("sure", SURE + 0.1), read("unsure", SURE - 0.1), no_line("no text")
    first, _ = answers(sure, unsure, unsure, lost, read("|", 0.9))
    better, worse, none = read("better", 0.9), read("worse", 0.01), no_line("why")
    second, asked = answers(better, worse, none, read("upwards", 0.95))
    found = in_turn(first, second, [WIDE, WIDE, WIDE, WIDE, TALL])
    assert [line.text for line in found] == ["sure", "better", "unsure", "", "upwards"]
    assert found[3].reason == "why"
    assert asked == [
        (WIDE.shape, "unsure"), (WIDE.shape, "unsure"), (WIDE.shape, ""), (TALL.shape, "|")
    ]  # fmt: skip


def test_a_short_number_is_read_by_both_and_left_to_the_second():
    first, _ = answers(read("8", 0.9), read("8", 0.9), read("4711", 0.9), read("B", 0.9))
    second, asked = answers(read("3", 0.95), read("3", 0.8))
    found = in_turn(first, second, [WIDE] * 4)
    assert [line.text for line in found] == ["3", "3", "4711", "B"]
    assert len(asked) == 2


def test_a_character_that_the_first_is_unsure_of_is_left_to_the_second_if_that_reads_any():
    first, _ = answers(read("G", 0.7), read("G", 0.7), read("Gold", 0.7))
    second, _ = answers(read("0", 0.6), no_line("no text"), read("Cold", 0.6))
    found = in_turn(first, second, [WIDE] * 3)
    assert [line.text for line in found] == ["0", "G", "Gold"]


def test_accents_are_left_to_the_second():
    first, _ = answers(
        read("\u00e9t\u00e9", 0.99), read("na\u00efve", 0.99), read("it\u2019s", 0.99)
    )
    second, asked = answers(read("ete", 0.3), no_line("why"))
    found = in_turn(first, second, [WIDE] * 3)
    assert [line.text for line in found] == ["ete", "na\u00efve", "it\u2019s"]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("text", "confidence", "picture", "why"),
    [
        ("a line", 0.5, WIDE, "unsure"),
        ("a line", 1.0, TALL, "tall"),
        ("123", 1.0, WIDE, "short"),
        ("1234", 1.0, WIDE, None),
        ("caf\u00e9", 1.0, WIDE, "accent"),
        ("it\u2019s \u20ac 4", 1.0, WIDE, None),
    ],
)
def test_why_the_second_is_asked(text, confidence, picture, why):
    assert doubt(read(text, confidence), picture) == why


def test_where_the_second_finds_no_text_an_unlikely_one_is_none():
    first, _ = answers(read("84", 0.1), read("likely", 0.6))
    second, _ = answers(no_line("no text"), no_line("no text"))
    assert [line.text for line in in_turn(first, second, [WIDE, WIDE])] == ["", "likely"]


@pytest.fixture(scope="module")
def pictures():
    font = ImageFont.load_default(28)
    found = []
    for text in ("reduction contained", "No. 4711, due"):
        picture = Image.new("L", (340, 50), 255)
        ImageDraw.Draw(picture).text((20, 8), text, 0, font)
        found.append(np.asarray(picture))
    return [*found, np.asarray(Image.fromarray(found[0]).rotate(90, expand=True))]


def test_the_package_has_both_and_their_answers_are_those_of_one_of_them(pictures):
    reader = load_reader()
    assert load_reader("large").first is None
    both = [load_reader(name).read(pictures) for name in ("fast", "large")]
    lines = reader.read(pictures)
    for line, *one in zip(lines, *both, strict=True):
        assert line.text in [other.text for other in one]
    assert [line.text for line in lines] == reader.texts(pictures)
    assert pickle.loads(pickle.dumps(reader)).texts(pictures) == reader.texts(pictures)


def test_what_a_reader_is_limited_to_and_its_words_are_those_of_both():
    reader = load_reader().limited("0123456789").with_words(["one"])
    assert reader.first.alphabet == reader.alphabet == " 0123456789"
    assert load_reader().with_words(["one"]).first._words is not None
