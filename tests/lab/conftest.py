"""A lab for the tests, and tabs of it."""

import signal

import pytest

from lab_browser import Server, Tabs


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


@pytest.fixture
def tabs(browser):
    """Open tabs of the lab; fails on a console error, refused code, a failed or a far request."""
    opened = Tabs(browser)
    yield opened
    opened.close()
    assert opened.wrong == []
