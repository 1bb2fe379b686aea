"""A board of the blocks room on the disk: a picture, a chain, and what it was before.

picture              the file that was given
chain.safetensors    as `save_chain` writes it
before/NUMBER        the chains before the last changes, for undo
"""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from chainrule.blocks.block import Shape
from chainrule.chain import Chain, load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.images.listing import DRAWING, is_drawing_content
from chainrule.io.checks import finite_number, one_of, whole_number
from chainrule.io.decoding import identify
from chainrule.io.files import written_whole
from chainrule.io.pictures import picture_from_bytes, read_bytes
from chainrule.lab.rooms.blocks_kinds import (
    Layers,
    block_of,
    filter_and_pooling,
    fitted,
    free_name,
    preset,
)
from chainrule.practical.on_picture import as_tensor

MOST_LAYERS = 40
_MOST_UNDONE = 20
_CHANGES = ("preset", "add", "set", "remove", "move", "weight", "draw", "undo")
_NUMBER = 8  # bytes


class Board:
    """The files of one board, and its changes. pixels, numbers: what a picture and all outputs of
    the chain may hold; size: the longer side that the picture is brought to.

    Raises InputError, FileError.
    """

    def __init__(self, folder: str, name: str, size: int, pixels: int, numbers: int) -> None:
        self.folder, self.name, self.size = Path(folder), name, size
        self.file = self.folder / "picture"
        self._pixels, self._numbers = pixels, numbers

    @property
    def stamp(self) -> tuple[Any, ...]:
        """Another one whenever the picture or the chain is another one."""
        files = (self.file, self.folder / "chain.safetensors")
        return (self.size, *((s.st_mtime_ns, s.st_ino) for s in map(Path.stat, files)))

    @property
    def undoable(self) -> int:
        """How many changes can be undone."""
        return len(self._before())

    def load(self) -> tuple[Chain, dict[str, Tensor]]:
        """The chain, in inference, and its parameters in float64."""
        chain, params, _ = load_chain(self.folder / "chain.safetensors")
        return chain.in_inference(), {key: value.double() for key, value in params.items()}

    def picture(self, chain: Chain) -> Image.Image:
        """The picture at its size, or at the one that the chain was made for; grey if it takes
        one channel."""
        content = read_bytes(self.file)
        if is_drawing_content(content):
            raise FileError(DRAWING)
        self._check_pixels(content)
        picture = picture_from_bytes(content, self.name, self.size)
        if chain.input_shape is not None:
            picture = picture.resize((chain.input_shape[3], chain.input_shape[2]))
        else:
            picture.thumbnail((self.size, self.size))
        return picture.convert("L").convert("RGB") if _channels(chain) == 1 else picture

    def x(self, chain: Chain) -> Tensor:
        """The picture as the chain takes it, (1, C, H, W), from 0 to 1 in float64."""
        whole = as_tensor(self.picture(chain)).double()
        return whole[:, :1].contiguous() if _channels(chain) == 1 else whole

    def keep(self, chain: Chain, params: dict[str, Tensor]) -> None:
        """Write another chain, once it is known to take the picture within the bounds."""
        self.check(chain)
        self._write(chain, params)

    def _write(self, chain: Chain, params: dict[str, Tensor]) -> None:
        file = self.folder / "chain.safetensors"
        before = self._before()
        if file.exists():
            (self.folder / "before").mkdir(exist_ok=True)
            number = int(before[-1].name) + 1 if before else 1
            with written_whole(self.folder / "before" / f"{number:06}") as temporary:
                shutil.copyfile(file, temporary)
            for old in before[: 1 - _MOST_UNDONE]:
                old.unlink()
        save_chain(file, chain, params)

    def open(self, content_at: str) -> None:
        """Take a chain's file that was given."""
        chain, params, _ = load_chain(content_at)
        _ = chain.line
        self.keep(chain, params)

    def keep_filter(self, numbers: Any) -> None:
        """Take the numbers of a filter that was learned."""
        self.keep(*filter_and_pooling(numbers))

    def change(self, do: str, values: dict[str, Any]) -> None:
        """Make one change: `values` as the page sends them."""
        one_of("do", do, _CHANGES)
        if do == "undo":
            self._undo()
        elif do == "preset":
            self.keep(*preset(str(values.get("preset"))))
        elif do == "weight":
            self._set_weight(values)
        else:
            self._change_layers(do, values)

    def _undo(self) -> None:
        before = self._before()
        if not before:
            raise InputError("there is no change that could be undone")
        before[-1].replace(self.folder / "chain.safetensors")

    def _set_weight(self, values: dict[str, Any]) -> None:
        chain, params = self.load()
        name = one_of("parameter", values.get("name"), params)
        shape, entry = tuple(params[name].shape), values.get("entry")
        if not isinstance(entry, list) or len(entry) != len(shape):
            raise InputError(f"entry: found {entry!r}; expected {len(shape)} whole numbers")
        at = tuple(whole_number("entry", e, 0, n - 1) for e, n in zip(entry, shape, strict=True))
        params[name] = params[name].clone()
        params[name][at] = finite_number("value", values.get("value"))
        self._write(chain, params)  # as large as before: no check

    def _change_layers(self, do: str, values: dict[str, Any]) -> None:
        chain, params = self.load()
        x_shape = tuple(self.x(chain).shape)
        seed = whole_number("seed", values.get("seed", 0), 0, 2**31)
        layers = _changed(do, list(chain.line), values, x_shape)
        if len(layers) > MOST_LAYERS:
            raise InputError(f"the chain has {len(layers)} layers; expected at most {MOST_LAYERS}")
        made = replace(chain, layers=fitted(layers, x_shape), input_shape=None)
        self.check(made)
        drawn = made.initial_parameters(torch.Generator().manual_seed(seed), dtype=torch.float64)
        again = f"{values.get('layer')}." if do == "draw" else None
        kept = {
            key: params[key]
            for key, value in drawn.items()
            if key in params
            and params[key].shape == value.shape
            and not (again and key.startswith(again))
        }
        self.keep(made, {**drawn, **kept})

    def check(self, chain: Chain) -> None:
        """Raise InputError, ShapeError unless the chain takes the picture within the bounds."""
        for name, shape in chain.parameter_shapes().items():
            if math.prod(shape) > self._numbers:
                raise InputError(
                    f"{name} holds {math.prod(shape):,} numbers; expected at most {self._numbers:,}"
                )
        if chain.input_shape is not None and max(chain.input_shape[2:]) > self.size:
            raise InputError(
                f"the chain takes pictures of {chain.input_shape[3]} by {chain.input_shape[2]} "
                f"pixels; expected at most {self.size} by {self.size}"
            )
        x_shape = tuple(self.x(chain).shape)
        numbers = chain.summary(x_shape, torch.float64).memory // _NUMBER
        if numbers > self._numbers:
            raise InputError(
                f"the outputs of all layers hold {numbers:,} numbers; expected at most "
                f"{self._numbers:,}: choose a smaller picture, or fewer channels"
            )

    def _check_pixels(self, content: bytes) -> None:
        try:
            found = identify(content)
        except Exception:  # whatever Pillow's readers of damaged files raise
            return  # who decodes it says how it is damaged
        if found is not None and found.size[0] * found.size[1] > self._pixels:
            raise FileError(
                f"{self.name} holds {found.size[0]:,} x {found.size[1]:,} pixels; expected at most "
                f"{self._pixels:,}"
            )

    def _before(self) -> list[Path]:
        folder = self.folder / "before"
        return sorted(folder.glob("[0-9]*"))


