"""Progress: the rate of the last half minute, and no time left before it can be told."""

import os
import pty
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.cli.progress import Pace, duration, per_second


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_nothing_is_told_before_it_can_be():
    clock = Clock()
    pace = Pace(clock)
    assert pace.seconds_left(10) is None
    pace.add(0)
    clock.now += 1.9
    pace.add(5)
    assert pace.rate() is None
    clock.now += 0.2
    pace.add(5)
    assert pace.rate() == pytest.approx(5 / 2.1)
    assert pace.seconds_left(10) == pytest.approx(2.1)


def test_what_an_earlier_run_did_is_no_part_of_the_rate():
    clock = Clock()
    pace = Pace(clock)
    pace.add(900)
    clock.now += 10
    pace.add(910)
    assert pace.rate() == pytest.approx(1)
    assert pace.seconds_left(1000) == pytest.approx(90)


@given(slow=st.floats(0.01, 0.9), steps=st.integers(40, 200))
def test_after_half_a_minute_only_the_last_half_minute_counts(slow, steps):
    clock = Clock()
    pace = Pace(clock)
    done = 0.0
    for second in range(100 + steps):
        done += slow if second < 100 else 50
        clock.now += 1
        pace.add(round(done))
    assert pace.rate() == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_rates_have_digits_that_tell_something():
    assert [per_second(r) for r in (1234.5, 12.34, 1.0, 0.0512)] == [
        "1,234/s", "12.3/s", "1.0/s", "0.051/s",
    ]  # fmt: skip


SCRIPT = """
import time
from chainrule.cli import progress as module
from chainrule.cli.progress import progress
module._QUIET, module._EVERY = {said_after}, {every}
with progress("reading", "lines") as report:
    time.sleep({quiet})
    for done in range(0, 101):
        report(done, 100)
        time.sleep({step})
"""


def test_elsewhere_than_on_a_terminal_quick_work_says_nothing_and_slow_starts_are_said():
    quick = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(quiet=0, step=0.001, said_after=600, every=600)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert quick.stdout == quick.stderr == ""
    slow = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(quiet=2.5, step=0, said_after=0.1, every=600)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert slow.stderr == "reading: preparing\n"


@pytest.mark.slow
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_on_any_terminal_of_40_columns_progress_stays(term):
    process, terminal = pty.fork()
    if process == 0:
        os.environ |= {"TERM": term, "COLUMNS": "40"}
        os.execv(
            sys.executable,
            [sys.executable, "-c", SCRIPT.format(quiet=0, step=0.03, said_after=2, every=1)],
        )
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the end, on Linux
            break
        if not part:
            break
        shown += part
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    text = shown.decode()
    assert "reading" in text
    assert ("100 %" in text) if term == "xterm" else ("of 100 lines" in text)
