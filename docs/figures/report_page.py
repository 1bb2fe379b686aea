"""Draws docs/images/report.png: the beginning of a report's page, as a browser shows it.

chainrule report --out report && python docs/figures/report_page.py report/index.html
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[1] / "images" / "report.png"
WIDTH, HEIGHT = 1100, 720  # CSS pixels


def main(page: Path) -> None:
    """Take the picture of the first screen."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Chromium is not there; expected the command chromium (on Debian: its package)")
    with sync_playwright() as playwright:
        # no sandbox: containers run as root
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
