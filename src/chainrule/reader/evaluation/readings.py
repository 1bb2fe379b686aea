"""What a reader made of pictures, and how long it took."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chainrule.io.pictures import PictureSource

Pictures = Sequence[PictureSource]


@dataclass(frozen=True)
class Reading:
    """The texts of pictures, in order, and the seconds that it took."""

    texts: Sequence[str]
    seconds: float


Read = Callable[[Pictures, Sequence[str]], Reading]
"""Pictures and their true texts (for those who may choose the best of several) to a Reading."""


def timed(texts: Callable[[Pictures], Sequence[str]]) -> Read:
    """A function from pictures to texts, with a clock; up to a hundred are read once before."""

    def read(pictures: Pictures, _: Sequence[str]) -> Reading:
        texts(pictures[:100])
        started = time.perf_counter()
        found = texts(pictures)
        return Reading(found, time.perf_counter() - started)

    return read
