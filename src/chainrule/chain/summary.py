"""The table of a chain: what each layer does to the shape, what it sees, and what it costs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from chainrule.blocks.block import Block, Shape
from chainrule.blocks.residual import Residual
from chainrule.blocks.window import Window
from chainrule.chain.shown import html_table

Pair = tuple[float, float]

_HEADER = (
    "layer", "type", "filter", "stride", "padding", "output shape",
    "field", "field stride", "field offset", "parameters", "memory",
)  # fmt: skip


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
        """
        top, _, left, _ = window.padding
        axes = [
            (
                size + (extent - 1) * stride,
                stride * step,
                offset + ((extent - 1) / 2 - before) * stride,
            )
            for size, stride, offset, extent, step, before in zip(
                self.size,
                self.stride,
                self.offset,
                window.extent,
                window.stride,
                (top, left),
                strict=True,
            )
        ]
        size, stride, offset = zip(*axes, strict=True)
        return ReceptiveField(size, stride, offset)


@dataclass(frozen=True)
class Row:
    """One layer. `parameters` counts numbers; `memory` is its output's size in bytes."""

    layer: str
    type: str
    window: Window | None
    output_shape: Shape
    receptive_field: ReceptiveField
    parameters: int
    memory: int


@dataclass(frozen=True)
class Summary:
    """The rows of a chain for one input shape; `str()` gives the table."""

    input_shape: Shape
    rows: tuple[Row, ...]

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
        widths = [max(len(cells[c]) for cells in table) for c in range(len(_HEADER))]
        align = [str.ljust] * (len(_HEADER) - 2) + [str.rjust] * 2
        lines = []
        for cells in table:
            put = [a(cell, width) for a, cell, width in zip(align, cells, widths, strict=True)]
            lines.append("  ".join(put).rstrip())
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def _repr_html_(self) -> str:
        header, *rows = self._table()
        return html_table(header, rows)

    def _table(self) -> list[tuple[str, ...]]:
        first = ("input", "", "", "", "", _shape(self.input_shape), "", "", "", "", "")
        total = ("total", *[""] * 8, f"{self.parameters:,}", _bytes(self.memory))
        return [_HEADER, first, *map(_cells, self.rows), total]


def summarize(
    layers: tuple[tuple[str, Block], ...], input_shape: Shape, dtype: torch.dtype
) -> Summary:
    """Walk through the layers. Raises ShapeError if the shapes don't fit each other."""
    rows = tuple(_walk("", layers, tuple(input_shape), ReceptiveField(), dtype.itemsize))
    return Summary(tuple(input_shape), rows)


def _walk(
    prefix: str,
    layers: tuple[tuple[str, Block], ...],
    shape: Shape,
    field: ReceptiveField,
    itemsize: int,
) -> Iterator[Row]:
    """The rows of the layers; a chain inside is walked through, its layers' names prefixed."""
    for name, block in layers:
        inner = block.inside()
        window = block.sees(shape)
        for row in _walk(f"{prefix}{name}.", inner, shape, field, itemsize):
            yield row
            field = row.receptive_field
        # a residual's sum sees no more: what keeps the shape has the pixel itself in its field
        if window is not None:
            field = field.through(window)
        shape = block.shape(shape)
        if inner and not isinstance(block, Residual):
            continue
        # the layers inside have shown their own
        parameters = {} if inner else block.parameter_shapes()
        yield Row(
            layer=prefix + name,
            type=type(block).__name__,
            window=window,
            output_shape=shape,
            receptive_field=field,
            parameters=sum(map(math.prod, parameters.values())),
            memory=math.prod(shape) * itemsize,
        )


def _cells(row: Row) -> tuple[str, ...]:
    window, field = row.window, row.receptive_field
    padding = "" if window is None else ",".join(map(str, window.padding))
    if window is not None and len(set(window.padding)) == 1:
        padding = str(window.padding[0])
    return (
        row.layer,
        row.type,
        "" if window is None else _pair(window.kernel, always=True),
        "" if window is None else _pair(window.stride),
        padding,
        _shape(row.output_shape),
        _pair(field.size, always=True),
        _pair(field.stride),
        _pair(field.offset),
        f"{row.parameters:,}" if row.parameters else "",
        _bytes(row.memory),
    )


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
