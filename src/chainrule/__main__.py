"""The command `chainrule`, which is `python -m chainrule` too."""

import os
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line; while it is being loaded, a stop ends it with its one line, too."""
    before = {
        number: signal.signal(number, _stop)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    from chainrule.cli import main as run

    for number, handler in before.items():
        signal.signal(number, handler)
    run()


def _stop(number: int, _: Any) -> None:
    if sys.stderr is not None:
        sys.stderr.write("chainrule: stopped\n")
        sys.stderr.flush()
    os._exit(128 + number)


if __name__ == "__main__":
    main()
