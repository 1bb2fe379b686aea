"""The arrays that the kernel works in, and pointers to them.

Two tuples of the same memory: arrays are counted references and cost time wherever they are passed
on, pointers cost nothing and keep nothing alive.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.io.pointers import address
from chainrule.points.kernel.counting import Room
from chainrule.points.kernel.frozen import MOST_SUMS
from chainrule.points.kernel.lanes import POINTS, STEPS, UNITS
from chainrule.points.kernel.screening import Groups, Points
from chainrule.points.kernel.step import Sizes, features
from chainrule.points.kernel.trajectory import Trajectory


class Work(NamedTuple):
    """What all parts of a run share; all but sizes and the last three are pointers, or hold them.

    low, high, rows, radius, unit: of the boxes (box.py, rounding.py). points, active: all points,
    and the active ones of the block. chosen: see `keep`. sums, totals: votes by lane. table: see
    `count_frozen`. tally: see tally.py. exact, centre, reach, span, size and how many are positive:
    see `Data`.
    """

    sizes: Sizes
    way: Trajectory
    low: Any
    high: Any
    rows: Any
    radius: Any
    unit: Any
    points: Points
    active: Points
    groups: Groups
    chosen: Any
    room: Room
    sums: Any
    totals: Any
    table: Any
    tally: Any
    exact: Any
    centre: Any
    reach: Any
    span: Any
    size: int
    train_positives: float
    other_positives: float


class Memory(NamedTuple):
    """The arrays, named as the pointers to them."""

    states: Any
    b_out: Any
    narrow: Any
    narrow_b_out: Any
    low: Any
    high: Any
    rows: Any
    radius: Any
    unit: Any
    x: Any
    votes: Any
    place: Any
    first: Any
    active: Any
    always: Any
    ever: Any
    chosen: Any
    tile: Any
    linear: Any
    units: Any
    sign: Any
    H: Any
    sums: Any
    totals: Any
    table: Any


@njit(nogil=True)
def allocate(sizes, size, block):  # type: ignore[no-untyped-def]
    """Room for `size` points and blocks of `block` steps."""
    h, d = sizes.hidden, features(sizes.axes)
    slots, boxes = block + 1, block // STEPS + 1
    stride = -(-sizes.state // POINTS) * POINTS
    groups = size // POINTS + 2
    length = groups * POINTS
    single = np.float32
    return Memory(
        states=np.zeros(slots * sizes.state),
        b_out=np.zeros(slots),
        narrow=np.zeros((slots + STEPS) * stride, single),  # a tile reads 32 slots, always
        narrow_b_out=np.zeros(slots + STEPS, single),
        low=np.zeros(boxes * stride, single),
        high=np.zeros(boxes * stride, single),
        rows=np.zeros(6 * stride, single),
        radius=np.zeros(stride, single),
        unit=np.zeros(stride, single),
        x=np.zeros(d * length, single),
        votes=np.zeros(2 * length, single),
        place=np.zeros(length, np.int32),
        first=np.zeros(groups, np.int64),
        active=np.zeros(groups, np.int64),
        always=np.zeros(groups * h, np.uint16),
        ever=np.zeros(groups * h, np.uint16),
        chosen=np.zeros(length, np.int64),
        tile=np.zeros(sizes.state * STEPS, single),
        linear=np.zeros((d + 1) * STEPS, single),
        units=np.zeros(2 * (h + 1), np.int64),
        sign=np.zeros(STEPS, single),
        H=np.zeros(sizes.blocks * UNITS),
        sums=np.zeros(2 * POINTS, single),
        totals=np.zeros(2 * STEPS, single),
        table=np.zeros(3 * MOST_SUMS),
    )


@njit(nogil=True)
def point_to(m, data, sizes, tally):  # type: ignore[no-untyped-def]
    """The pointers into the memory `m` and the data, while the caller has both from its own."""
    return Work(
        sizes,
        Trajectory(
            address(m.states), address(m.b_out), address(m.narrow), address(m.narrow_b_out),
            len(m.radius),
        ),
        address(m.low), address(m.high), address(m.rows), address(m.radius), address(m.unit),
        Points(address(data.x), address(data.votes), address(data.place), len(data.place)),
        Points(address(m.x), address(m.votes), address(m.place), len(m.place)),
        Groups(address(m.first), address(m.active), address(m.always), address(m.ever)),
        address(m.chosen),
        Room(address(m.tile), address(m.linear), address(m.units), address(m.sign), address(m.H)),
        address(m.sums), address(m.totals), address(m.table), address(tally),
        address(data.exact), address(data.centre), address(data.reach), address(data.span),
        data.size, data.train_positives, data.other_positives,
    )  # fmt: skip
