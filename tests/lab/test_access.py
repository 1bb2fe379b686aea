"""For everyone: axe in every state, keys, colours, schemes, narrow screens."""

import re
from itertools import product

import numpy as np
import pytest

from chainrule.lab.server.static import PAGE
from lab_browser import READY, until
from lab_reports import add_report, ask_for_report
from lab_textures import new_album

VIEWS = [
    {"width": 1440, "scheme": "light"},
    {"width": 320, "scheme": "dark"},
    {"width": 768, "scheme": "light", "forced_colors": "active"},
]


def seen_by_axe(tab, state):
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(tab)
    assert results.violations_count == 0, f"{state}: {results.generate_report()}"
    width = tab.viewport_size["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, state


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=["wide", "narrow and dark", "forced colours"])
def test_axe_finds_nothing_in_any_state(tabs, lab, view):
    tab = tabs.open(lab, "/#points?iterations=2000&hidden=3&seed=3", **view, moving=True)
    until(tab, "document.querySelector('canvas')?.dataset.iteration > 0")  # the points are there
    tab.locator("canvas").first.click(position={"x": 100, "y": 80})
    until(tab, "document.querySelector('[data-derived]')")
    seen_by_axe(tab, "playing, with a point taken apart")
    tab.locator(".map").get_by_label("Hidden units").fill("1, 4")
    tab.locator(".map").get_by_label("Learning rates").fill("0.1, 1e160")
    tab.get_by_role("button", name="Make the map").click()
    until(tab, "document.querySelector('[data-map-state=finished]')?.dataset.mapDone === '4'")
    tab.get_by_role("button", name="To the end").evaluate("b => b.click()")
    until(tab, "room.iteration === '2000' && room.state !== 'playing'")
    seen_by_axe(tab, "at the end, with a map")
    tab.get_by_label("Source").select_option("draw")
    until(tab, "document.querySelector('.empty')")
    seen_by_axe(tab, "without points")
    tab.goto(lab.origin + "/#points?rate=1e160&iterations=300")
    until(tab, "room.state === 'diverged' && document.querySelector('.verdict button')")
    seen_by_axe(tab, "diverged")
    tab.get_by_role("link", name="Runs").click()
    until(tab, "document.querySelectorAll('tbody tr').length > 2")
    seen_by_axe(tab, "the list of runs")


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=["wide", "narrow and dark", "forced colours"])
def test_axe_finds_nothing_in_the_blocks(tabs, lab, view):
    tabs.allowed.add(422)  # of a layer that is removed while it is checked
    tab = tabs.open(lab, "/#blocks", **view)
    before = until(tab, "room.state !== 'loading' && room.board")
    tab.get_by_role("button", name="New board").click()
    drawn = "document.querySelector('.maps .sheet')?.dataset.drawn"
    until(tab, f"room.board !== '{before}' && {drawn}?.split(':')[1] === room.revision")
    sheet = tab.get_by_role("application", name="Channel 1 of conv1")
    sheet.focus()
    sheet.press("ArrowRight")
    until(tab, "document.querySelector('[data-slopes]')")
    tab.get_by_role("button", name="Take the strongest apart").click()
    until(tab, "document.querySelector('.back')?.dataset.back")
    until(tab, "document.querySelector('.check')?.dataset.verdict")
    until(tab, "document.querySelector('.own-layer')?.dataset.verdict === 'wrong'")
    seen_by_axe(tab, "an output and a derivative taken apart")
    for _ in range(4):
        count = tab.locator(".layer").count()
        tab.get_by_role("button", name="Remove", exact=True).click()
        until(tab, f"document.querySelectorAll('.layer').length === {count - 1}")
    seen_by_axe(tab, "without blocks")


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=["wide", "narrow and dark", "forced colours"])
def test_axe_finds_nothing_in_the_photographs(tabs, lab, trained, view):
    tab = tabs.open(lab, trained.place, **view)
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    tab.get_by_label("Unsure under a margin of").fill("0.4")
    tab.locator("[data-cell='1 1']").click()
    until(tab, "document.querySelector('.opened img')")
    until(tab, "document.querySelector('.shows')?.dataset.decided")
    until(tab, "document.querySelector('.best.own')")
    seen_by_axe(tab, "with a classifier, a cell and what decided")
    new_album(tab)
    seen_by_axe(tab, "an empty album")
    content = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"none"}
    tab.get_by_label("Open pictures").set_input_files([content])
    until(tab, "document.querySelector('.broken')")
    seen_by_axe(tab, "a file that is no picture")


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=["wide", "narrow and dark", "forced colours"])
def test_axe_finds_nothing_in_the_lines(tabs, lab, view):
    tab = tabs.open(lab, "/#lines", **view)
    before = until(tab, "room.sheet")
    tab.get_by_role("button", name="Sample lines").click()
    until(tab, f"room.sheet !== '{before}' && room.lines === '3'")
    until(tab, "document.querySelector('.step')?.dataset.kept")
    seen_by_axe(tab, "a line taken apart")
    before = until(tab, "room.sheet")
    tab.get_by_role("button", name="New sheet").click()
    until(tab, f"room.sheet !== '{before}' && room.state === 'empty'")
    content = {"name": "a.png", "mimeType": "image/png", "buffer": b"none"}
    tab.get_by_label("Open files").set_input_files([content])
    until(tab, "document.querySelector('.broken')")
    seen_by_axe(tab, "a file that is no picture")


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=["wide", "narrow and dark", "forced colours"])
def test_axe_finds_nothing_in_the_report(tabs, lab, reported, view):
    tab = tabs.open(lab, reported.place, **view)
    until(tab, "document.querySelector('.found')?.dataset.sections")
    tab.locator(".one summary").first.click()
    until(tab, "document.querySelector('[data-fact]')?.checkVisibility()")
    seen_by_axe(tab, "a finished report")
    failed = add_report(lab.folder, "failed", "there is no room left on the disk")
    tab.goto(f"{lab.origin}/#report?report={failed}")
    until(tab, f"room.report === '{failed}' && room.state === 'failed'")
    seen_by_axe(tab, "a failed report, beside another")
    if view is not VIEWS[0]:
        return  # once is enough for one that runs
    ask_for_report(tab, [1, 2, 3, 4, 5])
    until(tab, "room.state === 'running'")
    seen_by_axe(tab, "a report that runs")
    tab.get_by_role("button", name="Cancel").click()
    until(tab, "room.state === 'cancelled'")
    seen_by_axe(tab, "a cancelled report")


