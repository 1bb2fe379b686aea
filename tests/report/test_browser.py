"""The page in a real browser: accessible, in both schemes, on a narrow screen and on paper."""

import shutil

import pytest

from chainrule.report.page import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (on Debian: the package chromium)"),
]

SIZES = [(1440, "light"), (1440, "dark"), (768, "light"), (360, "light"), (360, "dark")]


@pytest.fixture(scope="module")
def address(whole, tmp_path_factory):
    """The file of a whole page on little data."""
    settings, parts = whole
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(parts, settings), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def shown(browser, address):
    """Open the page at a width and in a scheme; fails on console errors and on any request."""
    opened, wrong = [], []

    def show(width=1440, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on(
            "request",
            lambda request: (
                wrong.append(request.url)
                if request.url != address and not request.url.startswith("data:")
                else None
            ),
        )
        tab.goto(address)
        return tab

    yield show
    for context in opened:
        context.close()
    assert wrong == []


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_axe_finds_nothing(shown, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = shown(width, scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    results = Axe().run(tab)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [1440, 768, 360, 320])
def test_the_page_itself_never_scrolls_sideways(shown, width):
    assert shown(width).evaluate("document.documentElement.scrollWidth") <= width


def test_the_schemes_differ(shown):
    colours = {
        scheme: shown(scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert colours["light"] == "rgb(255, 255, 255)"
    assert colours["dark"] != colours["light"]


def test_every_picture_can_be_drawn(shown):
    tab = shown()
    sizes = tab.evaluate("Array.from(document.images, i => [i.naturalWidth, i.naturalHeight])")
    assert len(sizes) >= 30
    assert all(width > 0 and height > 0 for width, height in sizes)


def test_long_tables_fold_and_unfold_on_paper(shown):
    tab = shown()
    heights = "Array.from(document.querySelectorAll('main details table'), t => t.offsetHeight)"
    visible = (
        "Array.from(document.querySelectorAll('main details table'), t => t.checkVisibility("
        "{contentVisibilityAuto: true, visibilityProperty: true}))"
    )
    assert len(tab.evaluate(heights)) >= 3
    assert not any(tab.evaluate(visible))
    tab.emulate_media(media="print")
    tab.wait_for_function(f"{visible}.every(seen => seen)")  # a change is told a moment later
    assert all(height > 50 for height in tab.evaluate(heights))


def test_it_prints_on_pages(shown):
    document = shown().pdf(format="A4")
    assert document.startswith(b"%PDF")
    assert 10 <= document.count(b"/Type /Page\n") <= 120
