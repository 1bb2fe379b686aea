"""Numbers in memory, for compiled code: float32 and float64 as they are, bfloat16 as its bits.

bfloat16 is the upper half of a float32. An array of it comes as uint16 (NumPy has no such type),
is computed in float32, and is rounded to the nearest, ties to even, when it is written.
"""

from typing import Any

import torch
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

_BITS, _SHORT, _FLOAT = ir.IntType(32), ir.IntType(16), ir.FloatType()
_NAN = 0x7FC0


def bits(x: Tensor) -> NDArray[Any]:
    """The tensor's memory as an array, bfloat16 as uint16."""
    array: NDArray[Any] = (x.view(torch.uint16) if x.dtype == torch.bfloat16 else x).numpy()
    return array


@intrinsic
def number(typingctx, pointer, i):  # type: ignore[no-untyped-def]
    """p[i], a bfloat16 as a float32."""
    narrow = pointer.dtype == types.uint16

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value = builder.load(builder.gep(arguments[0], [arguments[1]]))
        if not narrow:
            return value
        return builder.bitcast(builder.shl(builder.zext(value, _BITS), _BITS(16)), _FLOAT)

    return (types.float32 if narrow else pointer.dtype)(pointer, types.intp), generate


@intrinsic
def put(typingctx, pointer, i, value):  # type: ignore[no-untyped-def]
    """p[i] = value, rounded to bfloat16 where p holds it."""
    narrow = pointer.dtype == types.uint16
    kind = types.float32 if narrow else pointer.dtype

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        to, at, given = arguments
        builder.store(_rounded(builder, given) if narrow else given, builder.gep(to, [at]))
        return context.get_dummy_value()

    return types.void(pointer, types.intp, kind), generate


def _rounded(builder: Any, value: Any) -> Any:
    """The nearest bfloat16: half of its last place is added, less one bit if that is even."""
    whole = builder.bitcast(value, _BITS)
    odd = builder.and_(builder.lshr(whole, _BITS(16)), _BITS(1))
    near = builder.lshr(builder.add(whole, builder.add(odd, _BITS(0x7FFF))), _BITS(16))
    kept = builder.select(builder.fcmp_unordered("uno", value, value), _BITS(_NAN), near)
    return builder.trunc(kept, _SHORT)
