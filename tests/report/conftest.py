"""A page's parts as a browser sees them, and a hand-made part that uses all a section can hold."""

import html.parser
import re

import pytest
from matplotlib.figure import Figure as Drawing

from chainrule.report import Figure, Part, Row, Section, Table

LOADING = {"src", "href", "srcset", "poster", "data", "action", "xlink:href", "background"}
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

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def loads(self):
        """Every address that the page would fetch from outside itself."""
        addresses = [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in LOADING
        ]
        return [a for a in addresses if not a.startswith(("#", "data:"))]


@pytest.fixture
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
    section = Section(
        number="9.1.A",
        title="A question with <all> it can hold",
        question="What is $\\hat{y}$?\n\nAnd $$\\frac{\\partial s}{\\partial b}$$ of it?",
        original="It cost \\$5 & more.",
        found="Run `chainrule points train` & see.",
        verdict="Both agree.",
        comparison=(Row("error", "7 %", "6.9 %"), Row("$\\lambda$", "1", "1")),
        tables=(Table(("h", "error"), (("1", "9 %"), ("2", "< 1 %")), "By $h$"),),
        figures=(
            Figure.drawn(drawing(), 'A "line" in $x$', alt="A line that falls"),
            Figure.drawn(drawing(), "The same as dots", kind="png", wide=True),
        ),
        results={"error": 0.069},
        agrees="yes",
    )
    bare = Section("9.1.B", "Bare", "Why?", "not stated here", "Nothing.", "So it is.")
    return Part(9, "A part by hand", (section, bare))
