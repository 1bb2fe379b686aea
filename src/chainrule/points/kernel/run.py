"""The steps and both counts, block by block.

    a block of steps:  take them all, and keep every state            trajectory.py
                       the box of the parameters in each 32 steps     box.py
                       what rounding can do in this block             rounding.py
                       screen all points with the box of the block    screening.py
    each 32 steps:     screen the active points with their own box    screening.py
                       count what is active still, step by step       counting.py

A vote is +1 for a positive point and -1 for a negative one. All positive points are wrong until
their output is positive; so wrong = (the votes of all positive points) - (the votes of all points
with a positive output).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.errors import InputError
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address
from chainrule.points.kernel.box import extremes, join, make_box
from chainrule.points.kernel.counting import count_active
from chainrule.points.kernel.data import arrange
from chainrule.points.kernel.frozen import count_frozen
from chainrule.points.kernel.lanes import POINTS, STEPS
from chainrule.points.kernel.memory import allocate, point_to
from chainrule.points.kernel.rounding import set_margins
from chainrule.points.kernel.screening import keep, screen
from chainrule.points.kernel.step import pack, sizes_of, unpack
from chainrule.points.kernel.tally import ACTIVE_IN_BLOCKS, BLOCKS, LENGTH
from chainrule.points.kernel.trajectory import finite_slots, take_steps

# Long blocks screen all points seldom, short ones keep few points active. `chainrule bench points`
# shows the time of a quarter to four times as many steps: it is flat here.
BLOCK = 1024
MOST_POINTS = 1 << 24
_MOST_NUMBERS = 1 << 20  # in the states of a block: 8 MB


def sgd_with_errors(
    W_in: Any, b_in: Any, w_out: Any, b_out: Any, X: Any, y: Any, order: Any, learning_rate: float,
    points: Any, labels: Any, train_wrong: Any, other_wrong: Any,
) -> int:  # fmt: skip
    """Take the same steps as `sgd_steps`, and count both errors after each.

    points (d, N) and labels (N,): the n training points, then the validation points.
    train_wrong, other_wrong (T,) int32: the number of wrong ones after each step, filled here.
    Returns -1, or the step at which a number was no longer finite (counts before it are valid).
    Raises InputError if there are more than 2^24 points: votes are added up in float32.
    """
    if len(labels) > MOST_POINTS:
        raise InputError(f"{len(labels):,} points; expected at most {MOST_POINTS:,}")
    failed = sgd_in_blocks(
        W_in, b_in, w_out, b_out, X, y, order, learning_rate, points, labels,
        train_wrong, other_wrong, axes_of(len(points)), BLOCK, np.zeros(LENGTH, np.int64),
    )  # fmt: skip
    return int(failed)


def axes_of(features: int) -> Any:
    """What `sgd_in_blocks` takes: its loops over two features are compiled for two, else for any.

    Most points have two. A number of features that is known makes it about a tenth faster.
    """
    return (0, 0) if features == 2 else features


@compiled
def sgd_in_blocks(  # type: ignore[no-untyped-def]
    W_in, b_in, w_out, b_out, X, y, order, learning_rate, points, labels,
    train_wrong, other_wrong, axes, block, tally,
):  # fmt: skip
    """`sgd_with_errors` in blocks of about `block` steps; axes: see `features`, tally: tally.py."""
    sizes = sizes_of(len(W_in), axes)
    data = arrange(points, labels, len(y))
    block = min(block, len(order), max(_MOST_NUMBERS // sizes.state, 1))
    block = -(-block // STEPS) * STEPS
    memory = allocate(sizes, data.size, block)
    pack(W_in, b_in, w_out, memory.states, sizes)
    memory.b_out[0] = b_out[0]
    slot, failed = _run(
        memory, data, sizes, X, y, order, learning_rate, train_wrong, other_wrong, block, tally
    )
    unpack(memory.states, slot, W_in, b_in, w_out, sizes)
    b_out[0] = memory.b_out[slot]
    return failed


@njit(nogil=True)
def _run(  # type: ignore[no-untyped-def]
    memory, data, sizes, X, y, order, learning_rate, train_wrong, other_wrong, block, tally
):
    """All steps. Returns the slot of the last state, and the step that failed or -1."""
    work = point_to(memory, data, sizes, tally)
    way, H, x = work.way, work.room.H, address(X)
    slot = 0
    for start in range(0, len(order), block):
        if start:  # go on from the last state of the block before
            for k in range(sizes.state):
                way.states[k] = way.states[slot * sizes.state + k]
            way.b_out[0] = way.b_out[slot]
        wanted = min(block, len(order) - start)
        taken = take_steps(way, sizes, H, work.centre, x, y, order, start, wanted, learning_rate)
        count = min(taken, max(finite_slots(way, sizes, taken) - 1, 0))
        if count > 0:
            _count_block(work, start, count, train_wrong, other_wrong)
        slot = min(count + 1, taken)
        if count < wanted:
            return slot, start + count
    return slot, -1


class Part(NamedTuple):
    """Some steps of a block: the number of their box, the slot after the first of them, how many
    they are, and the number of the first in the run."""

    box: int
    slot: int
    length: int
    at: int


@njit(nogil=True)
def _count_block(work, start, count, train_wrong, other_wrong):  # type: ignore[no-untyped-def]
    """Both errors after each of `count` steps, whose states are in the slots 1, 2, ..."""
    boxes = -(-count // STEPS)
    block = Part(boxes, 1, count, start)
    for box in range(boxes):
        extremes(work, _part(block, box))
    join(work, boxes)
    margins = set_margins(work, block)
    n = screen(work.points, work.size, make_box(work, block, margins), work)
    size = keep(work.points, n, work)
    work.tally[BLOCKS] += 1
    work.tally[ACTIVE_IN_BLOCKS] += size
    train = work.train_positives - _sum(work.sums, 0)
    other = work.other_positives - _sum(work.sums, POINTS)
    if count_frozen(work, block, work.active, size, train, other, train_wrong, other_wrong):
        return
    for box in range(boxes):
        part = _part(block, box)
        if count_frozen(work, part, work.active, size, train, other, train_wrong, other_wrong):
            continue
        # where a number of the block is beyond float32, those of these steps may not be
        own = margins if margins.constant < np.inf else set_margins(work, part)
        n = screen(work.active, size, make_box(work, part, own), work)
        rest, other_rest = train - _sum(work.sums, 0), other - _sum(work.sums, POINTS)
        count_active(work, part, n, own)
        for t in range(part.length):
            train_wrong[part.at + t] = np.int32(rest - work.totals[t])
            other_wrong[part.at + t] = np.int32(other_rest - work.totals[STEPS + t])


@njit(nogil=True, forceinline=True)
def _part(block, box):  # type: ignore[no-untyped-def]
    """The steps of a box of 32."""
    first = box * STEPS
    return Part(box, block.slot + first, min(STEPS, block.length - first), block.at + first)


@njit(nogil=True, forceinline=True)
def _sum(sums, at):  # type: ignore[no-untyped-def]
    """The sum of 16 lanes; exact, as they hold whole numbers."""
    total = 0.0
    for lane in range(at, at + POINTS):
        total += sums[lane]
    return total
