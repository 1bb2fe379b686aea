"""Digits of five by seven dots, as character displays have them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from chainrule.glyphs.looks.canvas import Ink, Rng

DOTS = {  # seven rows from the top, five dots each, the left one is the highest bit
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (14, 17, 1, 6, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12), "-": (0, 0, 0, 31, 0, 0, 0), ".": (0, 0, 0, 0, 0, 12, 12),
    ":": (0, 12, 12, 0, 12, 12, 0), " ": (0, 0, 0, 0, 0, 0, 0),
}  # fmt: skip
_PLAIN_ZERO = (14, 17, 17, 17, 17, 17, 14)
Bits = NDArray[np.uint8]

_CELL = 6  # pixels a dot and the gap beside it


def dot_ink(text: str, rng: Rng) -> tuple[Ink, Ink]:
    """A text of DOTS: the dots that are there, and those that are not, each a little square.

    How large they are is drawn, how wide they stand, and whether a zero has its slash.
    """
    plain = rng.random() < 0.6
    size = int(rng.integers(4, _CELL + 1))
    across = rng.uniform(0.8, 1.15)
    rows = [_PLAIN_ZERO if plain and c == "0" else DOTS[c] for c in text]
    bits = np.array(rows, np.uint8)[:, :, None] >> np.arange(4, -1, -1) & 1  # (n, 7, 5)
    on = np.pad(bits, ((0, 0), (0, 0), (0, 1))).transpose(1, 0, 2).reshape(7, -1)[:, :-1]
    known = np.ones_like(on)
    known[:, 5::6] = 0
    dot = np.zeros((_CELL, _CELL), np.float32)
    dot[:size, :size] = 1
    end = _CELL - size

    def drawn(part: Bits) -> Ink:
        ink = np.kron(part, dot)[: len(part) * _CELL - end, : part.shape[1] * _CELL - end]
        wide = max(1, round(across * ink.shape[1]))
        return np.asarray(cv2.resize(ink, (wide, len(ink))), np.float32)

    return drawn(on), drawn(known - on)
