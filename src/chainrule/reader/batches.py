"""Many strips through a network: batches of about equally wide ones, of few shapes.

A shape that was not there before takes the library as long as some ten lines to prepare for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.reader.ctc_network import frames
from chainrule.reader.inference import Strips
from chainrule.reader.picture import HEIGHT

BATCH = 32  # strips that go through the network together
_COLUMNS, _LINES = 32, (1, 4, 8, 16, 24, BATCH)  # a batch has a multiple, and one of these numbers
_PREPARED = 1024  # columns, at most
_APART = 1.5  # strips in a batch differ in width by at most this factor

_A = TypeVar("_A")
_B = TypeVar("_B")


class Network(Protocol):
    """What gives the scores (N, classes, 1, frames) of strips, filled up with paper to a width."""

    def apply(self, strips: Strips, width: int) -> Tensor: ...


class Each(Protocol):
    """What applies a function to each of some items, in order: `map`, or an executor's."""

    def __call__(self, function: Callable[[_A], _B], items: Iterable[_A], /) -> Iterator[_B]: ...


def prepare(network: Network) -> None:
    """Prepare all shapes of strips of up to _PREPARED columns."""
    for width in range(_COLUMNS, _PREPARED + 1, _COLUMNS):
        strip = np.zeros((HEIGHT, width), np.float32)
        for lines in _LINES:
            network.apply([strip] * lines, width)


def batches(widths: Sequence[int]) -> list[list[int]]:
    """The places of strips of these widths in batches; the widest, which take longest, first."""
    found: list[list[int]] = []
    for place in np.argsort(widths, kind="stable")[::-1].tolist():
        last = found[-1] if found else []
        if last and len(last) < BATCH and widths[last[0]] <= _APART * widths[place]:
            last.append(place)
        else:
            found.append([place])
    return found


def log_probabilities(network: Network, strips: Strips) -> tuple[NDArray[np.float32], list[int]]:
    """The logarithms of the classes' probabilities (N, T, K) at each frame of a batch of strips,
    and how many frames each has; the later ones are of the paper beside it."""
    widths = [strip.shape[1] for strip in strips]
    lines = next(lines for lines in _LINES if lines >= len(strips))
    filled = [*strips, *[strips[0]] * (lines - len(strips))]  # their scores are dropped
    scores = network.apply(filled, max(widths) + -max(widths) % _COLUMNS)
    log_p = scores[:, :, 0].mT.log_softmax(2).numpy()  # by frame, as they lie
    return log_p[: len(strips)], [frames(width) for width in widths]
