"""dy where y lies between two bounds, else 0: the derivative of ReLU and ReLU6."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from chainrule.blocks.kernels import in_parts
from chainrule.blocks.kernels.memory import further
from chainrule.io.compiled import compiled
from chainrule.io.pointers import address

_BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}


def between(dy: Tensor, y: Tensor, high: float) -> Tensor:
    """dy where 0 < y < high, else 0 (also where y is NaN); `high` may be infinite: 0 < y then.

    Positive numbers are in the order of their bits read as whole numbers, and negative ones are
    negative as these: so one loop serves every floating-point type.
    """
    last = y.is_contiguous(memory_format=torch.channels_last) and not y.is_contiguous()
    layout = torch.channels_last if last else torch.contiguous_format
    kind, bound = _BITS[y.dtype.itemsize], bound_of(high, y.dtype)
    y, dy = (t.detach().contiguous(memory_format=layout) for t in (y, dy.to(y.dtype)))
    dx = torch.empty_like(y)
    flat = [_in_memory_order(t, last).view(kind).numpy() for t in (dy, y, dx)]
    in_parts(y.numel(), y.numel(), lambda begin, end: pass_between(*flat, bound, begin, end))
    return dx


@cache
def bound_of(high: float, dtype: torch.dtype) -> Any:
    """The bits of `high`, for `pass_between`; where it is infinite, those of what follows it.

    Infinity itself is above 0, and what follows are the NaN.
    """
    bits = torch.tensor([high], dtype=dtype).view(_BITS[dtype.itemsize]).numpy()[0]
    return bits + bits.dtype.type(high == torch.inf)


def _in_memory_order(x: Tensor, channels_last: bool) -> Tensor:
    return (x.permute(0, 2, 3, 1) if channels_last else x).reshape(-1)


@compiled
def pass_between(dy, y, dx, bound, begin, end):  # type: ignore[no-untyped-def]
    """dx = dy where the bits of y lie between 0 and `bound`, else 0; all as whole numbers."""
    given, output, found = (
        further(address(dy), begin),
        further(address(y), begin),
        further(address(dx), begin),
    )
    for i in range(end - begin):
        found[i] = given[i] if (output[i] > 0) & (output[i] < bound) else 0
