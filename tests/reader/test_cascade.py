"""A small reader first, and a larger one for what leaves it in doubt."""

import pickle
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from chainrule.reader.cascade import Answered, doubt, in_turn, likelier_by_both
from chainrule.reader.confidence import SURE
from chainrule.reader.line import Line, no_line
from chainrule.reader.model_file import load_reader
from chainrule.reader.search.lexicon import lexicon

WIDE, TALL = np.zeros((10, 40), np.uint8), np.zeros((40, 10), np.uint8)


def answers(*lines):
    """A reader that gives these lines, and the shapes of what it was asked, with what was read in
    each before."""
    asked = []

    def answer(pictures, before=()):
        before = [line.text for line in before] or len(pictures) * [None]
        asked.extend(zip((picture.shape for picture in pictures), before, strict=True))
        return [Answered(line) for line in lines[: len(pictures)]]

    return answer, asked


def read(text, confidence):
    return Line(text, (), None, confidence)


def by_confidence(first, second, pictures):
    """The answers where what the readers saw decides nothing, and the first sees nothing closer."""

    def closer(pictures):
        return [Answered(no_line("no text")) for _ in pictures]

    return in_turn(first, second, closer, lambda one, two: None, pictures)


def test_only_what_is_in_doubt_or_tall_is_read_again_and_the_surer_answer_stays():
    sure, unsure, lost = read("sure", SURE + 0.1), read("unsure", SURE - 0.1), no_line("no text")
    first, _ = answers(sure, unsure, unsure, lost, read("|", 0.9))
    better, worse, none = read("better", 0.9), read("worse", 0.01), no_line("why")
    second, asked = answers(better, worse, none, read("upwards", 0.95))
    found = by_confidence(first, second, [WIDE, WIDE, WIDE, WIDE, TALL])
    assert [line.text for line in found] == ["sure", "better", "unsure", "", "upwards"]
    assert found[3].reason == "why"
    assert asked == [
        (WIDE.shape, "unsure"), (WIDE.shape, "unsure"), (WIDE.shape, ""), (TALL.shape, "|")
    ]  # fmt: skip


def test_a_short_number_is_read_by_both_and_left_to_the_second():
    first, _ = answers(read("8", 0.9), read("8", 0.9), read("4711", 0.9), read("B", 0.9))
    second, asked = answers(read("3", 0.95), read("3", 0.8))
    found = by_confidence(first, second, [WIDE] * 4)
    assert [line.text for line in found] == ["3", "3", "4711", "B"]
    assert len(asked) == 2


def test_a_character_that_the_first_is_unsure_of_is_left_to_the_second_if_that_reads_any():
    first, _ = answers(read("G", 0.7), read("G", 0.7), read("Gold", 0.7))
    second, _ = answers(read("0", 0.6), no_line("no text"), read("Cold", 0.6))
    found = by_confidence(first, second, [WIDE] * 3)
    assert [line.text for line in found] == ["0", "G", "Gold"]


def test_accents_are_left_to_the_second():
    first, _ = answers(
        read("\u00e9t\u00e9", 0.99), read("na\u00efve", 0.99), read("it\u2019s", 0.99)
    )
    second, asked = answers(read("ete", 0.3), no_line("why"))
    found = by_confidence(first, second, [WIDE] * 3)
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
    assert [line.text for line in by_confidence(first, second, [WIDE, WIDE])] == ["", "likely"]


def test_where_both_read_otherwise_the_first_looks_closer_and_the_likelier_text_stays():
    quick = [read(text, 0.5) for text in ("same", "c1osed", "open", "7", "none", "caf\u00e9")]
    after = [read(text, 0.4) for text in ("same", "closer", "0pen", "1", "nine", "cafe")]
    near = [read("closed", 0.45), read("open.", 0.3), no_line("no text")]
    first, _ = answers(*quick)
    second, _ = answers(*after)
    closer, asked = answers(*near)
    weighed = []

    def likelier(one, two):
        weighed.append((one.line.text, two.line.text))
        return two.line.text in ("0pen", "nine")

    found = in_turn(first, second, closer, likelier, [WIDE] * 6)
    assert len(asked) == 3
    assert weighed == [("closed", "closer"), ("open.", "0pen"), ("none", "nine")]
    assert [line.text for line in found] == ["same", "closed", "0pen", "1", "nine", "cafe"]
    assert found[0] is quick[0]  # the surer of two that are alike


@settings(max_examples=50, deadline=None)
@given(
    frames=st.lists(st.integers(3, 6), min_size=2, max_size=4),
    texts=st.lists(st.text("ab", min_size=1, max_size=3), min_size=2, max_size=2, unique=True),
    seed=st.integers(0, 2**31),
)
def test_what_is_likelier_by_both_is_what_all_their_paths_say(frames, texts, seed):
    """Over all paths of a few frames, added up; the readers number their classes otherwise."""
    rng = np.random.default_rng(seed)
    p = [rng.dirichlet(np.ones(3), count) for count in frames]
    alphabets = "ab", "ba"

    def mean(crops, alphabet, text):
        total = 0.0
        for crop in crops:
            ways = 0.0
            for path in product(range(3), repeat=len(crop)):
                if "".join(alphabet[k - 1] for k, _ in groupby(path) if k) == text:
                    ways += np.prod([crop[t, k] for t, k in enumerate(path)])
            total += np.log(ways) if ways else -np.inf
        return total / len(crops)

    one, two = (
        Answered(read(text, 0.5), tuple(np.log(crop.T) for crop in crops))
        for text, crops in zip(texts, (p[:1], p[1:]), strict=True)
    )
    expected = [
        (mean(p[:1], alphabets[0], text) + mean(p[1:], alphabets[1], text)) / 2 for text in texts
    ]
    assume(np.isfinite(expected).all() and abs(expected[0] - expected[1]) > 1e-9)
    assert likelier_by_both(alphabets, None, one, two) == (expected[1] > expected[0])


def test_of_texts_that_both_saw_alike_the_one_of_words_is_likelier():
    alphabet = "abcdefghijklmnopqrstuvwxyz "
    seen = (np.full((len(alphabet) + 1, 12), -np.log(len(alphabet) + 1)),)
    word, none = (Answered(read(text, 0.5), seen) for text in ("bridge", "bridgf"))
    words = lexicon(alphabet)
    assert likelier_by_both((alphabet, alphabet), words, none, word)
    assert not likelier_by_both((alphabet, alphabet), words, word, none)
    assert likelier_by_both((alphabet, alphabet), None, word, none)  # as likely


def test_nothing_is_likelier_by_both_where_one_saw_no_line_or_cannot_write_the_other_text():
    seen = (np.log(np.full((3, 4), 1 / 3)),)
    one, two = Answered(read("a", 0.5), seen), Answered(read("b", 0.5), seen)
    assert likelier_by_both(("ab", "ab"), None, one, Answered(two.line)) is None
    assert likelier_by_both(("ac", "ab"), None, one, two) is None


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
