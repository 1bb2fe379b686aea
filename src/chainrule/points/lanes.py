"""Eight float64 side by side, for compiled code: what LLVM would not find in a loop by itself.

A `Lanes` value is one vector register (or several narrower ones: LLVM splits it). It is added,
subtracted and multiplied with another or with a float; every operation is the IEEE one of each
lane alone, nothing is reordered or fused unless a function below says so. The same register holds
sixteen float32, for what need not be precise.

Memory is reached through `address`: Numba counts references to an array at each variable that
holds it, a pointer costs nothing. A pointer keeps nothing alive: take it from an argument.
"""

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.core.errors import TypingError
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 8

_FLOAT = ir.DoubleType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
_MASK = ir.VectorType(ir.IntType(1), WIDTH)
_ZERO = ir.Constant(_VECTOR, [0.0] * WIDTH)
_NARROW = ir.VectorType(ir.FloatType(), 2 * WIDTH)


class Lanes(types.Type):  # type: ignore[misc]
    """The Numba type of eight float64, or of sixteen float32."""

    def __init__(self, name: str, vector: Any) -> None:
        super().__init__(name=name)
        self.vector = vector


lanes = Lanes("float64x8", _VECTOR)
narrow_lanes = Lanes("float32x16", _NARROW)


@register_model(Lanes)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, numba_type.vector)


def _spread(builder: Any, value: Any) -> Any:
    """A float in all lanes; lanes as they are."""
    if isinstance(value.type, ir.VectorType):
        return value
    vector = _VECTOR if value.type == _FLOAT else _NARROW
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, everywhere)


def _bits(builder: Any, mask: Any) -> Any:
    bits = builder.bitcast(mask, ir.IntType(mask.type.count))
    return builder.zext(bits, ir.IntType(64))


def _mask(builder: Any, bits: Any) -> Any:
    return builder.bitcast(builder.trunc(bits, ir.IntType(WIDTH)), _MASK)


