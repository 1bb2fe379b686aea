"""The page of hand-made sections: self-contained, escaped, the same on every day."""

import base64
import io
import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure as Drawing
from PIL import Image

from chainrule.report import Figure, ReportSettings
from chainrule.report.markup import inline, paragraphs, plain
from chainrule.report.page import document, page


def test_the_page_fetches_nothing(part, read_page):
    text = page([part], ReportSettings())
    assert read_page(text).loads() == []
    assert not re.search(r"https?:", text)
    assert not re.search(r"url\(|@import|<script", text)


def test_every_picture_is_embedded_whole_and_has_an_alternative_text(part, read_page):
    images = read_page(page([part], ReportSettings())).all("img")
    assert [image["alt"] for image in images] == ["A line that falls", "The same as dots"]
    svg, png = (image["src"].split(",", 1) for image in images)
    assert svg[0] == "data:image/svg+xml;base64"
    assert base64.b64decode(svg[1]) == part.sections[0].figures[0].content
    assert png[0] == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(png[1]))) as image:
        assert image.size == (4 * 192, 3 * 192)
    # both figures are 4 inches wide, 96 CSS pixels an inch
    assert [image["width"] for image in images] == ["384", "384"]


def test_the_page_shows_every_text_escaped(part, read_page):
    text = read_page(page([part], ReportSettings())).text
    for wanted in (
        "A question with <all> it can hold",
        "It cost $5 & more.",
        "< 1 %",
        "Both agree",
    ):
        assert wanted in text


def test_links_within_the_page_lead_somewhere(part, read_page):
    read = read_page(page([part], ReportSettings()))
    targets = {attributes["id"] for _, attributes in read.elements if "id" in attributes}
    links = [a["href"] for a in read.all("a")]
    assert len(links) >= 2 * len(part.sections)
    assert {link.removeprefix("#") for link in links} <= targets


def test_the_summary_has_a_line_a_section(part):
    rows = re.search(r'<table class="summary">.*?</table>', page([part], ReportSettings()), re.S)[0]
    assert rows.count('<th scope="row">') == 2
    assert "6.9\u00a0%" in rows
    assert 'class="mark yes">agrees' in rows
    assert 'class="mark not-stated">not stated' in rows


def test_the_same_sections_give_the_same_bytes(part):
    assert page([part], ReportSettings()) == page([part], ReportSettings())


def test_the_document_is_json_and_holds_the_results(part):
    found = json.loads(json.dumps(document([part], ReportSettings(seed=3, trials=2))))
    assert found["settings"] == {"seed": 3, "trials": 2, "photos": None}
    assert [s["number"] for s in found["sections"]] == ["9.1.A", "9.1.B"]
    assert found["sections"][0]["results"] == {"error": 0.069}
    assert found["sections"][0]["comparison"][0] == {
        "what": "error",
        "original": "7 %",
        "here": "6.9 %",
    }
    assert {"chainrule", "numpy", "torch", "processor"} <= found["made_with"].keys()


def test_markup():
    assert inline("a < b & `x<y`") == "a &lt; b &amp; <code>x&lt;y</code>"
    assert inline("from \\$5 to \\$7, \\`so\\`") == "from $5 to $7, `so`"
    assert paragraphs("one\n\n two \n \n") == "<p>one</p>\n<p>two</p>"
    assert plain("so $x$ is `y` for \\$5") == "so x is y for $5"
    formula = inline("$a < b$")
    assert formula.startswith('<math alttext="a &lt; b" display="inline">')
    assert "<mi>a</mi>" in formula
    assert '<span class="display"><math alttext="x" display="block">' in inline("so $$x$$ is")
    assert paragraphs("$$x$$ $$y$$").startswith('<p class="formulas"><span class="display">')
    with pytest.raises(ValueError, match="not known"):
        inline("$\\nosuchcommand$")


def test_a_drawing_with_few_colours_keeps_its_size_and_is_smaller():
    drawing = Drawing(figsize=(2, 2))
    drawing.subplots().imshow(np.add.outer(np.arange(50), np.arange(50)), cmap="viridis")
    full = Figure.drawn(drawing, "", kind="png")
    few = Figure.drawn(drawing, "", kind="png", colours=32)
    with Image.open(io.BytesIO(few.content)) as image:
        assert image.size == (384, 384)
        assert image.info["dpi"][0] == pytest.approx(192, abs=0.1)
        assert len(image.convert("RGB").getcolors()) <= 32
    assert len(few.content) < len(full.content)


@pytest.mark.parametrize("text", ["", "costs $5", "a ` b"])
def test_a_lone_mark_is_text(text):
    assert inline(text) == text
