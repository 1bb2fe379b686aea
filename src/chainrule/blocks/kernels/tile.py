"""The inner loop of a matrix product, in vector registers: what LLVM would not find by itself.

A tile of a matrix C, M rows of V vectors each, stays in registers while a sum runs over r:

    C[m, :] += A[r, m] B[r, :],      0 <= m < M

where row r of A begins at a + r * a_step, and row r of B at b + offsets[r]: so the rows of B may
overlap, as patches of an image do. A step costs V + M loads for M V multiply-adds, so a large tile
is bound by the arithmetic.

Numbers are float32, float64, or pairs of bfloat16 as uint32, whose sum is float32 and for which

    C[m, :] += A[r, m].low B[r, :].low + A[r, m].high B[r, :].high

Source: Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008, whose inner
kernel this is; for offsets in place of copied patches: Dukhan, The indirect convolution algorithm,
2019.
"""

from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

_WHOLE, _SHORT = ir.IntType(64), ir.IntType(32)


_FEATURES = dict(binding.get_host_cpu_features())


def _registers() -> tuple[int, int, int]:
    """Bytes of a vector, and the rows and vectors of a tile that the registers hold."""
    if _FEATURES.get("avx512f"):
        return 64, 8, 3  # 24 of 32 registers are sums
    if _FEATURES.get("avx"):
        return 32, 6, 2  # 12 of 16
    if "neon" in _FEATURES:
        return 16, 8, 3  # 24 of 32
    return 16, 4, 2


VECTOR_BYTES, ROWS, VECTORS = _registers()

MULTIPLIES_PAIRS = VECTOR_BYTES == 64 and bool(_FEATURES.get("avx512bf16"))
"""Whether the processor multiplies pairs of bfloat16 and adds them up in one instruction."""


def make_tile(rows: int, vectors: int, cut: bool) -> Any:
    """The loop for a tile of so many rows and vectors, as a function for compiled code.

    tile(count, a, a_step, b, offsets, c, c_step, left): r runs to count, which is 1 at least; the
    rows of C are c_step apart. With `cut` the last vector holds only the `left` numbers that
    remain of a row.
    """

    @intrinsic
    def tile(typingctx, count, a, a_step, b, offsets, c, c_step, left):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            kind = ir.DoubleType() if c.dtype == types.float64 else ir.FloatType()
            _Tile(builder, kind, rows, vectors, cut).emit(*arguments)
            return context.get_dummy_value()

        whole = types.intp
        return types.void(whole, a, whole, b, offsets, c, whole, whole), generate

    return tile


