"""A port for a process that is still to start."""

import contextlib
import random
import socket


def free_port():
    """One that nobody has, and that nobody gets who asks the system for any: those lie above."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(20_000, 30_000)  # Ray's own lie below
        with contextlib.suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
