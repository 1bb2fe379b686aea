"""The table of a chain: what each layer does to the shape, what it sees, and what it costs."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from chainrule.blocks.block import Block, Shape
from chainrule.blocks.residual import Residual
from chainrule.blocks.sampler import BilinearSampler
from chainrule.blocks.window import Spread, Window
from chainrule.chain.shown import html_table
from chainrule.chain.wiring import Step, Wired, by_name, steps_of

Pair = tuple[float, float]

_HEADER = (
    "layer", "type", "takes", "filter", "stride", "padding", "output shape",
    "field", "field stride", "field offset", "parameters", "memory",
)  # fmt: skip
_TAKES, _SHAPE = _HEADER.index("takes"), _HEADER.index("output shape")


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels of the chain's input that one entry of a layer's output depends on.

    Entry (i, j) sees the pixels within (size - 1)/2 of the centre offset + stride * (i, j), each a
    pair (vertical, horizontal). Pixel 0 has its centre at 0. Padding counts: at the border part of
    the field may lie outside of the image.
    """

    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    offset: Pair = (0.0, 0.0)

    def through(self, window: Window) -> "ReceptiveField":
        """The field after one more layer with this window.

        Neighbouring entries of the window are `stride` pixels apart, so a window that spans
        `extent` entries adds (extent - 1) stride pixels; its centre lies (extent - 1)/2 - padding
        entries after its first one.

        A transposed convolution is one whose outputs, not inputs, are so many apart: its entries
        are stride / step pixels apart, and the filter lies before the output instead of behind it.
        """
        axes = zip(
            self.size,
            self.stride,
            self.offset,
            window.extent,
            window.stride,
            (window.padding[0], window.padding[2]),
            strict=True,
        )
        found = []
        for size, stride, offset, extent, step, before in axes:
            if isinstance(window, Spread):
                apart, after, ahead = stride / step, stride / step, before - (extent - 1) / 2
            else:
                apart, after, ahead = stride, stride * step, (extent - 1) / 2 - before
            found.append((size + (extent - 1) * apart, after, offset + ahead * apart))
        return ReceptiveField(*zip(*found, strict=True))

    def joined(self, other: "ReceptiveField") -> "ReceptiveField | None":
        """The field of what depends on both; None if their entries are not equally far apart."""
        if self.stride != other.stride:
            return None
        found = []
        for s, o, t, p in zip(self.size, self.offset, other.size, other.offset, strict=True):
            first, last = min(o - s / 2, p - t / 2), max(o + s / 2, p + t / 2)
            found.append((last - first, (first + last) / 2))
        size, offset = zip(*found, strict=True)
        return ReceptiveField(size, self.stride, offset)


