"""Vector registers for compiled code: what LLVM would not find in a loop by itself.

A register holds 8 units (float64), 16 points (float32) or 32 steps (float32) side by side; LLVM
splits it into as many as the processor needs. It is added, subtracted and multiplied with another
of its kind or with a number; every operation is the IEEE one of each lane alone, and nothing is
reordered or fused unless a function below says so. Bits 0, 1, ... of a whole number stand for
lanes 0, 1, ...

Memory is reached through `address`: Numba counts references to an array at each variable that
holds it, a pointer costs nothing. A pointer keeps nothing alive: take it from an argument.
"""

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

UNITS, POINTS, STEPS = 8, 16, 32

_FLOAT = ir.FloatType()
_ROW = ir.VectorType(_FLOAT, UNITS)
_INDEX = ir.IntType(64)


class Lanes(types.Type):  # type: ignore[misc]
    """The Numba type of `count` numbers side by side."""

    def __init__(self, scalar: Any, element: Any, count: int) -> None:
        super().__init__(name=f"{scalar}x{count}")
        self.scalar, self.vector = scalar, ir.VectorType(element, count)
        self.suffix = f"v{count}f{scalar.bitwidth}"  # of LLVM's functions


units = Lanes(types.float64, ir.DoubleType(), UNITS)
points = Lanes(types.float32, _FLOAT, POINTS)
steps = Lanes(types.float32, _FLOAT, STEPS)


@register_model(Lanes)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, numba_type.vector)


