"""The documentation: its examples run, its formulas are drawn without a network.

In the pages a block marked `python` holds a Python session, whose output is compared. For the
commands see `test_docs_commands.py`.
"""

import doctest
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import chainrule

DOCS = Path(__file__).parents[1] / "docs"
ROOT = DOCS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LANGUAGES = {
    "python",
    "console",
    "sh",
    "json",
    "{toctree}",
    "{eval-rst}",
    "{image}",
    "{include}",
    "",
}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    """The fenced blocks of one language."""
    return [body for name, body in FENCE.findall(page.read_text("utf-8")) if name == language]


def name(page):
    return str(page.relative_to(ROOT))


def pages_with(language):
    return [pytest.param(page, id=name(page)) for page in PAGES if blocks(page, language)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_of_a_kind_that_is_run(page):
    assert {found.split(" ")[0] for found, _ in FENCE.findall(page.read_text("utf-8"))} <= LANGUAGES
    for body in blocks(page, "json"):
        json.loads(body)


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_python_sessions_of_a_page(page):
    source = "\n".join(blocks(page, "python"))
    session = doctest.DocTestParser().get_doctest(source, {}, name(page), str(page), 0)
    assert session.examples, "a block marked python without a session: mark it otherwise"
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(session, out=report.append)
    assert not report, "".join(report)


def modules_with_examples():
    """The names of chainrule's modules whose docstrings hold a session."""
    package = Path(chainrule.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if re.search(r"^\s*>>> ", path.read_text("utf-8"), re.MULTILINE):
            parts = path.relative_to(package.parent).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__")


@pytest.mark.parametrize("module", list(modules_with_examples()))
def test_the_examples_of_the_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


class Loads(HTMLParser):
    """Collects what a page makes a browser load, and counts its formulas."""

    def __init__(self):
        super().__init__()
        self.addresses = []
        self.formulas = 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.formulas += tag == "math"
        if tag in {"script", "img", "iframe", "source"} and "src" in attributes:
            self.addresses.append(attributes["src"])
        if tag == "link" and attributes.get("rel") in {"stylesheet", "preload", "icon"}:
            self.addresses.append(attributes["href"])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The documentation as web pages, built with every warning an error."""
    folder = tmp_path_factory.mktemp("docs")
    arguments = ["-q", "-W", "--keep-going", "-b", "html", "-d", folder / "trees"]
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments, DOCS, folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return folder / "html"


@pytest.mark.slow
def test_the_pages_load_nothing_from_a_network(built):
    pages = [page for page in built.rglob("*.html") if "_static" not in page.parts]
    assert len(pages) >= len(PAGES) - 1  # the README is no page
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text("utf-8"))
        assert loads.addresses, page
        for address in loads.addresses:
            assert "//" not in address, (page, address)
            assert (page.parent / address.partition("?")[0]).exists(), (page, address)


@pytest.mark.slow
def test_every_formula_is_mathml(built):
    text = FENCE.sub("", (DOCS / "derivations" / "two-layer.md").read_text("utf-8"))
    display = re.compile(r"^\$\$$.*?^\$\$", re.MULTILINE | re.DOTALL)
    displayed = len(display.findall(text))
    inline = len(re.findall(r"\$[^$]+\$", display.sub("", text)))
    html = (built / "derivations" / "two-layer.html").read_text("utf-8")
    loads = Loads()
    loads.feed(html)
    assert html.count('display="block"') == displayed > 10
    assert loads.formulas == displayed + inline
    assert "MathJax" not in html


def extension(module):
    """A Sphinx extension of ours as a module."""
    spec = importlib.util.spec_from_file_location(module, DOCS / "_extensions" / f"{module}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_a_docstring_is_shown_as_it_is_written():
    rewrite = extension("plain_docstrings").as_restructured_text
    lines = [
        "Text with |bars|, a*b and `code|*`:",
        "    y = a*b",
        "",
        "    z = |y|",
        "and text_ again.",
        "",
        ">>> 2 * 3",
        "6",
    ]
    assert [line for line in rewrite(lines) if line] == [
        r"Text with \|bars\|, a\*b and ``code|*``:",
        "::",
        "    y = a*b",
        "    z = |y|",
        r"and text\_ again.",
        ">>> 2 * 3",
        "6",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("latex", [r"\nosuchcommand{x}", r"x^"])
def test_a_formula_that_is_wrong_breaks_the_build(tmp_path, latex):
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(DOCS / '_extensions')!r})\n"
        'extensions = ["myst_parser", "mathml"]\n'
        'myst_enable_extensions = ["dollarmath"]\n'
        'html_math_renderer = "mathml"\n'
    )
    (tmp_path / "index.md").write_text(f"# Title\n\n${latex}$\n")
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", tmp_path, tmp_path / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "formula" in result.stderr
