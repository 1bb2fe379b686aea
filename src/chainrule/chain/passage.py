"""A picture's way through a chain, from which every single number can be taken apart.

With x_l the output of layer l, and s one entry of x_L, for one picture:

    x_l[i]     = sum_j (dx_l[i] / dx_{l-1}[j]) x_{l-1}[j] + rest
    ds/dx_l[j] = sum_i (dx_{l+1}[i] / dx_l[j]) ds/dx_{l+1}[i]

The slopes dx_l[i] / dx_{l-1}[j] come from the blocks' own `backward`, with a dy that is 1 at i and
0 elsewhere. The rest is the bias where a block is linear or made of lines (a filter, pooling,
ReLU); elsewhere it is what the line along the slopes lacks. An entry's slopes are taken on the part
of the picture that it sees, so that a pixel of a large picture costs no more than one of a small.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import (
    GELU,
    AveragePooling,
    Convolution,
    LeakyReLU,
    MaxPooling,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from chainrule.blocks.block import (
    Block,
    Derivatives,
    Parameters,
    Shape,
    run_backward,
    run_forward,
)
from chainrule.blocks.window import Window
from chainrule.chain.chain import Chain, layer_parameters
from chainrule.errors import InputError

Place = tuple[int, ...]
"""Where an entry is in a picture's array: (channel, row, column), or (feature,)."""

_POINTWISE = (ReLU, LeakyReLU, ReLU6, Sigmoid, Tanh, GELU, SiLU, Softplus)
_WINDOWED = (Convolution, MaxPooling, AveragePooling)
_MOST = 1 << 21  # numbers of the arrays that one entry's slopes are taken with


@dataclass(frozen=True)
class Apart:
    """A number as a sum: total = sum of values * slopes + rest.

    places (n, d): where the n values stand, each a `Place`. values, slopes (n,). window: which of
    the layer's inputs one output looks at, where the layer has one. None for the three arrays where
    there would be too many.
    """

    total: float
    places: np.ndarray | None
    values: np.ndarray | None
    slopes: np.ndarray | None
    rest: float
    window: Window | None