FOCUSED = """() => {
  const e = document.activeElement;
  return e.getAttribute("aria-label") || e.textContent.trim();
}"""


def test_everything_that_acts_has_a_key(tabs, lab):
    ours = [path for path in PAGE.rglob("*.js") if path.parent.name != "vendor"]
    for path in ours:  # what takes a click is what takes keys too
        for element in re.findall(r"<(\w+)[^<>]*onClick", path.read_text("utf-8")):
            assert element in ("button", "a", "canvas"), path
    tab = tabs.open(lab)
    until(tab, f"{READY} && document.querySelector('.take input')")
    reached = set()
    for _ in range(45):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate(FOCUSED))
    there = {"Points", "Runs", "Play", "To the end", "Zoom in", "Make the map", "Copy"}
    assert there <= reached
    assert {"The points and the boundary", "Iteration on the error curves"} <= reached
    tab.get_by_role("button", name="Play").press("Space")
    until(tab, "Number(room.iteration) > 10")
    tab.get_by_role("button", name="Rewind").press("Enter")
    until(tab, "room.state === 'paused' && room.iteration === '0'")


def test_every_key_of_the_photographs(tabs, lab, trained):
    tab = tabs.open(lab, trained.place)
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    until(tab, "document.querySelector('.shows')?.dataset.decided")
    tab.get_by_role("button", name="Train again").focus()
    reached = set()
    for _ in range(12):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate(FOCUSED))
    assert "Confusion matrix" in reached
    assert any("of gravel right: open them" in name for name in reached)
    tab.locator("[data-cell='2 2']").press("Enter")
    until(tab, "document.querySelector('[data-opened]')?.dataset.opened === '2 2'")
    tab.locator(".opened button[data-picture]").first.press("Enter")
    until(tab, "document.querySelector('.shows .name')?.textContent.startsWith('stones/gravel/')")
    tab.get_by_label("what the network saw").focus()
    tab.keyboard.press("ArrowUp")
    until(tab, "document.querySelector('.decided canvas')?.dataset.drawn?.endsWith(':derivative')")


def test_every_key_of_the_report(tabs, lab):
    name = add_report(lab.folder, "cancelled")
    tab = tabs.open(lab, f"/#report?report={name}")
    until(tab, f"room.report === '{name}' && room.state === 'cancelled'")
    tab.get_by_label("Seed").focus()
    reached = set()
    for _ in range(3):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate(FOCUSED))
    assert "Make the report" in reached
    box = tab.get_by_role("checkbox", name="4. A network that reads letters")
    box.press("Space")
    assert not box.is_checked()
    tab.get_by_role("button", name="Go on").press("Enter")
    until(tab, "room.state === 'running'")
    tab.get_by_role("button", name="Cancel").press("Enter")
    until(tab, "room.state === 'cancelled'")


# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize(("scheme", "kind"), list(product((0, 1), BLINDNESS)))
def test_the_two_classes_stay_apart_in_every_colour_blindness(scheme, kind):
    from skimage.color import deltaE_ciede2000, rgb2lab

    style = (PAGE / "style.css").read_text("utf-8")
    seen = []
    for name in ("minus", "plus"):
        value = re.findall(rf"--{name}: #([0-9a-f]{{6}});", style)[scheme]
        rgb = np.array([int(value[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        turned = np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1)
        back = np.where(turned <= 0.0031308, 12.92 * turned, 1.055 * turned ** (1 / 2.4) - 0.055)
        seen.append(rgb2lab(back.reshape(1, 1, 3)))
    assert deltaE_ciede2000(*seen).item() > 20  # what is called different colours at a glance is 10


def test_a_narrow_screen_scrolls_down_only(tabs, lab):
    tab = tabs.open(lab, width=320)
    until(tab, READY)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
