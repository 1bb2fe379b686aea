"""Sums of two maps, with the ReLU behind them: y = max(low, x + more).

low is 0 with a ReLU and minus infinity without. Numbers are float32 or bfloat16 (as uint16).
"""

from chainrule.blocks.kernels.numbers import number, put
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address


@compiled
def add(x, more, y, low):  # type: ignore[no-untyped-def]
    """y = max(low, x + more), all in one dimension; NaN stays."""
    px, pmore, py = address(x), address(more), address(y)
    for i in range(x.size):
        total = number(px, i) + number(pmore, i)
        put(py, i, low if total < low else total)
