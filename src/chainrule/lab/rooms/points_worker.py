"""The worker of the points room: many trainings in turn, each held, played and rewound at will.

Every training is `chainrule.points.stepping.Stepping`, in slices of some milliseconds, so that what
it is told is heard at once however fast it goes. The counts of wrong points go to a file as they
come: the server reads the curves there.
"""

import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.lab.jobs.frames import packed, unpacked
from chainrule.lab.rooms.points_live import LiveRun

_TICK = 1 / 60


def main(pipe: Connection) -> None:
    """Serve what comes through the pipe, until the process is ended."""
    Host(pipe).serve()


class Host:
    """Runs by their names, and the pipe to the server."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._runs: dict[str, LiveRun] = {}

    def serve(self) -> None:
        """Listen, and take slices in turn."""
        self._warm_up()
        while True:
            for values in self._messages():
                self._do(values)
            now = time.monotonic()
            for name, run in list(self._runs.items()):
                self._guarded(name, run.slice, now)
                self._report(name, run, now)

    def _messages(self) -> Iterator[dict[str, Any]]:
        busy = [run for run in self._runs.values() if run.is_playing]
        wait = (0.0 if any(run.is_fast for run in busy) else _TICK) if busy else None
        if any(run.has_news or run.is_looking for run in self._runs.values()):
            wait = _TICK if wait is None else wait
        while self._pipe.poll(wait):
            yield unpacked(self._pipe.recv_bytes())[0]
            wait = 0.0

    def _do(self, values: dict[str, Any]) -> None:
        name = values["run"]
        if values["do"] == "open":
            self._guarded(name, self._open, name, values)
        elif values["do"] == "close":
            run = self._runs.pop(name, None)
            if run is not None:
                run.close()
        elif name in self._runs:
            self._guarded(name, self._runs[name].do, values)

    def _open(self, name: str, values: dict[str, Any]) -> None:
        run = LiveRun(Path(values["folder"]), Path(values["data"]), values["recipe"])
        self._runs[name] = run
        header, content = run.points()
        self._send({"run": name, "what": "points", **header}, content)
        run.do({"do": "seek", "to": values["at"], "then": values["then"]})

    def _report(self, name: str, run: LiveRun, now: float) -> None:
        if run.has_news and now >= run.next_report:
            header, content = run.news(now)
            self._send({"run": name, "what": "news", **header}, content)

    def _guarded(self, name: str, work: Any, *values: Any) -> None:
        """What the library says of bad input, a full disk or memory ends this run alone."""
        try:
            work(*values)
        except (ChainruleError, OSError, MemoryError) as error:
            run = self._runs.pop(name, None)
            if run is not None:
                run.close()
            said = str(error) or "there is not enough memory for this run"
            self._send({"run": name, "what": "failed", "said": said})

    def _warm_up(self) -> None:
        """Load the kernel, or compile it where that was never done; it takes some seconds then."""
        self._send({"run": "", "what": "phase", "said": "preparing the compiled kernel"})
        from chainrule.points.data import double_moon
        from chainrule.points.training import train

        train(double_moon(8), iterations=2, hidden=2)
        self._send({"run": "", "what": "phase", "said": ""})

    def _send(self, values: dict[str, Any], content: bytes = b"") -> None:
        self._pipe.send_bytes(packed(values, content))