def _changed(do: str, layers: Layers, values: dict[str, Any], x_shape: Shape) -> Layers:
    """The layers after a change of one: added after another, set, removed, moved, drawn again."""
    names = [name for name, _ in layers]
    if do == "add":
        last = values.get("after")
        after = names.index(one_of("after", last, names)) + 1 if last else 0
        kind = str(values.get("kind"))
        block = block_of(kind, {}, Chain(layers[:after]).shape(x_shape))
        return [*layers[:after], (free_name(kind, names), block), *layers[after:]]
    at = names.index(one_of("layer", values.get("layer"), names))
    if do == "set":
        settings = values.get("settings")
        if not isinstance(settings, dict):
            raise InputError("settings: expected an object of texts")
        kind = type(layers[at][1]).__name__
        layers[at] = (names[at], block_of(kind, settings, Chain(layers[:at]).shape(x_shape)))
    elif do == "remove":
        del layers[at]
    elif do == "move":
        to = at + (1 if values.get("down") else -1)
        layers.insert(min(max(to, 0), len(layers) - 1), layers.pop(at))
    return layers


def _channels(chain: Chain) -> int:
    """How many channels the chain takes: three unless its first layer that says so says one."""
    if chain.input_shape is not None:
        return int(chain.input_shape[1])
    for _, block in chain.line:
        found = getattr(block, "in_channels", getattr(block, "channels", None))
        if found is not None:
            return int(found)
    return 3
