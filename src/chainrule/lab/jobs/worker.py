"""A worker process of the lab, as the server sees it."""

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from chainrule.lab.jobs.frames import packed, unpacked

_PATIENCE = 1.0  # seconds to end by itself before it is killed


class Worker:
    """A process that runs `main(pipe)` until it is told to end, or ends by itself.

    heard(values, content) is called in the event loop for each message of the process, ended() when
    the process is no more, unless `end` was called. The loop must be running. has_children: whether
    it starts processes of its own, which end with it.
    """

    def __init__(
        self,
        main: Callable[[Connection], None],
        heard: Callable[[dict[str, Any], bytes], None],
        ended: Callable[[], None],
        *,
        has_children: bool = False,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_begin, args=(main, theirs), daemon=not has_children)
        self._process.start()
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._heard, self._ended = heard, ended
        self._is_wanted = True
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return int(self._process.pid or 0)

    def send(self, values: dict[str, Any], content: bytes = b"") -> None:
        """Give the process a message; one that has ended gets none."""
        with self._sending, contextlib.suppress(OSError):  # _listen finds out, and says so
            self._pipe.send_bytes(packed(values, content))

    def end(self) -> None:
        """Stop the process, whatever it does."""
        self._is_wanted = False
        self._process.terminate()

    def join(self) -> None:
        """Wait until the process is no more; kill it if it does not end."""
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv_bytes()
                self._call(self._heard, *unpacked(message))
        except (EOFError, OSError):
            pass
        self._process.join()
        if self._is_wanted:
            self._call(self._ended)

    def _call(self, function: Callable[..., None], *values: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *values)
        except RuntimeError:
            self._is_wanted = False  # the loop is closed: nobody listens any more


def _begin(main: Callable[[Connection], None], pipe: Connection) -> None:
    from chainrule.io.workers import begin_worker

    begin_worker()
    main(pipe)
