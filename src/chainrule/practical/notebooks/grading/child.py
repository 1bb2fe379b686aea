"""The process in which a submission's code runs: it is told cells and calls, and answers values.

Whatever the code does to this process, its answers are no more than values to the one that asks.
Arguments: a folder for the root ("-": no namespaces), bytes of memory, seconds of processor time.
"""

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.practical.notebooks.failure import describe
from chainrule.practical.notebooks.grading.confine import confine, limit, readable_folders

CANNOT_CONFINE = 3
"""With what the process ends where the system has no namespaces for it."""


def main() -> int:
    root, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    requests, replies = _own_streams()
    if root != "-":
        try:
            confine(Path(root), readable_folders())
        except OSError as error:
            replies.write(f"{error.strerror}\n".encode())
            replies.flush()
            return CANNOT_CONFINE
    limit(memory, seconds)
    _Kernel(requests, replies).serve()
    return 0


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output for ourselves; the code gets the null device for both."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return requests, replies


class _Kernel:
    """IPython's shell as a notebook has it, without history, display and files of its own."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        from chainrule.practical.notebooks import wire

        self._wire, self._requests, self._replies = wire, requests, replies
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.xmode = "Minimal"

        class Shell(InteractiveShell):
            def enable_gui(self, gui: Any = None) -> None:
                """There is no screen, and `%matplotlib inline` is no mistake."""

        self._shell: Any = Shell.instance(config=config)

    def serve(self) -> None:
        """Answer until there are no more requests."""
        self._reply({"ready": True})
        while line := self._requests.readline():
            request = self._wire.load(line)
            self._reply(self._run(request) if "cell" in request else self._call(request))

    def _reply(self, value: dict[str, Any]) -> None:
        self._replies.write(self._wire.dump(value))
        self._replies.flush()

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        result = self._shell.run_cell(request["cell"], store_history=False, silent=True)
        error = result.error_before_exec or result.error_in_exec
        return {"error": None if error is None else describe(error)}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["call"]
        function = self._shell.user_ns.get(name)
        if not callable(function):
            return {"error": {"type": "NameError", "text": f"there is no function {name}"}}
        arguments = [self._given(value) for value in request["arguments"]]
        try:
            value = function(*arguments)
        except BaseException as error:
            return {"error": describe(error)}
        kept = [None if callable(argument) else argument for argument in arguments]
        return {"error": None, "value": value, "arguments": kept}

    def _given(self, value: Any) -> Any:
        if isinstance(value, self._wire.Code):
            return eval(value.text, {"np": sys.modules["numpy"]})
        return value


if __name__ == "__main__":
    sys.exit(main())
