"""The chain: blocks one after the other, and the chain rule from its end to its beginning."""

import difflib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.blocks.block import (
    Block,
    BlockParameters,
    Derivatives,
    Initialization,
    Parameters,
    Shape,
    check_block,
    check_whole,
    run_backward,
    run_forward,
)
from chainrule.chain.shown import as_typed, html_table
from chainrule.chain.summary import Summary, summarize
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class Chain(Block):
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
        seen = set()
        layers = tuple(_named(layer) for layer in _items("layers", self.layers))
        object.__setattr__(self, "layers", layers)
        for name, block in layers:
            if not isinstance(name, str) or not name or "." in name or name in seen:
                raise InputError(
                    f"layer name {name!r}; expected a name without a dot that no other layer has"
                )
            check_block(f"layer {name!r}", block)
            seen.add(name)
        if self.input_shape is not None:
            sizes = _items("input_shape", self.input_shape)
            shape = tuple(check_whole("Chain", "input_shape", n, 1) for n in sizes)
            object.__setattr__(self, "input_shape", shape)
            self.shape(shape)

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
            x, kept = run_forward(block, x, own)
            saved.append(kept)
        return x, saved

    def apply(self, x: Tensor, params: Parameters) -> Tensor:
        """Give forward's y and keep nothing: a layer's output is let go when the next is there.

        Blocks behave as they are set: see `in_inference()`.
        """
        self.shape(tuple(x.shape))
        for block, own in zip(self._blocks, self._split(params), strict=True):
            x = block.apply(x, own)
        return x

    def backward(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> tuple[Tensor, Derivatives]:
        """Give dx and the derivative of every learned parameter, by its flat name."""
        derivatives: Derivatives = {}
        for i, own in self._backwards(params):
            name, block = self.layers[i]
            dy, dparams = run_backward(block, dy, own, saved[i])
            derivatives.update({f"{name}.{key}": d for key, d in dparams.items()})
        return dy, derivatives

    def parameter_derivatives(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> Derivatives:
        """Give what `backward` gives without dx, which costs less: for training."""
        derivatives: Derivatives = {}
        for i, own in self._backwards(params):
            name, block = self.layers[i]
            if i == 0:
                dparams = block.parameter_derivatives(dy, own, saved[i])
            else:
                dy, dparams = run_backward(block, dy, own, saved[i])
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

    def check_parameters(self, params: Parameters) -> None:
        """Raise InputError that says all that is wrong with the parameters' names and shapes."""
        shapes = self.parameter_shapes()
        wrong = [f"`{name}` is missing" for name in shapes if name not in params]
        wrong += [f"`{name}` belongs to no layer" for name in params if name not in shapes]
        wrong += [
            f"`{name}` has shape {tuple(params[name].shape)} instead of {shape}"
            for name, shape in shapes.items()
            if name in params and tuple(params[name].shape) != shape
        ]
        if wrong:
            raise InputError(
                f"the parameters do not fit the chain: {'; '.join(wrong)}; expected the names and "
                "shapes of `parameter_shapes()`"
            )

    def initial_parameters(
        self,
        generator: torch.Generator,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        initialization: Initialization = "he",
    ) -> dict[str, Tensor]:
        """Give each layer's own `initial_parameters`, in the layers' order.

        For chainrule's blocks: biases are 0, the weights of normalisations and their variances 1,
        other weights normal with standard deviation sqrt(2 / fan-in) for "he", or with the number
        that is given. Drawn in float32 on the CPU whatever `dtype` and `device`, so that the same
        generator gives the same weights. Raises InputError if a block of yours does not say how a
        parameter starts.
        """
        return {
            f"{name}.{key}": value.to(device, dtype)
            for name, block in self.layers
            for key, value in block.initial_parameters(
                generator, initialization=initialization
            ).items()
        }

    def draw(self, x_shape: Shape, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the random inputs of one `forward` (the masks of dropout), by their flat names."""
        drawn: dict[str, Tensor] = {}
        shape = tuple(x_shape)
        for name, block in self.layers:
            own = block.draw(shape, generator)
            drawn.update({f"{name}.{key}": value for key, value in own.items()})
            shape = block.shape(shape)
        return drawn

    def moments(self, params: Parameters, saved: Sequence[Any]) -> dict[str, Tensor]:
        """Give the new values of parameters that are not learned, by their flat names.

        These are the running moments of batch normalisation in training. After each training step:
        `params.update(chain.moments(params, saved))`.
        """
        new: dict[str, Tensor] = {}
        for (name, block), own, kept in zip(self.layers, self._split(params), saved, strict=True):
            moved = block.moments(own, kept)
            new.update({f"{name}.{key}": value for key, value in moved.items()})
        return new

    def in_training(self) -> "Chain":
        """Give a copy whose blocks all behave as in training."""
        return self.with_training(True)

    def in_inference(self) -> "Chain":
        """Give a copy whose blocks all behave as in inference."""
        return self.with_training(False)

    def with_training(self, training: bool) -> "Chain":
        """Give `in_training()` or `in_inference()`."""
        layers = [(name, block.with_training(training)) for name, block in self.layers]
        return replace(self, layers=layers)

    def summary(
        self, input_shape: Shape | None = None, dtype: torch.dtype = torch.float32
    ) -> Summary:
        """Give the table of layers for an input (N, C, H, W); memory is for numbers of `dtype`.

        The input has the chain's own shape unless given. Raises ShapeError if it does not fit,
        InputError if none is known.
        """
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise InputError("the chain has no `input_shape`; expected one for its summary")
        self.shape(shape)
        return summarize(tuple(self.layers), shape, dtype)

    def to_torch(self, params: Parameters) -> nn.Sequential:
        """Give an equal `torch.nn.Sequential` with copies of the parameters, under our names.

        (The running moments are named as there, "running_mean" and "running_var".) Each module is
        in training or in inference as its block is. Raises InputError if the parameters are not the
        chain's, or a block of yours has no `to_torch`.
        """
        self.check_parameters(params)
        split = zip(self.layers, self._split(params), strict=True)
        return nn.Sequential(OrderedDict((name, b.to_torch(own)) for (name, b), own in split))

    def inside(self) -> tuple[tuple[str, Block], ...]:
        """Give the layers."""
        return tuple(self.layers)

    def __getitem__(self, name: str) -> Block:
        """Give a layer's block; "body.conv1" is one of a chain inside. Raises InputError."""
        found: Block = self
        for part in str(name).split("."):
            layers = dict(found.inside())
            if part not in layers:
                near = difflib.get_close_matches(part, layers, 1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                raise InputError(
                    f"the chain has no layer {name!r}{hint}; expected one of "
                    f"{', '.join(layers) or 'none'}"
                )
            found = layers[part]
        return found

    def __iter__(self) -> Iterator[str]:
        """The layers' names."""
        return iter([name for name, _ in self.layers])

    def __len__(self) -> int:
        """How many layers there are."""
        return len(self.layers)

    def __bool__(self) -> bool:
        """True, also without layers: that is the identity."""
        return True

    def __repr__(self) -> str:
        """The chain as it is typed, one layer a line."""
        return as_typed(self)

    def _repr_html_(self) -> str:
        """The table that notebooks show: the summary, or names and settings without a shape."""
        if self.input_shape is not None:
            return self.summary()._repr_html_()
        rows = [(name, as_typed(block)) for name, block in self.layers]
        return html_table(("layer", "block"), rows)

    @property
    def _blocks(self) -> list[Block]:
        return [block for _, block in self.layers]

    def _split(self, params: Parameters) -> list[dict[str, Tensor]]:
        """Each layer's own parameters, by its names. Raises InputError if one is not right."""
        own: dict[str, dict[str, Tensor]] = {
            name: BlockParameters(f"layer {name!r}", {}) for name, _ in self.layers
        }
        for flat, value in params.items():
            name, _, key = flat.partition(".")
            if name in own:
                own[name][key] = value
        for name, block in self.layers:
            for key, shape in block.parameter_shapes().items():
                if key not in own[name]:
                    raise InputError(f"the parameters hold no `{name}.{key}`; expected a tensor")
                if tuple(own[name][key].shape) != shape:
                    raise ShapeError(
                        f"the parameter `{name}.{key}` has shape {tuple(own[name][key].shape)}; "
                        f"expected {shape}"
                    )
        return list(own.values())

    def _backwards(self, params: Parameters) -> list[tuple[int, dict[str, Tensor]]]:
        return list(enumerate(self._split(params)))[::-1]


def layer_parameters(params: Parameters, name: str) -> dict[str, Tensor]:
    """The parameters of one layer of a chain, by its own names."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}


def _items(setting: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"Chain: `{setting}` is {value!r}; expected a list")
    return tuple(value)


def _named(layer: Any) -> tuple[Any, Any]:
    if not isinstance(layer, tuple | list) or len(layer) != 2:
        raise InputError(f"Chain: `layers` holds {layer!r}; expected pairs of a name and a block")
    return layer[0], layer[1]
