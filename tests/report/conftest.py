"""A page as a browser sees it, a part made by hand, and a whole report on little data."""

import html.parser
import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure as Drawing

from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters
from chainrule.reader.letters.recipes import RECIPES
from chainrule.report import AnsweredPart, ReportSettings, run_report
from chainrule.report.experiments import derivative_checks, letter_runs
from chainrule.report.facts import Fact, Found, Numbers, judge
from chainrule.report.facts.rules import AtMost, SameDigits
from chainrule.report.finding import Table, chart, picture
from chainrule.report.section import Section

LOADING = {"src", "srcset", "poster", "data", "action", "xlink:href", "background"}
VOID = {"meta", "link", "img", "br", "hr", "input", "col", "source", "wbr"}


class Page(html.parser.HTMLParser):
    """The elements and texts of a page; refuses tags that don't nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not self._open or self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def loads(self):
        """Every address that the page would fetch from outside itself to be shown."""
        addresses = [
            value
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name in LOADING or (tag == "link" and name == "href")
        ]
        return [a for a in addresses if not a.startswith(("#", "data:"))]


@pytest.fixture(scope="session")
def read_page():
    return Page


def drawing():
    figure = Drawing(figsize=(4, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [1, 0])
    axes.set_xlabel("iteration")
    axes.set_ylabel("error (%)")
    return figure


@pytest.fixture
def part():
    """A part whose first section has all that one can hold."""
    facts = (
        Fact("9.1.A.b", "<b>", Numbers("0.10"), SameDigits(), proof="sum"),
        Fact("9.1.A.c", "c & d", "is small", AtMost(1, "its size"), certain=True, proof="sum"),
    )
    found = {"9.1.A.b": Found(0.10), "9.1.A.c": Found(3.0, "three")}
    texts = {
        "answer": "It cost \\$5 & more, 6.9 % of $x$.",
        "question": "What is $\\hat{y}$?\n\nAnd $$\\frac{\\partial s}{\\partial b}$$ of it?",
        "found": "Run `chainrule points train` & see.",
        "caption_line": 'A "line" in $x$',
        "alt_line": "A line that falls",
        "caption_dots": "The same as dots",
        "alt_dots": "The same as dots",
        "table_errors": "By $h$",
        "title_sum": "Not small",
        "proof_sum": "For $3 > 1$.",
    }
    whole = Section(
        "9.1.A",
        "A question with <all> it can hold",
        "by_hand",
        texts,
        judge(facts, found),
        (chart("line", drawing()), picture("dots", drawing(), wide=True)),
        (Table("errors", ("h", "error"), (("1", "9 %"), ("2", "< 1 %"))),),
        {"error": 0.069},
    )
    bare = Section("9.1.B", "Bare", "bare", dict.fromkeys(("answer", "question", "found"), "So."))
    return AnsweredPart(9, "A part by hand", (whole, bare))


def small_letters():
    """The letters of a few fonts that Matplotlib brings, one family of them held out."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [open_font(path) for path in find_fonts([folder]) if path.stem.startswith("DejaVuS")]
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return build_letters(fonts, alphabet, validation_families={"DejaVu Serif"})[0]


def with_few_epochs(epochs):
    """The recipes for few letters: fewer epochs, and smaller steps by the fast one."""
    return {
        name: replace(recipe, settings=replace(recipe.settings, epochs=epochs, learning_rate=rate))
        for (name, recipe), rate in zip(RECIPES.items(), (0.001, 0.02), strict=True)
    }


@pytest.fixture(scope="session")
def few_epochs():
    return with_few_epochs


@pytest.fixture(scope="session")
def little():
    """Settings of a report that is soon done: few letters, a small photograph; in this process."""
    with pytest.MonkeyPatch.context() as patch:
        letters, photograph = small_letters(), derivative_checks.sample_picture().reduce(3)
        patch.setattr(derivative_checks, "sample_picture", lambda: photograph)
        patch.setattr(letter_runs, "load_letters", lambda: letters)
        patch.setattr(letter_runs, "RECIPES", with_few_epochs(8))
        yield ReportSettings(seed=1, trials=1, quick=True, workers=1)


@pytest.fixture(scope="session")
def whole(little):
    """All parts on little data: (settings, parts)."""
    return little, run_report(little)
