"""Loops over all parameters at once."""

from torch import Tensor

from chainrule.blocks.kernels.memory import further
from chainrule.blocks.kernels.numbers import bits, number
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address


def add_up(parts: Tensor, total: Tensor) -> None:
    """total = the sum of parts (threads, numbers), in float32."""
    _add_up(bits(parts), total.numpy())


@compiled
def _add_up(parts, total):  # type: ignore[no-untyped-def]
    threads, size = parts.shape
    first, found = address(parts), address(total)
    for i in range(size):
        found[i] = number(first, i)
    for part in range(1, threads):
        more = further(first, part * size)
        for i in range(size):
            found[i] += number(more, i)