def _define(operation: Any, instruction: str) -> None:
    """Let `operation` take lanes and floats, at least one of them lanes."""

    @type_callable(operation)  # type: ignore[untyped-decorator]
    def typed(context: Any) -> Any:
        def signature(a: Any, b: Any) -> Any:
            if lanes in (a, b) and {a, b} <= {lanes, types.float64}:
                return lanes
            return None

        return signature

    for pair in ((lanes, lanes), (lanes, types.float64), (types.float64, lanes)):

        @lower_builtin(operation, *pair)  # type: ignore[untyped-decorator]
        def lowered(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, b = (_spread(builder, value) for value in arguments)
            return getattr(builder, instruction)(a, b)


for _name, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul")):
    _define(getattr(operator, _name), _instruction)
    _define(getattr(operator, "i" + _name), _instruction)  # a += b


@intrinsic
def address(typingctx, array):  # type: ignore[no-untyped-def]
    """Where the data of a C-contiguous array begins: a pointer p with p[i], for `load`, `store`."""

    if array.layout != "C":
        raise TypingError("address: expected a C-contiguous array")

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return context.make_array(array)(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate


@intrinsic
def load(typingctx, pointer, i):  # type: ignore[no-untyped-def]
    """The lanes p[i], ..., p[i + 7]; to p[i + 15] where p holds float32."""
    kind = narrow_lanes if pointer.dtype == types.float32 else lanes

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        first = builder.gep(arguments[0], [arguments[1]])
        return builder.load(builder.bitcast(first, kind.vector.as_pointer()), align=4)

    return kind(pointer, types.intp), generate


@intrinsic
def store(typingctx, pointer, i, values):  # type: ignore[no-untyped-def]
    """Write eight float64 to p[i], ..., p[i + 7], rounded where p holds float32."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        values = arguments[2]
        if pointer.dtype == types.float32:
            values = builder.fptrunc(values, ir.VectorType(ir.FloatType(), WIDTH))
        first = builder.gep(arguments[0], [arguments[1]])
        builder.store(values, builder.bitcast(first, values.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, lanes), generate


@intrinsic
def spread(typingctx, value):  # type: ignore[no-untyped-def]
    """The same float in all lanes."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _spread(builder, arguments[0])

    return (narrow_lanes if value == types.float32 else lanes)(value), generate


@intrinsic
def where_positive(typingctx, condition, values):  # type: ignore[no-untyped-def]
    """`values` in the lanes where `condition` > 0, else 0 (also where it is NaN)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        zero = ir.Constant(arguments[0].type, [0.0] * arguments[0].type.count)
        return builder.select(builder.fcmp_ordered(">", arguments[0], zero), arguments[1], zero)

    return condition(condition, values), generate


@intrinsic
def positive(typingctx, values):  # type: ignore[no-untyped-def]
    """The lanes with v > 0, as the bits 0, 1, ... of a whole number."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        zero = ir.Constant(arguments[0].type, [0.0] * arguments[0].type.count)
        return _bits(builder, builder.fcmp_ordered(">", arguments[0], zero))

    return types.int64(values), generate


@intrinsic
def magnitude(typingctx, values):  # type: ignore[no-untyped-def]
    """|v| in each lane."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        absolute = _function(builder, "llvm.fabs", _VECTOR, _VECTOR)
        return builder.call(absolute, arguments)

    return lanes(lanes), generate


def _function(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """LLVM's function `name` for the lanes among its arguments."""
    signature = ir.FunctionType(result, arguments)
    suffix = "v16f32" if _NARROW in arguments else "v8f64"
    return get_or_insert_function(builder.module, signature, f"{name}.{suffix}")


@intrinsic
def multiply_add(typingctx, a, b, c):  # type: ignore[no-untyped-def]
    """a b + c, rounded once where the machine can, else twice; b may be a float."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        function = _function(builder, "llvm.fmuladd", *[c.vector] * 4)
        return builder.call(function, [_spread(builder, value) for value in arguments])

    return c(a, b, c), generate


@intrinsic
def below(typingctx, values, bounds):  # type: ignore[no-untyped-def]
    """The lanes with |v| < bound, as the bits 0, 1, ... of a whole number."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        absolute = _function(builder, "llvm.fabs", values.vector, values.vector)
        size = builder.call(absolute, arguments[:1])
        return _bits(builder, builder.fcmp_ordered("<", size, arguments[1]))

    return types.int64(values, bounds), generate


@intrinsic
def unless(typingctx, chosen, values):  # type: ignore[no-untyped-def]
    """0 in the lanes that are `chosen` (bits 0 to 7, as from `below`), else `values`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.select(_mask(builder, arguments[0]), _ZERO, arguments[1])

    return lanes(types.int64, lanes), generate


@intrinsic
def compress(typingctx, values, chosen):  # type: ignore[no-untyped-def]
    """The lanes that are `chosen` (bits as from `below`), moved together to the front."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        name = "llvm.experimental.vector.compress"
        function = _function(builder, name, _VECTOR, _VECTOR, _MASK, _VECTOR)
        return builder.call(function, [arguments[0], _mask(builder, arguments[1]), _ZERO])

    return lanes(lanes, types.int64), generate


@intrinsic
def count(typingctx, chosen):  # type: ignore[no-untyped-def]
    """How many lanes are `chosen`."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


def _sum(builder: Any, start: Any, values: Any, fastmath: tuple[str, ...]) -> Any:
    add = _function(builder, "llvm.vector.reduce.fadd", _FLOAT, _FLOAT, _VECTOR)
    return builder.call(add, [start, values], fastmath=fastmath)


@intrinsic
def sum_in_order(typingctx, start, values):  # type: ignore[no-untyped-def]
    """start + v0 + v1 + ... + v7, from left to right."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _sum(builder, arguments[0], arguments[1], ())

    return types.float64(types.float64, lanes), generate


@intrinsic
def sum_in_any_order(typingctx, values):  # type: ignore[no-untyped-def]
    """The sum of the lanes, in the order that is fastest."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _sum(builder, ir.Constant(_FLOAT, -0.0), arguments[0], ("reassoc",))

    return types.float64(lanes), generate