class Passage:
    """The outputs of all layers of a chain for one picture x (1, C, H, W).

    Layers are numbered from 1; each is run when its output is first asked for. Raises InputError if
    the chain is no line or the batch is not 1, ShapeError if x does not fit.
    """

    def __init__(self, chain: Chain, x: Tensor, params: Parameters) -> None:
        if len(x) != 1:
            raise InputError(f"x holds {len(x)} pictures; expected one")
        chain.check_parameters(params)
        chain.shape(tuple(x.shape))
        self.chain, self.params = chain, dict(params)
        self.names = tuple(name for name, _ in chain.line)
        self._values, self._saved = [x], list[Any]()

    def value(self, layer: int) -> Tensor:
        """The output of a layer, for 0 the picture."""
        for k in range(len(self._saved) + 1, layer + 1):
            y, saved = run_forward(self._block(k), self._values[-1], self._own(k))
            self._values.append(y)
            self._saved.append(saved)
        return self._values[layer]

    def changed(self, name: str, value: Tensor) -> "Passage":
        """The passage with another value of a parameter; what comes before its layer is kept."""
        new = object.__new__(Passage)
        new.chain, new.names = self.chain, self.names
        new.params = {**self.params, name: value}
        layer = self.names.index(name.partition(".")[0])
        new._values, new._saved = self._values[: layer + 1], self._saved[:layer]
        return new

    def after(self, layer: int, value: Tensor, last: int) -> Tensor:
        """The output of layer `last` where that of `layer` were `value`."""
        for k in range(layer, last):
            value = self._block(k + 1).apply(value, self._own(k + 1))
        return value

    def derivatives(self, layer: int, place: Place) -> list[Tensor]:
        """ds/dx_0, ..., ds/dx_layer for s the entry of x_layer at a place, by hand."""
        found = [_one_hot(self.value(layer), self._at(layer, place))]
        for k in range(layer, 0, -1):
            dx, _ = run_backward(self._block(k), found[0], self._own(k), self._saved[k - 1])
            found.insert(0, dx)
        return found

    def parameter_derivatives(self, layer: int, dy: Tensor) -> Derivatives:
        """The derivatives by a layer's parameters, from ds/dx_layer."""
        return self._block(layer).parameter_derivatives(
            dy, self._own(layer), self._saved[layer - 1]
        )

    def output(self, layer: int, place: Place) -> Apart:
        """An entry of a layer's output as the sum of its inputs. Raises InputError."""
        block, x = self._block(layer), self.value(layer - 1)
        place, window = self._at(layer, place), _window_of(self._block(layer), x)
        part = _part(x, [place], window)
        own = self._own(layer)
        y, saved = run_forward(block, part.of(x), own)
        dx, _ = run_backward(block, _one_hot(y, part.inner(place)), own, saved)
        places = np.array(list(_seen(block, x, place, window)))
        if not len(places):
            places = _nonzero(dx)
        slopes = dx[(0, *part.inside(places))].numpy()
        values = x[(0, *places.T)].numpy()
        total = float(self.value(layer)[(0, *place)])
        rest = total - float(values @ slopes)
        if block.parameter_shapes().keys() >= {"bias"} and isinstance(block, Convolution):
            rest = float(own["bias"][place[0]])
        return Apart(total, places, values, slopes, rest, window)

    def derivative(self, layer: int, place: Place, by: list[Tensor]) -> Apart:
        """An entry of ds/dx_layer as the sum over the entries of the next layer's output.

        by: what `derivatives` gave. Raises InputError.
        """
        block, x, dy = self._block(layer + 1), self.value(layer), by[layer + 1]
        place, window = self._at(layer, place), _window_of(self._block(layer + 1), x)
        total = float(by[layer][(0, *place)])
        found = list(_seeing(block, x, tuple(dy.shape), place, window))
        if window is not None and not found:  # a stride may pass over a pixel
            empty = np.zeros(0)
            return Apart(total, empty.reshape(0, len(place)), empty, empty, 0.0, window)
        outputs = np.array(found) if found else _nonzero(dy)
        part = _part(x, found, window)
        if len(outputs) * part.of(x).numel() > _MOST:
            return Apart(total, None, None, None, 0.0, window)
        slopes = self._slopes(layer + 1, part, outputs, place)
        return Apart(total, outputs, dy[(0, *outputs.T)].numpy(), slopes, 0.0, window)

    def _slopes(self, layer: int, part: "_Part", outputs: np.ndarray, place: Place) -> np.ndarray:
        """dx_layer[i] / dx_{layer-1}[place] for each output i: a batch, one picture for each."""
        block, own, x = self._block(layer), self._own(layer), part.of(self.value(layer - 1))
        y, saved = run_forward(block, x.repeat(len(outputs), *[1] * (x.ndim - 1)), own)
        dy = torch.zeros_like(y)
        for n, output in enumerate(outputs):
            dy[(n, *part.inner(tuple(map(int, output))))] = 1
        dx, _ = run_backward(block, dy, own, saved)
        found: np.ndarray = dx[(slice(None), *part.inside(np.array([place])))].numpy().reshape(-1)
        return found

    def _block(self, layer: int) -> Block:
        return self.chain.line[layer - 1][1]

    def _own(self, layer: int) -> dict[str, Tensor]:
        return layer_parameters(self.params, self.names[layer - 1])

    def _at(self, layer: int, place: Place) -> Place:
        shape = tuple(self.value(layer).shape[1:])
        fits = len(place) == len(shape) and all(
            0 <= p < n for p, n in zip(place, shape, strict=True)
        )
        if not fits:
            raise InputError(
                f"place: found {list(place)} in an array of shape {shape}; expected one in it"
            )
        return place


