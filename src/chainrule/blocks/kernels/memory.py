"""Pointers into arrays, for compiled code: p[i] reads and writes without a look at i's sign.

Numba lets an index count from the end, and what it inserts for that keeps LLVM from working on
several numbers at once.
"""

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


@intrinsic
def further(typingctx, pointer, places):  # type: ignore[no-untyped-def]
    """The pointer moved on by some numbers."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, types.intp), generate


MOVED = 8
"""How many numbers `move` takes."""


@intrinsic
def move(typingctx, source, target):  # type: ignore[no-untyped-def]
    """Copy eight numbers at once, which LLVM does not dare where the two may overlap."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = context.get_data_type(source.dtype)
        vector = ir.VectorType(kind, MOVED).as_pointer()
        given, there = (builder.bitcast(pointer, vector) for pointer in arguments)
        aligned = source.dtype.bitwidth // 8
        builder.store(builder.load(given, align=aligned), there, align=aligned)
        return context.get_dummy_value()

    return types.void(source, target), generate
