"""The pictures of the tour of the lab, made by a browser: `make pictures` makes them anew.

Each picture carries a stamp of the page that it shows, by which a test knows one that is stale.
"""

import hashlib
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from chainrule.lab.server.static import PAGE
from lab_browser import CHROMIUM, READY, Server, Tabs, until
from lab_reports import ask_for_report
from lab_textures import give_folder, textures

FOLDER = Path(__file__).parents[1] / "docs" / "images"
ROOMS = {
    "points": "lab-points-*.png",
    "blocks": "lab-blocks-*.png",
    "lines": "lab-lines-*.png",
    "photographs": "lab-photographs-*.png",
    "report": "lab-report-*.png",
}
_COLOURS = 128  # enough for a page, and a fifth of the bytes


def stamp(room):
    """A checksum of the files that a room's pictures depend on."""
    digest = hashlib.sha256()
    for path in sorted(PAGE.rglob("*")):
        part = path.relative_to(PAGE).parts[0]
        if path.is_file() and part in (room, "shared", "style.css"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def stamp_of(path):
    """The stamp that a picture carries."""
    with Image.open(path) as picture:
        return picture.text.get("page")


def points_tour(tabs, lab):
    """Go through the points room as the tour does; yield each picture's name and its PNG."""
    tab = tabs.open(lab, "/#points?iterations=30000", width=1280)
    until(tab, READY)
    tab.get_by_role("button", name="To the end").click()
    until(tab, "room.iteration === '30000' && room.state !== 'playing'")
    tab.get_by_label("Iteration", exact=True).fill("3000")
    tab.get_by_role("button", name="Go").click()
    until(tab, "room.iteration === '3000' && room.state !== 'playing'")
    until(tab, "document.querySelector('canvas').dataset.iteration === '3000'")
    until(tab, "document.querySelector('.plot').dataset.rows > 100")
    yield "lab-points-room.png", tab.screenshot()
    tab.locator("canvas").first.click(position={"x": 200, "y": 190})
    until(tab, "document.querySelector('[data-derived]')?.dataset.derived === '3000'")
    yield "lab-points-chain.png", tab.locator(".chain").screenshot()
    tab.get_by_role("button", name="Make the map").click()
    until(tab, "document.querySelector('[data-map-state=finished]')?.dataset.mapDone === '64'")
    yield "lab-points-map.png", tab.locator(".map").screenshot()


def blocks_tour(tabs, lab):
    """Go through the blocks room as the tour does; yield each picture's name and its PNG."""
    tab = tabs.open(lab, "/#blocks", width=1280)
    before = until(tab, "room.state !== 'loading' && room.board")
    tab.get_by_role("button", name="New board").click()
    until(tab, f"room.state === 'ready' && room.board !== '{before}'")
    tab.get_by_role("button", name="conv2").click()
    until(tab, "document.querySelector('.maps .sheet')?.dataset.drawn?.startsWith('4:')")
    tab.locator(".maps .sheet").first.click(position={"x": 130, "y": 90})
    until(tab, "document.querySelector('.entry')?.dataset.pinned === 'true'")
    until(tab, "document.querySelector('[data-slopes]')")
    tab.get_by_role("button", name="Take the strongest apart").click()
    until(tab, "document.querySelector('.back')?.dataset.back")
    until(tab, "document.querySelector('.own-layer')?.dataset.verdict === 'wrong'")
    until(tab, "document.querySelector('.check')?.dataset.verdict")
    yield "lab-blocks-room.png", tab.locator(".bench").screenshot()
    yield "lab-blocks-back.png", tab.locator(".back").screenshot()
    yield "lab-blocks-written.png", tab.locator(".own-layer").screenshot()


def photographs_tour(tabs, lab, place):
    """Go through the photographs room as the tour does; yield each picture's name and its PNG.

    place: the address of an album that has its classifier.
    """
    tab = tabs.open(lab, "/#photographs", width=1280)
    until(tab, "room.album")
    tab.get_by_role("button", name="Sample pictures").click()
    until(tab, "document.querySelector('.shows')?.dataset.decided")
    until(tab, "document.querySelectorAll('.gallery img').length === 2")
    part = {"x": 0, "y": 0, "width": 1280, "height": 800}
    yield "lab-photographs-decided.png", tab.screenshot(clip=part)
    tab = tabs.open(lab, place, width=1280)
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    tab.get_by_label("Unsure under a margin of").fill("0.3")
    tab.locator("[data-cell='1 1']").click()
    until(tab, "document.querySelectorAll('.opened img').length > 3")
    tab.locator(".opened").scroll_into_view_if_needed()  # pictures far below are not loaded
    until(tab, "[...document.querySelectorAll('.opened img')].every(i => i.complete)")
    yield "lab-photographs-matrix.png", tab.locator(".judged").screenshot()


def lines_tour(tabs, lab):
    """Go through the lines room as the tour does; yield each picture's name and its PNG."""
    tab = tabs.open(lab, "/#lines", width=1280)
    until(tab, "room.sheet")
    before = until(tab, "room.sheet")
    tab.get_by_role("button", name="Sample lines").click()
    until(tab, f"room.sheet !== '{before}' && room.lines === '3'")
    until(tab, "document.querySelectorAll('.line').length === 3")
    for line in tab.locator(".line").all():  # one that both readers read, if there is one
        line.click()
        number = line.get_attribute("data-number")
        until(tab, f"document.querySelector('.shown[data-line=\\'{number}\\']')?.dataset.kept")
        if tab.locator(".turns li").count() > 1:
            break
    until(tab, "document.querySelector('.step')?.dataset.kept")
    until(tab, "[...document.querySelectorAll('.room img')].every(i => i.complete)")
    part = {"x": 0, "y": 0, "width": 1280, "height": 900}
    yield "lab-lines-room.png", tab.screenshot(clip=part)
    fast = tab.get_by_role("button", name="the fast reader")
    if fast.count():
        fast.click()
    until(tab, "document.querySelector('.shown')?.dataset.reader === '0'")
    tab.locator("[data-character='3']").click()
    until(tab, "document.querySelector('.step')?.dataset.kept")
    yield "lab-lines-steps.png", tab.locator("[aria-labelledby='steps-title']").screenshot()


def report_tour(tabs, lab, place):
    """Go through the report room as the tour does; yield each picture's name and its PNG.

    place: the address of a finished report of part 2.
    """
    tab = tabs.open(lab, place, width=1280)
    until(tab, "room.state === 'finished' && document.querySelector('.found')?.dataset.sections")
    part = {"x": 0, "y": 0, "width": 1280, "height": 900}
    yield "lab-report-room.png", tab.screenshot(clip=part)
    tab.locator("[data-section='2.3'] summary").click()
    until(tab, "document.querySelector('[data-section=\\'2.3\\'] [data-fact]')?.checkVisibility()")
    yield "lab-report-section.png", tab.locator("[data-section='2.3']").screenshot()


def make_report(tabs, lab):
    """A finished quick report of part 2; its address."""
    tab = tabs.open(lab, "/#report", width=1280)
    ask_for_report(tab, [2])
    until(tab, "room.state === 'finished' && document.querySelector('.found')?.dataset.sections")
    return tab.url.removeprefix(lab.origin)


def train_textures(tabs, lab):
    """An album with its classifier; its address."""
    tab = tabs.open(lab, "/#photographs", width=1280)
    give_folder(tab, textures(Path(tempfile.mkdtemp())))
    tab.get_by_role("button", name="Train", exact=True).click()
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    return tab.url.removeprefix(lab.origin)


def save(name, content):
    """Write a picture in few colours, with its stamp."""
    info = PngInfo()
    info.add_text("page", stamp(name.split("-")[1]))
    picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(_COLOURS)
    picture.save(FOLDER / name, optimize=True, pnginfo=info)


def main():
    """Make all pictures anew."""
    from playwright.sync_api import sync_playwright

    server = Server(Path(tempfile.mkdtemp()))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tabs = Tabs(browser)
        for name, content in points_tour(tabs, server):
            save(name, content)
        for name, content in blocks_tour(tabs, server):
            save(name, content)
        for name, content in lines_tour(tabs, server):
            save(name, content)
        for name, content in photographs_tour(tabs, server, train_textures(tabs, server)):
            save(name, content)
        for name, content in report_tour(tabs, server, make_report(tabs, server)):
            save(name, content)
        tabs.close()
        browser.close()
    server.stop()
    return tabs.wrong


if __name__ == "__main__":
    sys.exit("\n".join(main()) or None)
