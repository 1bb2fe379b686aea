"""The compiled kernel: per-sample SGD with both error counts exact after every step.

`docs/derivations/exact-counting.md` derives it; `reference.py` is the same in plain NumPy. In the
order in which it is best read:

    step.py         one SGD step, eight hidden units side by side
    trajectory.py   a block of steps, taken ahead of the counts
    box.py          the smallest and the largest that each parameter was
    screening.py    interval arithmetic over the box: which points can change sign
    rounding.py     what rounding can do to all of this
    counting.py     the points that can, step by step
    frozen.py       when only b_out moves
    run.py          all together
    data.py         the points as the kernel keeps them
    memory.py       what it works in
    tally.py        how much of what it did
    lanes.py        vector registers for compiled code
"""

from chainrule.points.kernel.run import sgd_with_errors
from chainrule.points.kernel.step import sgd_steps

__all__ = ["sgd_steps", "sgd_with_errors"]
