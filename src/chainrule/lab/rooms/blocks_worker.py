"""The worker of the blocks room: it runs chains on pictures, and takes their numbers apart.

It answers one question after the other. What it holds of a board is made anew from the board's
files, so that a worker that was killed is missed by nobody.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import InputError
from chainrule.io.checks import one_of, whole_number
from chainrule.lab.jobs.answering import Answer, answer_all, say_phase

if TYPE_CHECKING:
    from torch import Tensor

    from chainrule.chain.passage import Apart, Passage
    from chainrule.lab.rooms.blocks_board import Board

_HELD = 3  # boards
_MOST_MAPS = 16  # channels that are shown at once
_MOST_PARTS = 600  # products that are told of


def main(pipe: Connection) -> None:
    """Answer what comes through the pipe, until the process is ended."""
    say_phase(pipe, "loading the blocks")
    import torch

    torch.set_num_threads(1)  # small pictures: threads would wait for a busy core
    say_phase(pipe, "")
    answer_all(pipe, _Bench())


@dataclass
class _Held:
    """What is known of a board: its passage, and the derivatives of the last chosen output."""

    stamp: tuple[Any, ...]
    passage: "Passage"
    chosen: tuple[int, tuple[int, ...]] | None = None
    by: "list[Tensor]" = field(default_factory=list)


class _Bench:
    """The questions, each a method; it answers with JSON values and bytes."""

    def __init__(self) -> None:
        self._boards: OrderedDict[str, _Held] = OrderedDict()

    def make(self, board: dict[str, Any], preset: str, numbers: Any = None) -> Answer:
        """Give a board its first chain; numbers: of a filter that was learned."""
        if numbers is None:
            _board(board).change("preset", {"preset": preset})
        else:
            _board(board).keep_filter(numbers)
        return self.describe(board)

    def change(
        self, board: dict[str, Any], what: str, values: dict[str, Any], layer: int
    ) -> Answer:
        """Make one change, describe the board, and show what `layer` gives now, if it is there."""
        on = _board(board)
        held = self._boards.get(board["folder"])
        before = on.stamp
        on.change(what, values)
        if what == "weight" and held is not None and held.stamp == before:
            name = str(values["name"])
            held.passage = held.passage.changed(name, on.load()[1][name])
            held.stamp, held.chosen = on.stamp, None
        described, _ = self.describe(board)
        if layer > len(described["layers"]):
            return {**described, "maps": None}, b""
        said, content = self.maps(board, layer)
        return {**described, "maps": said}, content

    def open(self, board: dict[str, Any], path: str) -> Answer:
        """Take a chain's file."""
        _board(board).open(path)
        return self.describe(board)

    def picture(self, board: dict[str, Any], path: str, name: str) -> Answer:
        """Take a picture's file, if the chain takes it."""
        on = _board({**board, "name": name})
        kept, on.file = on.file, Path(path)
        on.check(on.load()[0])
        on.file.replace(kept)
        return self.describe({**board, "name": name})

    def resize(self, board: dict[str, Any]) -> Answer:
        """Describe a board whose picture has another size, if that is within the bounds."""
        on = _board(board)
        on.check(on.load()[0])
        return self.describe(board)

    def describe(self, board: dict[str, Any]) -> Answer:
        """The layers with their settings, shapes and derivations."""
        import torch

        from chainrule.lab.rooms.blocks_kinds import PRESETS, described, kinds

        on, passage = _board(board), self._passage(board)
        x = passage.value(0)
        rows = passage.chain.summary(tuple(x.shape), torch.float64).rows
        layers = [
            described(name, block, row)
            for (name, block), row in zip(passage.chain.line, rows, strict=True)
        ]
        return {
            "picture": {"name": on.name, "shape": list(x.shape[1:])}, "layers": layers,
            "undo": on.undoable, "presets": list(PRESETS), "kinds": kinds(),
            "fixed": passage.chain.input_shape is not None,
        }, b""  # fmt: skip

    def maps(self, board: dict[str, Any], layer: int) -> Answer:
        """What a layer gives, channel by channel, in bytes from its least to its largest value."""
        value = self._value(board, layer)[0]
        low, high = float(value.min()), float(value.max())
        said = {"shape": list(value.shape), "low": low, "high": high}
        if value.ndim == 1:
            return {**said, "values": value[:_MOST_PARTS].tolist()}, b""
        if layer == 0:
            low, high = 0.0, 1.0
        part = value[: _MOST_MAPS if layer else 3]
        scaled = (part - low).mul_(255 / (high - low) if high > low else 0.0).round_()
        return {**said, "shown": len(part)}, scaled.byte().numpy().tobytes()

    def entry(self, board: dict[str, Any], layer: int, place: list[int]) -> Answer:
        """An output as the sum of its inputs, and what it sees of the picture."""
        passage = self._passage(board)
        found = passage.output(self._layer(passage, layer), tuple(place))
        return {**_as_json(found), "field": self._field(passage, layer, place)}, b""

    def derivative(self, board: dict[str, Any], layer: int, place: list[int]) -> Answer:
        """The derivative of an output by every pixel: bytes, 128 for 0, and where it is largest."""
        held = self._chosen(board, layer, place)
        dx = held.by[0][0]
        most = float(dx.abs().max())
        strongest = np.unravel_index(int(dx.abs().argmax()), tuple(dx.shape))
        content = (128 + dx * (127 / most if most else 0.0)).round().byte().numpy().tobytes()
        return {
            "shape": list(dx.shape), "most": most, "strongest": [int(n) for n in strongest],
            "pixels": int((dx != 0).any(0).sum()),
        }, content  # fmt: skip

    def apart(
        self, board: dict[str, Any], layer: int, place: list[int], at: int, entry: list[int]
    ) -> Answer:
        """The derivative of an output by one entry of what layer `at` gives, in its products, and
        by differences."""
        from chainrule.checking.entry import entry_by_differences

        held = self._chosen(board, layer, place)
        whole_number("at", at, 0, layer - 1)
        found = held.passage.derivative(at, tuple(entry), held.by)
        numeric = entry_by_differences(held.passage, layer, tuple(place), at, tuple(entry))
        return {**_as_json(found), "numeric": numeric.slope, "kink": numeric.kink}, b""

    def filters(
        self, board: dict[str, Any], layer: int, place: list[int] | None, at: int, channel: int
    ) -> Answer:
        """The parameters of one output channel of layer `at`, and the chosen output's derivatives
        by them."""
        passage = self._passage(board)
        name = passage.names[self._layer(passage, at) - 1]
        by: Mapping[str, Tensor] = {}
        if place is not None and at <= layer:
            held = self._chosen(board, layer, place)
            by = passage.parameter_derivatives(at, held.by[at])
        found = []
        for key in passage.chain[name].parameter_shapes():
            value = passage.params[f"{name}.{key}"]
            row = min(channel, len(value) - 1)
            slopes = by[key][row].reshape(-1).tolist() if key in by else None
            if value[row].numel() <= _MOST_PARTS:
                found.append(
                    {"name": f"{name}.{key}", "row": row, "shape": list(value.shape[1:]),
                     "values": value[row].reshape(-1).tolist(), "slopes": slopes}
                )  # fmt: skip
        return {"parameters": found}, b""

    def weight(
        self, board: dict[str, Any], layer: int, place: list[int], name: str, entry: list[int]
    ) -> Answer:
        """The chosen output's derivative by one parameter's entry, by hand and by differences."""
        from chainrule.checking.entry import parameter_by_differences

        held = self._chosen(board, layer, place)
        passage = held.passage
        at = passage.names.index(one_of("parameter", name, passage.params).partition(".")[0]) + 1
        by = passage.parameter_derivatives(at, held.by[at])[name.partition(".")[2]]
        for e, n in zip(entry, by.shape, strict=True):
            whole_number("entry", e, 0, n - 1)
        numeric = parameter_by_differences(passage, layer, tuple(place), name, tuple(entry))
        return {
            "total": float(by[tuple(entry)]),
            "numeric": numeric.slope,
            "kink": numeric.kink,
        }, b""

    def check(self, board: dict[str, Any], layer: int) -> Answer:
        """Hold the derivatives of the chain up to a layer against differences."""
        from chainrule.lab.rooms.blocks_check import check_chain

        passage = self._passage(board)
        name = passage.names[self._layer(passage, layer) - 1]
        return check_chain(passage.chain.until(name), passage.value(0), passage.params), b""

    def written(self, y: str, dx: str, dw: str, db: str) -> Answer:
        """What the check says of a layer that is written as formulas."""
        from chainrule.lab.rooms.blocks_check import check_written

        return check_written(y, dx, dw, db), b""

    def written_code(self, y: str, dx: str, dw: str, db: str) -> Answer:
        """That layer as a Python file."""
        from chainrule.lab.rooms.blocks_check import written_code

        return {}, written_code(y, dx, dw, db).encode()

    def functions(self) -> Answer:
        """What a formula may call."""
        from chainrule.lab.rooms.blocks_check import functions

        return {"functions": functions()}, b""

    def digest(self, board: dict[str, Any]) -> Answer:
        """The digest of what comes out of the chain."""
        from chainrule.lab.rooms.blocks_take import digest

        passage = self._passage(board)
        return {"digest": digest(passage.chain.apply(passage.value(0), passage.params))}, b""

    def take(self, board: dict[str, Any], name: str) -> Answer:
        """The content of a file that is taken away."""
        import io

        from chainrule.lab.rooms import blocks_take

        on, passage = _board(board), self._passage(board)
        chain, x = passage.chain, passage.value(0)
        if name == "chain.safetensors":
            return {}, (on.folder / name).read_bytes()
        if name == "chain.py":
            return {}, blocks_take.code(chain, x.shape[1]).encode()
        if name == "output.npy":
            return {}, blocks_take.as_array_file(chain.apply(x, passage.params))
        stream = io.BytesIO()
        on.picture(chain).save(stream, "PNG")
        return {}, stream.getvalue()

    def _value(self, board: dict[str, Any], layer: int) -> "Tensor":
        passage = self._passage(board)
        return passage.value(whole_number("layer", layer, 0, len(passage.names)))

    @staticmethod
    def _layer(passage: "Passage", layer: int) -> int:
        if not passage.names:
            raise InputError("the chain has no layer; expected one: add a block")
        return whole_number("layer", layer, 1, len(passage.names))

    def _passage(self, board: dict[str, Any]) -> "Passage":
        return self._hold(board).passage

    def _hold(self, board: dict[str, Any]) -> _Held:
        from chainrule.chain.passage import Passage

        on, key = _board(board), board["folder"]
        held = self._boards.get(key)
        if held is None or held.stamp != on.stamp:
            stamp = on.stamp
            chain, params = on.load()
            held = _Held(stamp, Passage(chain, on.x(chain), params))
            self._boards[key] = held
        self._boards.move_to_end(key)
        while len(self._boards) > _HELD:
            self._boards.popitem(last=False)
        return held

    def _chosen(self, board: dict[str, Any], layer: int, place: list[int]) -> _Held:
        held = self._hold(board)
        chosen = (self._layer(held.passage, layer), tuple(place))
        if held.chosen != chosen:
            held.by = held.passage.derivatives(*chosen)
            held.chosen = chosen
        return held

    def _field(self, passage: "Passage", layer: int, place: list[int]) -> list[int] | None:
        """First row, first column, rows and columns of the picture that an output sees."""
        import torch

        x = passage.value(0)
        row = passage.chain.summary(tuple(x.shape), torch.float64).rows[layer - 1]
        field = row.receptive_field
        if field is None or len(place) != 3:
            return None
        found = []
        for axis in (0, 1):
            centre = field.offset[axis] + field.stride[axis] * place[1 + axis]
            found.append((centre - (field.size[axis] - 1) / 2, field.size[axis]))
        (top, rows), (left, columns) = found
        return [round(top), round(left), round(rows), round(columns)]


def _board(values: Mapping[str, Any]) -> "Board":
    from chainrule.lab.rooms.blocks_board import Board

    return Board(**values)


def _as_json(found: "Apart") -> dict[str, Any]:
    """A sum as JSON values; of very many products the largest."""
    window = found.window
    said: dict[str, Any] = {
        "total": found.total, "rest": found.rest,
        "window": None if window is None else {
            "kernel": window.kernel, "stride": window.stride, "padding": window.padding,
            "dilation": window.dilation,
        },
    }  # fmt: skip
    if found.places is None or found.values is None or found.slopes is None:
        return {**said, "of": None, "places": [], "values": [], "slopes": []}
    products = found.values * found.slopes
    shown = np.arange(len(products))
    if len(shown) > _MOST_PARTS:
        shown = np.sort(np.argsort(-np.abs(products), kind="stable")[:_MOST_PARTS])
    left = np.setdiff1d(np.arange(len(products)), shown)
    return {
        **said, "of": len(products), "left": float(products[left].sum()),
        "places": found.places[shown].tolist(), "values": found.values[shown].tolist(),
        "slopes": found.slopes[shown].tolist(),
    }  # fmt: skip
