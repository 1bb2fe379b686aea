"""A lab for the tests, and tabs of it."""

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab_browser import Server, Tabs, press_as_soon_as, until
from lab_reports import ask_for_report
from lab_textures import give_folder, textures


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A lab that the tests share."""
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def lab_alone(tmp_path):
    """A lab for one test, which may end it."""
    server = Server(tmp_path / "lab")
    yield server
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


@contextmanager
def _watched(browser):
    opened = Tabs(browser)
    yield opened
    opened.close()
    assert opened.wrong == []


@pytest.fixture
def tabs(browser):
    """Open tabs of the lab; fails on a console error, refused code, a failed or a far request."""
    with _watched(browser) as opened:
        yield opened


@dataclass(frozen=True)
class Trained:
    """An album with its classifier: the folder that was given, and where the page is."""

    folder: Path
    place: str


@pytest.fixture(scope="session")
def trained(lab, browser, tmp_path_factory):
    """A folder of classes that became a classifier, as a person does it, after a change of mind."""
    folder = textures(tmp_path_factory.mktemp("photographs"))
    with _watched(browser) as opened:
        tab = opened.open(lab, "/#photographs")
        give_folder(tab, folder)
        tab.get_by_role("button", name="Train", exact=True).click()
        press_as_soon_as(tab, "document.querySelector('.classifier progress')", "Cancel")
        until(tab, "document.querySelector('.classifier')?.dataset.training === 'cancelled'")
        until(tab, "document.querySelector('.broken')?.innerText.includes('cut off.png')")
        tab.get_by_role("button", name="Go on").click()
        until(tab, "document.querySelector('.classifier')?.dataset.judged")
        place = tab.url.removeprefix(lab.origin)
    return Trained(folder, place)


@dataclass(frozen=True)
class Reported:
    """A report of part 2: where the page is, and the report that an empty address opened then."""

    place: str
    entered: str


@pytest.fixture(scope="session")
def reported(lab, browser):
    """A quick report that became a page, as a person does it, after a change of mind."""
    with _watched(browser) as opened:
        tab = opened.open(lab, "/#report")
        ask_for_report(tab, [2])
        press_as_soon_as(tab, "room.state === 'running'", "Cancel")
        until(tab, "room.state === 'cancelled'")
        until(tab, "document.querySelector('.going')?.innerText.includes('is kept')")
        tab.get_by_role("button", name="Go on").click()
        until(
            tab, "room.state === 'finished' && document.querySelector('.found')?.dataset.sections"
        )
        place = tab.url.removeprefix(lab.origin)
        other = opened.open(lab, "/#report")
        entered = until(other, "room.state === 'finished' && room.report")
    return Reported(place, entered)
