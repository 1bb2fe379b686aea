"""Pages read by the command, beside what stands in them."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

TEXT = ["reduction contained", "second paragraph of it", "the third and last one"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("pages")
    picture = Image.new("L", (400, 170), 250)
    for row, text in enumerate(TEXT):
        ImageDraw.Draw(picture).text((30, 15 + 50 * row), text, 0, ImageFont.load_default(24))
    picture.save(found / "page.png")
    Image.fromarray(data.page()).save(found / "shadow.png")
    Image.fromarray(data.coins()).save(found / "photo.png")
    return found


def test_pages_are_read_in_order_and_a_photograph_holds_none(command, folder):
    names = [str(folder / name) for name in ("page.png", "shadow.png", "photo.png")]
    out = folder / "out.html"
    result = command("reader", "read", "--page", *names, "--json", "--hocr", str(out))
    page, shadow, photo = json.loads(result.stdout)["images"]
    assert page["text"].split("\n") == TEXT
    tops = [line["box"][1] for line in page["lines"]]
    assert np.allclose(tops, [21, 71, 121], atol=6)
    for line in page["lines"]:
        assert 25 < line["box"][0] < 40
    assert "unambiguously as either object or background." in shadow["text"]
    assert "background. These markers are pixels that we can label" in shadow["text"]
    assert (photo["text"], photo["lines"]) == ("", [])
    assert photo["reason"].startswith("no line that can be read")
    root = ElementTree.fromstring(out.read_text("utf-8").removeprefix("<!DOCTYPE html>"))
    spans = [one for one in root.iter() if one.get("class") == "ocrx_word"]
    assert [one.text for one in spans][:9] == " ".join(TEXT).split()[:9]
    assert [one.get("class") for one in root.iter()].count("ocr_page") == 3


def test_hocr_is_of_pages(refused, folder):
    page = str(folder / "page.png")
    assert "without --page" in refused("reader", "read", page, "--hocr", "x.html")
    assert ".html" in refused("reader", "read", "--page", page, "--hocr", "x.txt")
    assert "--on" in refused("reader", "read", "--page", page, "--on", "here")