@dataclass(frozen=True)
class _Part:
    """The rows and columns of x that are looked at; all of x where they are None."""

    rows: slice | None = None
    columns: slice | None = None
    stride: tuple[int, int] = (1, 1)

    def of(self, x: Tensor) -> Tensor:
        return x if self.rows is None else x[:, :, self.rows, self.columns]

    def inside(self, places: np.ndarray) -> tuple[np.ndarray, ...]:
        """Places of x as indices of the part."""
        if self.rows is None or self.columns is None:
            return tuple(places.T)
        c, i, j = places.T
        return c, i - self.rows.start, j - self.columns.start

    def inner(self, place: Place) -> Place:
        """A place of the output as one of the part's output."""
        if self.rows is None or self.columns is None:
            return place
        c, i, j = place
        (sh, sw) = self.stride
        return c, i - self.rows.start // sh, j - self.columns.start // sw


def _part(x: Tensor, outputs: list[Place], window: Window | None) -> _Part:
    """What the outputs look at. It begins a whole number of strides after the picture's edge, so
    that its windows are the picture's."""
    if window is None:
        return _Part()
    spans = []
    for axis, before in ((0, window.padding[0]), (1, window.padding[2])):
        stride, extent = window.stride[axis], window.extent[axis]
        first = min(o[1 + axis] for o in outputs) * stride - before
        last = max(o[1 + axis] for o in outputs) * stride - before + extent
        size = x.shape[2 + axis]
        first = max(0, min(first, size - 1) // stride * stride)  # some windows see padding alone
        spans.append(slice(first, max(first + 1, min(size, last))))
    return _Part(spans[0], spans[1], window.stride)


def _window_of(block: Block, x: Tensor) -> Window | None:
    """The window of a layer that looks at the picture through one, none at a mirrored border."""
    if isinstance(block, _POINTWISE) and x.ndim == 4:
        return Window((1, 1))
    mirrored = isinstance(block, Convolution) and block.padding_mode != "zeros"
    if isinstance(block, _WINDOWED) and not mirrored:
        return block.sees(tuple(x.shape))
    return None


def _seen(block: Block, x: Tensor, place: Place, window: Window | None) -> Iterator[Place]:
    """The pixels that an output looks at, channel by channel; none where there is no window."""
    if window is None:
        return
    channels: range | tuple[int, ...] = place[:1]
    if isinstance(block, Convolution):
        each = block.in_channels // block.groups
        group = place[0] // (block.out_channels // block.groups)
        channels = range(group * each, (group + 1) * each)
    for c in channels:
        for k, m in window.taps:
            i = place[1] * window.stride[0] - window.padding[0] + k * window.dilation[0]
            j = place[2] * window.stride[1] - window.padding[2] + m * window.dilation[1]
            if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]:
                yield c, i, j


def _seeing(
    block: Block, x: Tensor, y_shape: Shape, place: Place, window: Window | None
) -> Iterator[Place]:
    """The outputs that look at a pixel, channel by channel; none where there is no window."""
    if window is None:
        return
    channels: range | tuple[int, ...] = place[:1]
    if isinstance(block, Convolution):
        each = block.out_channels // block.groups
        group = place[0] // (block.in_channels // block.groups)
        channels = range(group * each, (group + 1) * each)
    before = (window.padding[0], window.padding[2])
    axes = []
    for axis in (0, 1):
        from_taps = (
            place[1 + axis] + before[axis] - k * window.dilation[axis]
            for k in range(window.kernel[axis])
        )
        stride = window.stride[axis]
        outputs = (n // stride for n in from_taps if n >= 0 and n % stride == 0)
        axes.append(sorted(i for i in outputs if i < y_shape[2 + axis]))
    yield from ((c, i, j) for c in channels for i in axes[0] for j in axes[1])


def _one_hot(y: Tensor, place: Place) -> Tensor:
    dy = torch.zeros_like(y)
    dy[(0, *place)] = 1
    return dy


def _nonzero(array: Tensor) -> np.ndarray:
    """The places of all entries of the one picture that are not 0."""
    found: np.ndarray = torch.nonzero(array[0]).numpy()
    return found
