"""`chainrule reader evaluate-pages`: shares of words, and the real command."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import LCSseq

from chainrule.glyphs.lines import load_line_fonts
from chainrule.reader.evaluation.pages import evaluate_pages, longest_common
from chainrule.reader.evaluation.rendered_pages import KINDS, rendered_page

TEXT = ["Reduction contained", "second paragraph of that", "the third and last one"]


def test_recall_and_precision_count_each_word_as_often_as_it_stands_there():
    true = "the cat and the dog\nsat on the mat"
    read = {"half": "the cat and the the", "swapped": "sat on the mat the cat and the dog"}
    readers = {name: lambda _, text=text: [text] for name, text in read.items()}
    half, swapped = evaluate_pages(readers, {"pages": [(np.zeros((9, 9), np.uint8), true)]})
    assert (half.words, half.recall, half.precision) == (9, 5 / 9, 1.0)
    assert (swapped.recall, swapped.precision, swapped.in_order) == (1.0, 1.0, 5 / 9)


def test_words_in_order_as_another_library_counts_them():
    rng = np.random.default_rng(3)
    for _ in range(30):
        one, other = (
            [f"w{number}" for number in rng.integers(6, size=rng.integers(0, 15))] for _ in "ab"
        )
        assert longest_common(one, other) == LCSseq.similarity(one, other)


def test_rendered_pages_hold_their_texts_in_held_out_fonts():
    fonts = load_line_fonts()
    plain, text = rendered_page("one-column", fonts, np.random.default_rng(5))
    assert len(text.split("\n")) > 20
    for kind in KINDS:
        page, own = rendered_page(kind, fonts, np.random.default_rng(5))
        assert (own == text) == (kind != "two-columns")
        assert (page.shape == plain.shape) == (kind != "small")
    two, _ = rendered_page("two-columns", fonts, np.random.default_rng(5))
    middle = slice(two.shape[1] // 2 - 12, two.shape[1] // 2 + 12)
    assert two[300:1500, middle].min() == 255  # the gutter
    assert plain[300:1500, middle].min() < 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages")
    picture = Image.new("L", (420, 170), 250)
    for row, text in enumerate(TEXT):
        ImageDraw.Draw(picture).text((30, 15 + 50 * row), text, 0, ImageFont.load_default(24))
    picture.save(path / "page.png")
    (path / "page.gt.txt").write_text("\n".join([*TEXT, "and nothing more"]))
    (path / "lost.gt.txt").write_text("nothing")
    return path


def test_pages_of_a_folder(command, refused, folder, tmp_path):
    result = command("reader", "evaluate-pages", folder, "--no-peers", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    (row,) = document["rows"]
    assert (row["reader"], row["pages"], row["words"]) == ("chainrule", 1, 14)
    assert (row["recall"], row["precision"], row["in_order"]) == (11 / 14, 1.0, 11 / 14)
    (skipped,) = document["skipped"]
    assert skipped["reason"] == "0 pictures are called lost; expected one"
    assert "FOLDER" in refused("reader", "evaluate-pages", folder, "--kind", "small")
    assert "one-column" in refused("reader", "evaluate-pages", "--kind", "round")
    assert "is not there" in refused("reader", "evaluate-pages", tmp_path / "none")
