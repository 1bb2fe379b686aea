"""Steps in which nothing but b_out moves: all hidden units are dead, or all margins are huge.

Then y_hat = s + b_out with a sum s that each point keeps, and y_hat > 0 just where s > -b_out: a
float64 sum of two numbers is 0 only if it is so exactly. Of the points at which that changes few
have different s (where no unit is active s = 0), and the votes are summed up once for each s.
"""

import numpy as np
from numba import njit

from chainrule.points.kernel.step import features, output
from chainrule.points.kernel.tally import FROZEN

# Room for different sums. With more of them the steps are counted as all others are.
MOST_SUMS = 16


@njit(nogil=True)
def count_frozen(work, part, points, size, train, other, train_wrong, other_wrong):  # type: ignore[no-untyped-def]
    """Count some steps if the hidden network is frozen in them. Returns whether that was done.

    train, other: the wrong points of both kinds if none of the `size` points were positive.
    """
    if not _is_frozen(work, part):
        return False
    b_out, table = work.way.b_out, work.table
    least = most = b_out[part.slot]
    for slot in range(part.slot + 1, part.slot + part.length):
        least, most = min(least, b_out[slot]), max(most, b_out[slot])
    n = 0
    for i in range(size):
        example = points.place[i] * features(work.sizes.axes)
        s = output(
            work.way.states, part.slot * work.sizes.state, 0.0, work.room.H, work.sizes,
            work.exact, example,
        )  # fmt: skip
        if s > -least:  # positive in all steps
            train -= points.votes[i]
            other -= points.votes[points.length + i]
        elif s > -most:
            k = 0
            while k < n and table[k] != s:
                k += 1
            if k == MOST_SUMS:
                return False
            if k == n:
                table[k], table[MOST_SUMS + k], table[2 * MOST_SUMS + k] = s, 0.0, 0.0
                n += 1
            table[MOST_SUMS + k] += points.votes[i]
            table[2 * MOST_SUMS + k] += points.votes[points.length + i]
    for t in range(part.length):
        rest, other_rest = train, other
        for k in range(n):
            if table[k] > -b_out[part.slot + t]:
                rest -= table[MOST_SUMS + k]
                other_rest -= table[2 * MOST_SUMS + k]
        train_wrong[part.at + t], other_wrong[part.at + t] = np.int32(rest), np.int32(other_rest)
    work.tally[FROZEN] += part.length
    return True


@njit(nogil=True)
def _is_frozen(work, part):  # type: ignore[no-untyped-def]
    """Is the hidden network the same, to the last bit, after each of these steps?"""
    stride, n = work.way.stride, work.sizes.state
    for k in range(part.box * stride, (part.box + 1) * stride):  # most often they tell at once
        if work.low[k] != work.high[k]:
            return False
    for slot in range(part.slot + 1, part.slot + part.length):
        for k in range(n):
            if work.way.states[slot * n + k] != work.way.states[part.slot * n + k]:
                return False
    return True