@dataclass(frozen=True)
class Row:
    """One layer. `parameters` counts numbers; `memory` is its output's size in bytes.

    `takes` names its inputs where these are not the layer before it. `receptive_field` is None
    where it is not the same for all entries: behind a sampler, or where maps are joined whose
    entries are not equally far apart.
    """

    layer: str
    type: str
    window: Window | None
    output_shape: Shape
    receptive_field: ReceptiveField | None
    parameters: int
    memory: int
    takes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summary:
    """The rows of a chain for one input shape; `str()` gives the table.

    `inputs` names the inputs if there are several; `input_shape` then holds the shape of each.
    """

    input_shape: Any
    rows: tuple[Row, ...]
    inputs: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """How many parameters the chain has."""
        return sum(row.parameters for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of all outputs together: what a run that keeps them for `backward` needs."""
        return sum(row.memory for row in self.rows)

    def __str__(self) -> str:
        table = self._table()
        widths = [max(len(cells[c]) for cells in table) for c in range(len(table[0]))]
        align = [str.ljust] * (len(widths) - 2) + [str.rjust] * 2
        lines = []
        for cells in table:
            put = [a(cell, width) for a, cell, width in zip(align, cells, widths, strict=True)]
            lines.append("  ".join(put).rstrip())
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _repr_html_(self) -> str:
        header, *rows = self._table()
        return html_table(header, rows)

    def _table(self) -> list[list[str]]:
        empty = [""] * len(_HEADER)
        shapes = self.input_shape if self.inputs else (self.input_shape,)
        table = [list(_HEADER)]
        for name, shape in zip(self.inputs or ("input",), shapes, strict=True):
            table.append([name, *empty[1:_SHAPE], _shape(shape), *empty[_SHAPE + 1 :]])
        table += [_cells(row) for row in self.rows]
        table.append(["total", *empty[1:-2], f"{self.parameters:,}", _bytes(self.memory)])
        if not any(row.takes for row in self.rows):  # a line: what each takes goes without saying
            table = [cells[:_TAKES] + cells[_TAKES + 1 :] for cells in table]
        return table


def summarize(chain: Block, input_shape: Any, dtype: torch.dtype) -> Summary:
    """Walk through the layers of a chain. Raises ShapeError if the shapes don't fit each other."""
    walk = _Walk(dtype.itemsize)
    inputs = _steps(chain)[1]
    fields = tuple(ReceptiveField() for _ in inputs)
    several = chain.several_inputs
    if several:
        input_shape = tuple(tuple(shape) for shape in by_name(input_shape, inputs).values())
    else:
        input_shape = tuple(input_shape)
    walk.through("", chain, input_shape, fields if several else fields[0])
    return Summary(input_shape, tuple(walk.rows), inputs if several else ())


class _Walk:
    """Gathers the rows of all layers, those inside of others with their names prefixed."""

    def __init__(self, itemsize: int) -> None:
        self.rows: list[Row] = []
        self._itemsize = itemsize

    def through(self, prefix: str, block: Block, shape: Any, field: Any) -> ReceptiveField | None:
        """Add the rows of what a block holds; give its output's field."""
        steps, inputs = _steps(block)
        shapes, fields = by_name(shape, inputs), by_name(field, inputs)
        before = inputs[0]
        for step in steps:
            own_shape, own_field = step.take(shapes), step.take(fields)
            takes = () if step.inputs == (before,) else step.inputs
            name = f"{prefix}{step.name}"
            fields[step.name] = self.layer(name, step.block, own_shape, own_field, takes)
            shapes[step.name] = step.block.shape(own_shape)
            before = step.name
        found: ReceptiveField | None = fields[before]
        return found

    def layer(
        self, name: str, block: Block, shape: Any, field: Any, takes: tuple[str, ...]
    ) -> ReceptiveField | None:
        """Add one layer's row, after those of what it holds; give its output's field."""
        inside, seen = bool(block.inside()), _joined(field)
        if inside:
            # a residual's sum sees no more: what keeps the shape has the pixel itself in its field
            seen = self.through(f"{name}.", block, shape, field)
            if not isinstance(block, Residual):
                return seen  # the layers inside have shown all that it does
        window = block.sees(shape)
        if isinstance(block, BilinearSampler):
            seen = None
        elif window is not None and seen is not None:
            seen = seen.through(window)
        output = block.shape(shape)
        parameters = {} if inside else block.parameter_shapes()
        self.rows.append(
            Row(
                layer=name,
                type=type(block).__name__,
                window=window,
                output_shape=output,
                receptive_field=seen,
                parameters=sum(map(math.prod, parameters.values())),
                memory=math.prod(output) * self._itemsize,
                takes=takes,
            )
        )
        return seen


def _joined(fields: Any) -> ReceptiveField | None:
    """The field of one input, or of several together."""
    several = fields if isinstance(fields, tuple) else (fields,)
    found: ReceptiveField | None = several[0]
    for field in several[1:]:
        if found is None or field is None:
            return None
        found = found.joined(field)
    return found


def _steps(block: Block) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """What a block holds, as steps, and the names of its inputs."""
    if isinstance(block, Wired):
        return block.steps, tuple(block.inputs)
    if isinstance(block, Residual) and isinstance(block.body, Wired):
        return _steps(block.body)
    return steps_of(block.inside(), ("x",)), ("x",)


def _cells(row: Row) -> list[str]:
    window, field = row.window, row.receptive_field
    padding = "" if window is None else ",".join(map(str, window.padding))
    if window is not None and len(set(window.padding)) == 1:
        padding = str(window.padding[0])
    return [
        row.layer,
        row.type,
        ", ".join(row.takes),
        "" if window is None else _pair(window.kernel, always=True),
        "" if window is None else _stride(window),
        padding,
        _shape(row.output_shape),
        "" if field is None else _pair(field.size, always=True),
        "" if field is None else _pair(field.stride),
        "" if field is None else _pair(field.offset),
        f"{row.parameters:,}" if row.parameters else "",
        _bytes(row.memory),
    ]


def _stride(window: Window) -> str:
    return f"1/{_pair(window.stride)}" if isinstance(window, Spread) else _pair(window.stride)


def _pair(pair: Pair, always: bool = False) -> str:
    vertical, horizontal = pair
    if vertical == horizontal and not always:
        return f"{vertical:g}"
    return f"{vertical:g}x{horizontal:g}"


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _bytes(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.4g} GiB"