def _spread(builder: Any, value: Any, kind: Lanes) -> Any:
    """A number in all lanes; lanes as they are."""
    if isinstance(value.type, ir.VectorType):
        return value
    undefined = ir.Constant(kind.vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    places = ir.VectorType(ir.IntType(32), kind.vector.count)
    return builder.shuffle_vector(first, undefined, ir.Constant(places, [0] * places.count))


def _zero(kind: Lanes) -> Any:
    return ir.Constant(kind.vector, [0.0] * kind.vector.count)


def _bits(builder: Any, mask: Any) -> Any:
    return builder.zext(builder.bitcast(mask, ir.IntType(mask.type.count)), _INDEX)


def _call(builder: Any, name: str, kind: Lanes, result: Any, arguments: Any) -> Any:
    """Call LLVM's function `name` for lanes of this kind."""
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    function = get_or_insert_function(builder.module, signature, f"{name}.{kind.suffix}")
    return builder.call(function, arguments)


def _define(operation: Any, instruction: str) -> None:
    """Let `operation` take lanes and numbers, at least one of them lanes."""

    @type_callable(operation)  # type: ignore[untyped-decorator]
    def typed(context: Any) -> Any:
        def signature(a: Any, b: Any) -> Any:
            for kind in (units, points, steps):
                if kind in (a, b) and {a, b} <= {kind, kind.scalar}:
                    return kind
            return None

        return signature

    for kind in (units, points, steps):
        for pair in ((kind, kind), (kind, kind.scalar), (kind.scalar, kind)):

            @lower_builtin(operation, *pair)  # type: ignore[untyped-decorator]
            def lowered(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                a, b = (_spread(builder, v, signature.return_type) for v in arguments)
                return getattr(builder, instruction)(a, b)


for _name, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul")):
    _define(getattr(operator, _name), _instruction)
    _define(getattr(operator, "i" + _name), _instruction)  # a += b


def _at(builder: Any, pointer: Any, i: Any, vector: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [i]), vector.as_pointer())


def _loader(kind: Lanes) -> Any:
    def load(typingctx, pointer, i):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.load(_at(builder, arguments[0], arguments[1], kind.vector), align=4)

        return kind(types.CPointer(kind.scalar), types.intp), generate

    load.__doc__ = f"p[i], ..., p[i + {kind.vector.count - 1}]"
    return intrinsic(load)


load_units, load_points, load_steps = _loader(units), _loader(points), _loader(steps)


@intrinsic
def store(typingctx, pointer, i, values):  # type: ignore[no-untyped-def]
    """Write the lanes to p[i], p[i + 1], ...; float64 is rounded where p holds float32."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        values = arguments[2]
        if pointer.dtype != signature.args[2].scalar:
            values = builder.fptrunc(values, _ROW)
        builder.store(values, _at(builder, arguments[0], arguments[1], values.type), align=4)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, values), generate


def _spreader(kind: Lanes) -> Any:
    def spread(typingctx, value):  # type: ignore[no-untyped-def]
        """The same number in all lanes."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return _spread(builder, arguments[0], kind)

        return kind(kind.scalar), generate

    return intrinsic(spread)


spread_points, spread_steps = _spreader(points), _spreader(steps)


@intrinsic
def where_positive(typingctx, condition, values):  # type: ignore[no-untyped-def]
    """`values` (lanes or a number) in the lanes with `condition` > 0, else 0 (also where NaN)."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        zero = _zero(condition)
        chosen = builder.fcmp_ordered(">", arguments[0], zero)
        return builder.select(chosen, _spread(builder, arguments[1], condition), zero)

    return condition(condition, values), generate


def _chooser(comparison: str) -> Any:
    def choose(typingctx, a, b):  # type: ignore[no-untyped-def]
        """The smaller or the larger of two in each lane."""

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.select(builder.fcmp_ordered(comparison, *arguments), *arguments)

        return a(a, a), generate

    return intrinsic(choose)


smaller, larger = _chooser("<"), _chooser(">")


@intrinsic
def positive(typingctx, values):  # type: ignore[no-untyped-def]
    """The lanes with v > 0."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _bits(builder, builder.fcmp_ordered(">", arguments[0], _zero(values)))

    return types.int64(values), generate


@intrinsic
def within(typingctx, values, bound):  # type: ignore[no-untyped-def]
    """The lanes of which |v| > bound cannot be said; bound is a number."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        size = _call(builder, "llvm.fabs", values, values.vector, arguments[:1])
        bound = _spread(builder, arguments[1], values)
        return _bits(builder, builder.fcmp_unordered("<=", size, bound))

    return types.int64(values, values.scalar), generate


@intrinsic
def magnitude(typingctx, values):  # type: ignore[no-untyped-def]
    """|v| in each lane."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _call(builder, "llvm.fabs", values, values.vector, arguments)

    return values(values), generate


@intrinsic
def multiply_add(typingctx, a, b, c):  # type: ignore[no-untyped-def]
    """a b + c, rounded once where the processor can, else twice; b may be a number."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        factors = [_spread(builder, argument, c) for argument in arguments]
        return _call(builder, "llvm.fmuladd", c, c.vector, factors)

    return c(a, b, c), generate


@intrinsic
def sum_in_order(typingctx, start, values):  # type: ignore[no-untyped-def]
    """start + v0 + v1 + ... + v7, from left to right."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _call(builder, "llvm.vector.reduce.fadd", units, ir.DoubleType(), arguments)

    return types.float64(types.float64, units), generate


@intrinsic
def first_of(typingctx, chosen):  # type: ignore[no-untyped-def]
    """The first of some lanes, of which there is at least one."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


@intrinsic
def transpose(typingctx, source, i, stride, target, j, target_stride):  # type: ignore[no-untyped-def]
    """Write the rows source[i : i + 8], source[i + stride : ...], ... as the columns of target.

    8 rows and 8 columns of float32. Three rounds of exchanges: between neighbours, between pairs,
    between fours.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        source, i, stride, target, j, target_stride = arguments

        def row(pointer: Any, first: Any, step: Any, k: int) -> Any:
            place = builder.add(first, builder.mul(step, ir.Constant(_INDEX, k)))
            return _at(builder, pointer, place, _ROW)

        rows = [builder.load(row(source, i, stride, k), align=4) for k in range(UNITS)]
        for half in (1, 2, 4):
            upper = [n if not n & half else UNITS + n - half for n in range(UNITS)]
            lower = [n + half if not n & half else UNITS + n for n in range(UNITS)]
            for k in (k for k in range(UNITS) if not k & half):
                a, b = rows[k], rows[k + half]
                for n, places in ((k, upper), (k + half, lower)):
                    chosen = ir.Constant(ir.VectorType(ir.IntType(32), UNITS), places)
                    rows[n] = builder.shuffle_vector(a, b, chosen)
        for k in range(UNITS):
            builder.store(rows[k], row(target, j, target_stride, k), align=4)
        return context.get_dummy_value()

    pointer = types.CPointer(types.float32)
    return types.void(pointer, types.intp, types.intp, pointer, types.intp, types.intp), generate
