"""Memory that a process has freed and still holds."""

import ctypes


def give_memory_back() -> None:
    """Give what was freed back to the system, where the C library can (glibc's `malloc_trim`).

    A heap keeps freed pages for its next use; where the next use takes other sizes, they count
    twice.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
