"""Pages read by the command, beside what stands in them."""

import json
from xml.etree import ElementTree

import numpy as np
import pypdf
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from chainrule.glyphs.lines import load_line_fonts, render_line

PAGES = ("page.png", "shadow.png", "photo.png", "aslant.jpg", "script.png")
SCRIPT = [
    "Follow south word juice and horse, crown reason gave guide like spoon square",
    "Deliver child early bright half major crown cold deep, and what thin dozen ticket",
]

TEXT = ["reduction contained", "second paragraph of that", "the third and last one"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("pages")
    picture = Image.new("L", (400, 170), 250)
    for row, text in enumerate(TEXT):
        ImageDraw.Draw(picture).text((30, 15 + 50 * row), text, 0, ImageFont.load_default(24))
    picture.save(found / "page.png")
    aslant = picture.rotate(3, fillcolor=250, expand=True)
    aslant.save(found / "aslant.jpg", dpi=(150, 150))
    font = next(font for font in load_line_fonts() if font.name == "alex-brush-latin-400-normal")
    lines = [render_line(font, text).image for text in SCRIPT]
    page = np.full((120, max(line.shape[1] for line in lines)), 255, np.uint8)
    for row, line in enumerate(lines):
        page[10 + 50 * row : 10 + 50 * row + line.shape[0], : line.shape[1]] = line
    Image.fromarray(page).save(found / "script.png")
    Image.fromarray(data.page()).save(found / "shadow.png")
    Image.fromarray(data.coins()).save(found / "photo.png")
    return found


def test_pages_are_read_in_order_and_a_photograph_holds_none(command, folder):
    names = [str(folder / name) for name in PAGES]
    out, pdf = folder / "out.html", folder / "out.pdf"
    files = ("--hocr", str(out), "--pdf", str(pdf))
    result = command("reader", "read", "--page", *names, "--json", *files)
    page, shadow, photo, aslant, script = json.loads(result.stdout)["images"]
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
    assert [one.get("class") for one in root.iter()].count("ocr_page") == len(PAGES)
    assert aslant["text"].split("\n") == TEXT
    # some letter of a long line in a script is in doubt, and most of it can be read all the same
    words = set(script["text"].split())
    assert len(words & set(" ".join(SCRIPT).split())) > 20
    _check_pdf(pypdf.PdfReader(pdf), folder)


def _check_pdf(found, folder):
    """What another program finds in the PDF: texts, where words stand, the pictures themselves."""
    page, shadow, photo, aslant, _ = found.pages
    assert page.extract_text().split("\n") == TEXT == aslant.extract_text().split("\n")
    assert "These markers are pixels that we can label" in shadow.extract_text()
    assert photo.extract_text() == ""
    # at 200 pixels an inch, where the file says nothing, and at its own
    assert [float(side) for side in page.mediabox[2:]] == pytest.approx([400 * 0.36, 170 * 0.36])
    with Image.open(folder / "aslant.jpg") as picture:
        wide, high = picture.size
    assert [float(side) for side in aslant.mediabox[2:]] == pytest.approx(
        [wide * 0.48, high * 0.48]
    )
    (content,) = (one.get_object() for one in aslant["/Resources"]["/XObject"].values())
    assert content.get_data() == (folder / "aslant.jpg").read_bytes()
    shown = next(iter(page.images)).image
    with Image.open(folder / "page.png") as picture:
        assert (np.asarray(shown) == np.asarray(picture)).all()
    # each line's first letter stands at 30 px, and the lines 50 px below each other
    x, y, _ = _placed(page)
    assert np.allclose(x, 30 * 0.36, atol=2)
    assert np.allclose(np.diff(y), -50 * 0.36, atol=1)
    assert np.allclose(_placed(aslant)[2], 3, atol=0.5)  # degrees


def _placed(page):
    """Of each line of text the place of its first letter, and how the letters rise, degrees."""
    places = []

    def take(text, _, matrix, *others):
        if text.strip() in TEXT:
            rise = np.degrees(np.arctan2(matrix[1], matrix[0]))
            places.append((matrix[4], matrix[5], rise))

    page.extract_text(visitor_text=take)
    return np.array(places).T


def test_hocr_and_pdf_are_of_pages(refused, folder):
    page = str(folder / "page.png")
    assert "without --page" in refused("reader", "read", page, "--hocr", "x.html")
    assert ".html" in refused("reader", "read", "--page", page, "--hocr", "x.txt")
    assert "without --page" in refused("reader", "read", page, "--pdf", "x.pdf")
    assert ".pdf" in refused("reader", "read", "--page", page, "--pdf", "x.html")
    assert "--on" in refused("reader", "read", "--page", page, "--on", "here")
