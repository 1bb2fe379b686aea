"""Pointers to the data of arrays, for compiled code that reads and writes whole registers."""

from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic


@intrinsic
def address(typingctx, array):  # type: ignore[no-untyped-def]
    """Where the data of a C-contiguous array begins: a pointer p with p[i].

    A pointer keeps nothing alive, and Numba frees a local array after the last line that names it:
    take pointers from arguments alone, which the caller holds.
    """
    if array.layout != "C":
        raise TypingError("address: expected a C-contiguous array")

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return context.make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate
