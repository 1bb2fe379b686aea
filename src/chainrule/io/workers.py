"""Worker processes that end with the process that started them."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def begin_worker() -> None:
    """For the start of a worker process of `multiprocessing`.

    It ends when its parent is no more, whatever has ended that (a killed parent would leave it
    waiting for ever, with standard output open), and leaves Ctrl-C to its parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(parent: int) -> None:
    wait([parent])
    os._exit(1)
