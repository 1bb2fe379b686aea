"""A submission's process, from outside: cells to run and calls to make, each with a time limit."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import chainrule
from chainrule.errors import InputError
from chainrule.io.temporary import temporary_folder
from chainrule.practical.notebooks import wire
from chainrule.practical.notebooks.grading.child import CANNOT_CONFINE

_CHILD = "chainrule.practical.notebooks.grading.child"
_START_SECONDS = 300.0
_END_SECONDS = 5.0
_PART = 1 << 16


@dataclass(frozen=True)
class Limits:
    """What a submission's process may take: seconds a cell or task, bytes of memory.

    confined: whether it must be in namespaces of its own, without network and files.
    """

    seconds: float = 20.0
    memory: int = 4 << 30
    confined: bool = True


class Ended(Exception):  # noqa: N818 (nothing went wrong here)
    """The process is no more: the text says how it ended."""


class Session:
    """One process for one notebook; a context manager that leaves nothing behind.

    Raises InputError where the system has no namespaces and the limits ask for them.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept = contextlib.ExitStack()
        self._folder = str(self._kept.enter_context(temporary_folder()))
        self._unread = b""
        root = self._folder if limits.confined else "-"
        arguments = [root, str(limits.memory), str(int(20 * limits.seconds) + 60)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", _CHILD, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(self._folder, limits.confined),
            cwd=self._folder,
            start_new_session=True,
        )
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except Ended as error:
            code = self._process.wait()
            self.close()
            if code == CANNOT_CONFINE:
                raise InputError(
                    f"this system has no namespaces for the submissions ({error}); expected Linux "
                    "that lets a user make them, or --unconfined in a container of its own"
                ) from error
            raise InputError(
                f"a process for submissions cannot be started ({error}); expected the extra "
                "chainrule[practical], and enough --memory for Python and NumPy"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, cell: str) -> dict[str, Any] | None:
        """Run a cell; give what it raised, as `failure.describe` has it. Raises Ended."""
        return self._ask({"cell": cell}, self._limits.seconds)[0]

    def call(
        self, name: str, arguments: Sequence[Any], seconds: float
    ) -> tuple[dict[str, Any] | None, Any, list[Any]]:
        """Call a function: what it raised, its value, the arguments after it. Raises Ended."""
        return self._ask({"call": name, "arguments": list(arguments)}, seconds)

    def close(self) -> None:
        """End the process, and all that it started, and remove its folder."""
        self._process.terminate()  # the one that waits for the namespace's first then kills it
        try:
            self._process.wait(_END_SECONDS if self._limits.confined else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with contextlib.suppress(OSError):  # without namespaces, what it has started
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was still to be sent
                    continue
        self._kept.close()

    def _ask(self, request: Any, seconds: float) -> tuple[dict[str, Any] | None, Any, list[Any]]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(wire.dump(request))
            self._process.stdin.flush()
        except OSError as gone:
            raise Ended("it ended its process") from gone
        reply = self._receive(time.monotonic() + seconds)
        error, kept = reply.get("error"), reply.get("arguments")
        return (
            error if isinstance(error, dict) else None,
            reply.get("value"),
            kept if isinstance(kept, list) else [],
        )

    def _receive(self, until: float) -> dict[str, Any]:
        """One line of the process's. Raises Ended: when time is up, too."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise Ended("it was not done when its time was up")
                part = os.read(self._process.stdout.fileno(), _PART)
                if not part:
                    raise Ended(self._unread.decode("utf-8", "replace") or "it ended its process")
                self._unread += part
                if len(self._unread) > wire.LONGEST:
                    raise Ended("its answer is too long")
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            reply = wire.load(line)
        except wire.WireError as error:
            raise Ended("its answer is no value") from error
        if not isinstance(reply, dict):
            raise Ended("its answer is no value")
        return reply


def _import_path() -> list[str]:
    """Where Python imports from here, but for the current folder, in which submissions may lie."""
    ours = str(Path(chainrule.__file__).parents[1])
    others = [path for path in sys.path if Path(path).is_dir() and Path(path) != Path.cwd()]
    return list(dict.fromkeys([*(path for path in others if path not in ("", ".")), ours]))


def _environment(folder: str, confined: bool) -> dict[str, str]:
    from chainrule.practical.notebooks.grading.confine import WORK

    home = WORK if confined else folder
    one = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LANG") if name in os.environ}
    return {
        **kept,
        **dict.fromkeys(one, "1"),
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(_import_path()),
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": home,
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": home,
        "NUMBA_CACHE_DIR": home,
    }
