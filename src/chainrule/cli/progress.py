"""How far long work is, on standard error: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainrule.io.progress import Progress

_WINDOW = 30.0  # seconds over which the rate is taken
_SOON = 2.0  # seconds of work before a rate can be told
_EVERY = 5.0  # seconds between plain lines
_QUIET = 2.0  # seconds without a report after which something is said


class Pace:
    """The rate of work over the last half minute, and the time that is left.

    What was done at the first report (by an earlier run) is no part of the rate.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reports: deque[tuple[float, int]] = deque()

    def add(self, done: int) -> None:
        """Take a report."""
        now = self._clock()
        self._reports.append((now, done))
        # the first report before the window stays: the rate is from there
        while len(self._reports) > 2 and self._reports[1][0] < now - _WINDOW:
            self._reports.popleft()

    def rate(self) -> float | None:
        """Units a second; None until it can be told."""
        if len(self._reports) < 2:
            return None
        (start, before), (now, done) = self._reports[0], self._reports[-1]
        if now - start < _SOON or done <= before:
            return None
        return (done - before) / (now - start)

    def seconds_left(self, total: int) -> float | None:
        """None until it can be told."""
        rate = self.rate()
        return None if rate is None else max(total - self._reports[-1][1], 0) / rate


@contextmanager
def progress(title: str, unit: str) -> Iterator[Progress]:
    """Give a function (done, total) that shows progress on standard error.

    On a terminal it is a bar with the rate and the time left; elsewhere a plain line at most
    every five seconds. If nothing is reported for two seconds (something is compiled for the first
    time, say), that is said, too.
    """
    if sys.stderr is None:
        yield lambda done, total: None
    elif sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        with _bar(title, unit) as report:
            yield report
    else:
        with _lines(title, unit) as report:
            yield report


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def per_second(rate: float) -> str:
    """With as many digits as tell something: 1,234/s, 12.3/s, 0.05/s."""
    return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s" if rate >= 1 else f"{rate:.2g}/s"


@contextmanager
def _bar(title: str, unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), TextColumn("{task.fields[state]}")]
    if console.width >= 60:
        columns.insert(1, BarColumn())  # type: ignore[arg-type]
    pace = Pace()
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, state="preparing")

        def report(done: int, total: int) -> None:
            pace.add(done)
            state = f"{done:,}/{total:,} {unit}"
            if console.width < 60:
                state = f"{100 * done / max(total, 1):.0f} %"
            bar.update(task, completed=done, total=total, state=state + _speed(pace, total, " "))

        yield report


@contextmanager
def _lines(title: str, unit: str) -> Iterator[Progress]:
    pace = Pace()
    last = time.monotonic()
    quiet = threading.Timer(_QUIET, _say, [f"{title}: preparing"])
    quiet.daemon = True
    quiet.start()

    def report(done: int, total: int) -> None:
        nonlocal last
        quiet.cancel()
        pace.add(done)
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            _say(f"{title}: {done:,} of {total:,} {unit}{_speed(pace, total, ', ')}")

    try:
        yield report
    finally:
        quiet.cancel()


def _speed(pace: Pace, total: int, between: str) -> str:
    rate, left = pace.rate(), pace.seconds_left(total)
    if rate is None or left is None:
        return ""
    return f"{between}{per_second(rate)}{between}{duration(left)} left"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
