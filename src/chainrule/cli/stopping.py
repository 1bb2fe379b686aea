"""Signals that stop a command: SIGTERM as Ctrl-C, and neither of them lost."""

import _thread
import signal
import sys
import threading
from typing import Any, NoReturn


def end_as_ctrl_c(number: signal.Signals) -> list[int]:
    """Have a signal stop the run as Ctrl-C does; give a list that then holds it.

    In what a library calls back (Numba's compiler does) Python cannot raise: it would print the
    interrupt and go on. Then it comes again a moment later.
    """
    ended: list[int] = []

    def stop(found: int, _: Any) -> NoReturn:
        ended.append(found)
        raise KeyboardInterrupt

    printed = sys.unraisablehook

    def unraisable(found: "sys.UnraisableHookArgs") -> None:
        if not issubclass(found.exc_type, KeyboardInterrupt):
            printed(found)
            return
        again = number if ended else signal.SIGINT
        timer = threading.Timer(0.1, _interrupt, (again,))
        timer.daemon = True
        timer.start()

    signal.signal(number, stop)
    sys.unraisablehook = unraisable
    return ended


def forget_ctrl_c() -> None:
    """Let the exit code be ours.

    `python -m` ends itself by SIGINT, whatever the code, after a Ctrl-C in what was compiled from a
    text, as dataclasses and Numba do it, until something else is run from a text.
    """
    exec("")


def _interrupt(number: signal.Signals) -> None:
    """Send it to the main thread, and wake that where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(number)
