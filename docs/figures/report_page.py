"""Draws docs/images/report.png: one section of a report's page, as a browser shows it.

chainrule report --out report && python docs/figures/report_page.py report/index.html
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[1] / "images" / "report.png"
WIDTH, HEIGHT = 1280, 800  # CSS pixels
SECTION = "1.3.C"  # the learning rates: the original's table, and a study beside it


def main(page: Path) -> None:
    """Take the picture of the screen that begins with the section."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is not there; expected the command chromium (on Debian: its package)")
    with sync_playwright() as playwright:
        # no sandbox: containers run as root
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.resolve().as_uri())
        # alone beside the contents it is drawn at once; the page is long
        alone = "document.querySelector('main').replaceChildren(document.getElementById(name))"
        tab.evaluate(f"(name) => {alone}", f"q{SECTION}")
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
