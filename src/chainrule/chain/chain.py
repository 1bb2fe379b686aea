"""The chain: blocks one after the other, and the chain rule from its end to its beginning."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class Chain:
    """Blocks one after the other, each with a name: y = f_L(... f_2(f_1(x))).

    Derivation. With x_0 = x and x_l = f_l(x_{l-1}; w_l), a change of w_l reaches the loss s only
    through x_l, and a change of x_l only through x_{l+1}. So, from the end to the beginning,

        ds/dw_l     = (dx_l / dw_l)'     ds/dx_l
        ds/dx_{l-1} = (dx_l / dx_{l-1})' ds/dx_l

    which is one `backward` of block l each: no derivative is larger than what it belongs to.

    `layers` are pairs of a name and a block; names are unique and hold no dot. Parameters are in
    one flat dictionary: "conv1.weight"; a chain in a chain adds its name: "body.conv1.bias".
    With `input_shape` (N, C, H, W) the shapes are checked when the chain is put together.

    Raises InputError for bad names, ShapeError for shapes that don't fit each other.
    """

    layers: Sequence[tuple[str, Block]]
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple((name, block) for name, block in self.layers))
        seen = set()
        for name, block in self.layers:
            if not isinstance(name, str) or not name or "." in name or name in seen:
                raise InputError(
                    f"layer name {name!r}; expected a name without a dot that no other layer has"
                )
            if not isinstance(block, Block):
                raise InputError(f"layer {name!r} is {block!r}; expected a block")
            seen.add(name)
        if self.input_shape is not None:
            object.__setattr__(self, "input_shape", tuple(self.input_shape))
            self.shape(self.input_shape)

    def forward(
        self, x: Tensor, params: Parameters, generator: torch.Generator | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Give y and what each layer saved for `backward`.

        `generator` draws what layers need at random (the masks of dropout). Without one, `params`
        must hold it ("drop1.mask"), which makes the chain a function that can be checked.
        """
        self.shape(tuple(x.shape))
        if generator is not None:
            params = {**params, **self.draw(tuple(x.shape), generator)}
        saved = []
        for block, own in zip(self._blocks, self._split(params), strict=True):
            x, kept = block.forward(x, own)
            saved.append(kept)
        return x, saved

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        """Give y and keep nothing: each layer's output is let go as soon as the next is there."""
        self.shape(tuple(x.shape))
        for block, own in zip(self._blocks, self._split(params), strict=True):
            apply = getattr(block, "apply", None)
            x = apply(x, own) if apply is not None else block.forward(x, own)[0]
        return x

    def backward(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> tuple[Tensor, Derivatives]:
        """Give dx and the derivative of every learned parameter, by its flat name."""
        derivatives: Derivatives = {}
        for i, own in self._backwards(params):
            name, block = self.layers[i]
            dy, dparams = block.backward(dy, own, saved[i])
            derivatives.update({f"{name}.{key}": d for key, d in dparams.items()})
        return dy, derivatives

    def parameter_derivatives(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> Derivatives:
        """Give what `backward` gives without dx, which costs less: for training."""
        derivatives: Derivatives = {}
        for i, own in self._backwards(params):
            name, block = self.layers[i]
            alone = getattr(block, "parameter_derivatives", None) if i == 0 else None
            if alone is not None:
                dparams = alone(dy, own, saved[i])
            else:
                dy, dparams = block.backward(dy, own, saved[i])
            derivatives.update({f"{name}.{key}": d for key, d in dparams.items()})
        return derivatives

    def shape(self, x_shape: Shape) -> Shape:
        """Give the shape of y. Raises ShapeError with the layer's name and both shapes."""
        shape = tuple(x_shape)
        for name, block in self.layers:
            try:
                shape = block.shape(shape)
            except ShapeError as error:
                raise ShapeError(f"layer {name!r}: {error}") from error
        return shape

    def parameter_shapes(self) -> dict[str, Shape]:
        """Give the shape of every parameter, by its flat name, in the layers' order."""
        return {
            f"{name}.{key}": shape
            for name, block in self.layers
            for key, shape in block.parameter_shapes().items()
        }

    def initial_parameters(
        self,
        generator: torch.Generator,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        initialization: Literal["he"] | float = "he",
    ) -> dict[str, Tensor]:
        """Draw weights; biases are 0, the weights of normalisations and their variances 1.

        "he": normal with standard deviation sqrt(2 / fan-in), the fan-in being the number of inputs
        of one output (He et al., Delving deep into rectifiers, 2015). A number s: s times standard
        normal. Drawn in float32 on the CPU whatever `dtype` and `device`, so that the same
        generator gives the same weights.
        """
        return {
            name: _initial(name, shape, generator, initialization).to(device, dtype)
            for name, shape in self.parameter_shapes().items()
        }

    def draw(self, x_shape: Shape, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the random inputs of one `forward` (the masks of dropout), by their flat names."""
        drawn: dict[str, Tensor] = {}
        shape = tuple(x_shape)
        for name, block in self.layers:
            own = getattr(block, "draw", None)
            if own is not None:
                drawn.update({f"{name}.{k}": v for k, v in own(shape, generator).items()})
            shape = block.shape(shape)
        return drawn

    @property
    def _blocks(self) -> list[Block]:
        return [block for _, block in self.layers]

    def _split(self, params: Parameters) -> list[dict[str, Tensor]]:
        """Each layer's own parameters, by its names. Raises InputError if one is missing."""
        own: dict[str, dict[str, Tensor]] = {name: {} for name, _ in self.layers}
        for flat, value in params.items():
            name, _, key = flat.partition(".")
            if name in own:
                own[name][key] = value
        for name, block in self.layers:
            for key in block.parameter_shapes():
                if key not in own[name]:
                    raise InputError(f"the parameters hold no `{name}.{key}`; expected a tensor")
        return list(own.values())

    def _backwards(self, params: Parameters) -> list[tuple[int, dict[str, Tensor]]]:
        return list(enumerate(self._split(params)))[::-1]


def _initial(
    name: str, shape: Shape, generator: torch.Generator, initialization: Literal["he"] | float
) -> Tensor:
    kind = name.rpartition(".")[2]
    if kind in ("bias", "mean"):
        return torch.zeros(shape)
    if kind == "variance" or len(shape) < 2:
        return torch.ones(shape)
    if initialization == "he":
        scale = math.sqrt(2 / math.prod(shape[1:]))
    elif isinstance(initialization, int | float) and not isinstance(initialization, bool):
        scale = float(initialization)
    else:
        raise InputError(f'`initialization` is {initialization!r}; expected "he" or a number')
    return scale * torch.randn(shape, generator=generator)
