"""Many crops through a network: batches of about equally wide ones, of few shapes.

A shape that was not there before takes the library as long as some ten lines to prepare for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from chainrule.io.compiled import compiled
from chainrule.reader.lines.network import frames
from chainrule.reader.lines.ready import Crops
from chainrule.reader.picture.line_image import HEIGHT

BATCH = 32  # crops that go through the network together
_LINES = (1, 4, 8, 16, 24, BATCH)  # a batch has one of these numbers of lines
COLUMNS = 32
"""The width of a batch is a multiple of these: what learns to read sees paper at the right, too."""
_PREPARED = 1024  # columns, at most
_A_BATCH = 400  # columns of one line, in whose time a batch is set about
_ROOM = np.array([next(lines for lines in _LINES if lines >= n) for n in range(BATCH + 1)])

_A = TypeVar("_A")
_B = TypeVar("_B")


class Network(Protocol):
    """What gives the scores (N, classes, 1, frames) of crops, filled up with paper to a width."""

    def apply(self, crops: Crops, width: int) -> Tensor: ...


class Each(Protocol):
    """What applies a function to each of some items, in order: `map`, or an executor's."""

    def __call__(self, function: Callable[[_A], _B], items: Iterable[_A], /) -> Iterator[_B]: ...


def prepare(network: Network) -> None:
    """Prepare all shapes of crops of up to _PREPARED columns."""
    for width in range(COLUMNS, _PREPARED + 1, COLUMNS):
        crop = np.zeros((HEIGHT, width), np.float32)
        for lines in _LINES:
            network.apply([crop] * lines, width)


def batches(widths: Sequence[int]) -> list[list[int]]:
    """The places of crops of these widths in the batches that cost least; the widest first.

    A batch costs its columns, those filled up included, and _A_BATCH more.
    """
    order = np.argsort(widths, kind="stable")[::-1]
    columns = np.array(widths, np.int64)[order]
    ends = _cheapest(columns + -columns % COLUMNS, _ROOM, _A_BATCH).tolist()
    found, first = [], 0
    while first < len(order):
        found.append(order[first : ends[first]].tolist())
        first = ends[first]
    return found


@compiled
def _cheapest(columns, room, a_batch):  # type: ignore[no-untyped-def]
    """Where the batch ends that begins at each place of crops in order, the widest first.

    The crops from place i on cost, at least, the cheapest of the batches that begin there,

        cost_i = min_n  a_batch + room_n columns_i + cost_{i + n}

    with room_n the lines of the batch that holds n of them.
    """
    count = len(columns)
    cost, ends = np.zeros(count + 1), np.zeros(count, np.int64)
    for i in range(count - 1, -1, -1):
        cost[i] = np.inf
        for n in range(1, min(len(room), count - i + 1)):
            here = a_batch + room[n] * columns[i] + cost[i + n]
            if here <= cost[i]:  # of several alike, the largest first
                cost[i], ends[i] = here, i + n
    return ends


def log_probabilities(network: Network, crops: Crops) -> tuple[NDArray[np.float32], list[int]]:
    """The logarithms of the classes' probabilities (N, T, K) at each frame of a batch of crops,
    and how many frames each has; the later ones are of the paper beside it."""
    widths = [crop.shape[1] for crop in crops]
    spare = _ROOM[len(crops)] - len(crops)  # lines whose scores are dropped
    scores = network.apply([*crops, *[crops[0]] * spare], max(widths) + -max(widths) % COLUMNS)
    log_p = scores[:, :, 0].mT.log_softmax(2).numpy()  # by frame, as they lie
    return log_p[: len(crops)], [frames(width) for width in widths]
