"""The real command line, each command in a process of its own that need not import the libraries.

Importing PyTorch, scikit-learn and Numba takes some seconds of a processor, and the tests run
the command line some hundred times. So one process imports them once, and each command runs in a
copy of it (a fork): only the libraries are in it, `chainrule` is imported by each command anew.
All copies have the hash seed of that process: of two runs that are compared, one is `run_anew`.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

LIBRARIES = (
    "cv2", "matplotlib.figure", "matplotlib.backends.backend_agg", "numba", "PIL.Image",
    "rich.progress", "scipy.stats", "sklearn.svm", "sympy", "torch", "typer", "typer._adapters",
)  # fmt: skip
# not read by these libraries as they are imported, or set by them; a copy has its own path
_OTHERS = (
    "PYTEST_", "XDG_CACHE_HOME", "HF_", "KMP_", "QT_", "RAY_", "LD_LIBRARY_PATH", "PYTHONPATH",
    "PYTHONBREAKPOINT", "TORCHINDUCTOR_CACHE_DIR", "CHAINRULE_",  # set by Ray, PyTorch, ourselves
)  # fmt: skip


def run_anew(*arguments, cwd=None, timeout=1200):
    """Run `chainrule` in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-m", "chainrule", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        check=False,
    )


def _environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(_OTHERS)}


class Copies:
    """Starts commands as copies of a process that has imported the libraries."""

    def __init__(self):
        self._process = None
        self._environment = _environment()

    def run(self, *arguments, cwd=None, timeout=1200):
        """As `run_anew`, which it is where the environment has changed."""
        if sys.platform != "linux" or _environment() != self._environment:
            return run_anew(*arguments, cwd=cwd, timeout=timeout)
        if self._process is None:
            self._start()
        arguments = list(map(str, arguments))
        asked = json.dumps([str(cwd or Path.cwd()), dict(os.environ), arguments]).encode()
        reads, writes = zip(os.pipe(), os.pipe(), strict=True)
        socket.send_fds(self._connection, [asked], writes)
        for end in writes:
            os.close(end)
        pid = self._answer()
        late = threading.Timer(timeout, os.kill, (pid, signal.SIGKILL))
        late.start()
        said = ["", ""]

        def read(which):
            with os.fdopen(reads[which], encoding="utf-8") as stream:
                said[which] = stream.read()

        readers = [threading.Thread(target=read, args=(which,)) for which in range(2)]
        for reader in readers:
            reader.start()
        code = self._answer()
        late.cancel()
        for reader in readers:
            reader.join()
        return subprocess.CompletedProcess(["chainrule", *arguments], code, *said)

    def _start(self):
        self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(other.fileno())],
                pass_fds=[other.fileno()],
                stdout=subprocess.PIPE,  # pipes, as the streams of its copies will be
                stderr=subprocess.PIPE,
            )

    def _answer(self):
        answer = self._connection.recv(100)
        if not answer:
            raise RuntimeError(f"what is copied has ended: {self._process.communicate()[1]}")
        return int(answer)

    def close(self):
        """End the process that is copied."""
        if self._process is not None:
            self._connection.close()
            self._process.communicate()


def _in_a_copy(connection):
    """Answer requests, each by a copy of this process: return in the copy, with what was asked."""
    while True:
        asked, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
        if not asked:
            sys.exit()
        pid = os.fork()
        if pid == 0:
            connection.close()
            return json.loads(asked), streams
        for stream in streams:
            os.close(stream)
        connection.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _serve(connection):
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tests' end is its end
    del sys.path[0]  # the tests' folder
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # not all of them are installed
            importlib.import_module(name)
    if numba := sys.modules.get("numba"):
        numba.njit(lambda value: value)(0.0)  # what it first looks up takes as long as an import
    gc.freeze()
    (folder, environment, arguments), streams = _in_a_copy(connection)
    signal.signal(signal.SIGINT, interrupt)
    for stream, place in zip(streams, (1, 2), strict=True):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    path = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [str(Path.cwd()), *filter(None, path)]
    sys.argv = ["-m", *arguments]
    runpy.run_module("chainrule", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
