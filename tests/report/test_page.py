"""The page of a part made by hand: self-contained, escaped, the same on every day."""

import base64
import io
import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from PIL import Image

from chainrule.report import ReportSettings
from chainrule.report.markup import inline, paragraphs, plain
from chainrule.report.page import document, page

SETTINGS = ReportSettings()


def test_the_page_fetches_nothing(part, read_page):
    text = page([part], SETTINGS)
    assert read_page(text).loads() == []
    without_pictures = re.sub(r'src="data:[^"]*"', "", text)
    assert not re.search(r"url\(|@import|<script", without_pictures)


def test_a_drawing_names_what_it_refers_to_and_nothing_else(part, read_page):
    figure = part.sections[0].figures[0]
    assert figure.kind == "svg"
    drawn = figure.content.decode("utf-8")
    referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawn))
    names = [e.get("id") for e in ElementTree.fromstring(drawn).iter() if e.get("id")]
    assert len(referred) > 5
    assert sorted(names) == sorted(referred)
    # between the quotes of an attribute nothing needs another escape
    text = page([part], SETTINGS)
    (address,) = re.findall(r'src="(data:image/svg[^"]*)"', text)
    assert "&" not in address


def test_it_names_and_links_what_it_reproduces(part, read_page):
    read = read_page(page([part], SETTINGS))
    links = [a["href"] for a in read.all("a") if not a["href"].startswith("#")]
    assert any("robots.ox.ac.uk/~vgg/practicals/cnn" in link for link in links)
    assert any("matconvnet" in link for link in links)
    assert "Assignment 3: Neural networks" in read.text


def test_every_picture_is_embedded_whole_and_has_an_alternative_text(part, read_page):
    images = read_page(page([part], SETTINGS)).all("img")
    assert [image["alt"] for image in images] == ["A line that falls", "The same as dots"]
    svg, webp = (image["src"].split(",", 1) for image in images)
    assert svg[0] == "data:image/svg+xml"
    drawing = part.sections[0].figures[0].content.decode("utf-8")
    assert unquote(svg[1]) == drawing.replace('"', "'")
    ElementTree.fromstring(unquote(svg[1]))
    assert webp[0] == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(webp[1]))) as image:
        assert image.size == (4 * 192, 3 * 192)
    # both figures are 4 inches wide, 96 CSS pixels an inch
    assert [image["width"] for image in images] == ["384", "384"]


def test_the_page_shows_every_text_escaped(part, read_page):
    text = read_page(page([part], SETTINGS)).text
    for wanted in ("A question with <all> it can hold", "It cost $5 & more", "< 1 %", "<b>"):
        assert wanted in text


def test_links_within_the_page_lead_somewhere(part, read_page):
    read = read_page(page([part], SETTINGS))
    links = [a["href"] for a in read.all("a") if a["href"].startswith("#")]
    assert len(links) >= 2 * len(part.sections)
    assert {link.removeprefix("#") for link in links} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))


def test_every_fact_stands_with_its_verdict_and_its_reason(part, read_page):
    text = page([part], SETTINGS)
    rows = re.findall(r'<tr id="q(9\.1\.A\.\w)">(.*?)</tr>', text, re.DOTALL)
    assert [name for name, _ in rows] == ["9.1.A.b", "9.1.A.c"]
    assert "agrees" in rows[0][1]
    assert "every printed digit is the same" in rows[0][1]
    assert "original errs" in rows[1][1]
    assert "its size: 3; bound: at most 1" in rows[1][1]


def test_an_error_of_the_originals_is_listed_once_with_its_proof(part, read_page):
    text = page([part], SETTINGS)
    (listed,) = re.findall(r'<ol class="errors">.*?</ol>', text, re.DOTALL)
    assert listed.count("<li>") == 1
    assert "Not small" in listed
    assert 'alttext="3 &gt; 1"' in listed
    assert 'href="#q9.1.A.c"' in listed
    assert "9.1.A.b" not in listed


def test_a_section_opens_with_its_answer(part):
    section = page([part], SETTINGS).split('id="q9.1.A"')[1]
    title, answer = section.index("</h3>"), section.index('<p class="answer">')
    assert 0 <= answer - title - len("</h3>") < 5
    assert answer < section.index('class="asked"')


def test_the_summary_has_a_line_a_section(part):
    rows = re.search(
        r'<table class="summary stack">.*?</table>', page([part], SETTINGS), re.DOTALL
    )[0]
    assert rows.count('<th scope="row">') == 2
    assert "6.9\u00a0%" in rows
    assert "1 agrees" in rows
    assert "1 original errs" in rows
    assert "beyond the original" in rows


def test_the_same_sections_give_the_same_bytes(part):
    assert page([part], SETTINGS) == page([part], SETTINGS)


def test_the_document_is_json_and_holds_facts_and_results(part):
    found = json.loads(json.dumps(document([part], ReportSettings(seed=3, trials=2))))
    assert found["settings"] == {"seed": 3, "trials": 2, "photos": None, "quick": False}
    assert found["verdicts"] == {
        "agrees": 1,
        "disagrees": 0,
        "the original errs": 1,
        "cannot be compared": 0,
    }
    assert [sorted(row) for row in found["facts"]] == [
        ["here", "id", "original", "verdict", "why"]
    ] * 2
    assert [s["number"] for s in found["sections"]] == ["9.1.A", "9.1.B"]
    assert found["sections"][0]["results"] == {"error": 0.069}
    assert {"chainrule", "numpy", "torch", "processor"} <= found["made_with"].keys()


def test_markup():
    assert inline("a < b & `x<y`") == "a &lt; b &amp; <code>x&lt;y</code>"
    assert inline("from \\$5 to \\$7, \\`so\\`") == "from $5 to $7, `so`"
    assert inline("*So, then:* 2 * 3 * 4") == "<strong>So, then:</strong> 2 * 3 * 4"
    assert paragraphs("one\n\n two \n \n") == "<p>one</p>\n<p>two</p>"
    assert plain("so $x$ is `y` for \\$5") == "so x is y for $5"
    formula = inline("$a < b$")
    assert formula.startswith('<math alttext="a &lt; b" display="inline">')
    assert "<mi>a</mi>" in formula
    assert '<span class="display"><math alttext="x" display="block">' in inline("so $$x$$ is")
    assert paragraphs("$$x$$ $$y$$").startswith('<p class="formulas"><span class="display">')
    with pytest.raises(ValueError, match="not known"):
        inline("$\\nosuchcommand$")


def test_a_number_and_its_percent_sign_stay_apart_and_on_one_line():
    assert inline("90% and 6.9 %") == "90\u00a0% and 6.9\u00a0%"


def test_the_page_names_the_command_that_makes_it_again(part, read_page, tmp_path):
    text = read_page(page([part], ReportSettings(seed=3, trials=7, photos=tmp_path))).text
    command = f"--seed 3 --trials 7 --parts {part.number} --photos {tmp_path}"
    assert f"chainrule report {command} . The same seed" in text


@pytest.mark.parametrize("text", ["", "costs $5", "a ` b", "2 * 3"])
def test_a_lone_mark_is_text(text):
    assert inline(text) == text