class _Tile:
    """Writes the loop for one tile into the function that is being built."""

    def __init__(self, builder: Any, kind: Any, rows: int, vectors: int, cut: bool) -> None:
        self.builder, self.rows, self.vectors, self.cut = builder, rows, vectors, cut
        self.size = 4 if kind == ir.FloatType() else 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(kind, self.lanes)

    def emit(
        self, count: Any, a: Any, a_step: Any, b: Any, offsets: Any, c: Any, c_step: Any, left: Any
    ) -> None:
        """Load C's tile, run over r, store it."""
        builder = self.builder
        mask = self._mask(left) if self.cut else None
        rows = [builder.gep(c, [builder.mul(c_step, _constant(m))]) for m in range(self.rows)]
        places = [(row, v) for row in rows for v in range(self.vectors)]
        sums = [self._load(row, v, mask) for row, v in places]
        before, loop, after = builder.block, *map(builder.append_basic_block, ("rows", "stored"))
        builder.branch(loop)

        builder.position_at_end(loop)
        r, here = builder.phi(_WHOLE), builder.phi(a.type)
        running = [builder.phi(self.vector) for _ in sums]
        row_of_b = builder.gep(b, [builder.load(builder.gep(offsets, [r]))])
        right = [self._load(row_of_b, v, mask) for v in range(self.vectors)]
        new = []
        for m in range(self.rows):
            factor = self._everywhere(builder.load(builder.gep(here, [_constant(m)])))
            own = running[m * self.vectors : (m + 1) * self.vectors]
            new += [self._multiply_add(factor, *pair) for pair in zip(right, own, strict=True)]
        following = builder.add(r, _constant(1))
        moving = [(r, _constant(0), following), (here, a, builder.gep(here, [a_step]))]
        for phi, start, end in (*moving, *zip(running, sums, new, strict=True)):
            phi.add_incoming(start, before)
            phi.add_incoming(end, loop)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, after)

        builder.position_at_end(after)
        for (row, v), total in zip(places, new, strict=True):
            self._store(total, row, v, mask)

    def _load(self, row: Any, v: int, mask: Any) -> Any:
        place = self._place(row, v)
        if mask is None or v < self.vectors - 1:
            return self.builder.load(place, align=self.size)
        vector = place.type.pointee
        kinds = [place.type, _SHORT, mask.type, vector]
        function = self._function("masked.load", f"{_named(vector)}.p0", vector, kinds)
        nothing = ir.Constant(vector, None)
        return self.builder.call(function, [place, _SHORT(self.size), mask, nothing])

    def _store(self, values: Any, row: Any, v: int, mask: Any) -> None:
        place = self._place(row, v)
        if mask is None or v < self.vectors - 1:
            self.builder.store(values, place, align=self.size)
            return
        kinds = [self.vector, place.type, _SHORT, mask.type]
        name = f"{_named(self.vector)}.p0"
        function = self._function("masked.store", name, ir.VoidType(), kinds)
        self.builder.call(function, [values, place, _SHORT(self.size), mask])

    def _multiply_add(self, factor: Any, values: Any, total: Any) -> Any:
        if factor.type == self.vector:
            function = self._function("fma", _named(self.vector), self.vector, [self.vector] * 3)
            return self.builder.call(function, [factor, values, total])
        if MULTIPLIES_PAIRS:
            kinds = [self.vector, factor.type, factor.type]
            function = self._function("x86.avx512bf16", "dpbf16ps.512", self.vector, kinds)
            return self.builder.call(function, [total, factor, values])
        for half in (self._low, self._high):
            total = self._multiply_add(half(factor), half(values), total)
        return total

    def _low(self, pairs: Any) -> Any:
        """The numbers in the lower halves: a bfloat16 is the upper half of a float32."""
        bits = self.builder.shl(pairs, ir.Constant(pairs.type, [16] * self.lanes))
        return self.builder.bitcast(bits, self.vector)

    def _high(self, pairs: Any) -> Any:
        upper = ir.Constant(pairs.type, [0xFFFF0000] * self.lanes)
        return self.builder.bitcast(self.builder.and_(pairs, upper), self.vector)

    def _function(self, name: str, suffix: str, result: Any, kinds: list[Any]) -> Any:
        """One of LLVM's own functions."""
        return get_or_insert_function(
            self.builder.module, ir.FunctionType(result, kinds), f"llvm.{name}.{suffix}"
        )

    def _place(self, row: Any, v: int) -> Any:
        first = self.builder.gep(row, [_constant(v * self.lanes)])
        vector = ir.VectorType(row.type.pointee, self.lanes)
        return self.builder.bitcast(first, vector.as_pointer())

    def _everywhere(self, value: Any) -> Any:
        """A number in every lane."""
        several = ir.VectorType(value.type, self.lanes)
        undefined = ir.Constant(several, ir.Undefined)
        first = self.builder.insert_element(undefined, value, _SHORT(0))
        order = ir.Constant(ir.VectorType(_SHORT, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, order)

    def _mask(self, left: Any) -> Any:
        """Which lanes of the last vector are within the row."""
        lanes = ir.Constant(ir.VectorType(_SHORT, self.lanes), list(range(self.lanes)))
        bound = self._everywhere(self.builder.trunc(left, _SHORT))
        return self.builder.icmp_signed("<", lanes, bound)


def _named(vector: Any) -> str:
    """What LLVM's functions call it."""
    names = {"float": "f32", "double": "f64", "i32": "i32"}
    return f"v{vector.count}{names[str(vector.element)]}"


def _constant(value: int) -> Any:
    return ir.Constant(_WHOLE, value)
