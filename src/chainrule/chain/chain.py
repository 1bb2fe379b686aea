"""The chain: blocks one after the other, and the chain rule from its end to its beginning."""

import difflib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
    check_whole,
    run_backward,
    run_forward,
)
from chainrule.chain.shown import as_typed, html_table
from chainrule.chain.summary import Summary, summarize
from chainrule.chain.torch_graph import GraphModule
from chainrule.chain.wiring import (
    Step,
    Wired,
    as_pairs,
    by_name,
    input_names,
    steps_of,
    typed_layers,
)
from chainrule.errors import InputError, ShapeError


@dataclass(frozen=True)
class Chain(Wired):
    """Blocks one after the other, each with a name: y = f_L(... f_2(f_1(x))).

    Derivation. With x_0 = x and x_l = f_l(x_{l-1}; w_l), a change of w_l reaches the loss s only
    through x_l, and a change of x_l only through x_{l+1}. So, from the end to the beginning,

        ds/dw_l     = (dx_l / dw_l)'     ds/dx_l
        ds/dx_{l-1} = (dx_l / dx_{l-1})' ds/dx_l

    which is one `backward` of block l each: no derivative is larger than what it belongs to.

    A layer may name what it takes instead, one layer before it or, for a `Sum` say, several; then
    the chain is a graph. Where x_l goes to several layers, a change of it reaches s through each of
    them, and derivatives add:

        ds/dx_l = sum over the layers m that take x_l of (dx_m / dx_l)' ds/dx_m

    all of which are known when the layers are gone through backwards.

    `layers` are pairs of a name and a block, or triples with the names of what it takes:
    ("sum", Sum(), ("left", "right")). Names are unique and hold no dot. A pair takes the layer
    before it, the first one x. Parameters are in one flat dictionary: "conv1.weight"; a chain in a
    chain adds its name: "body.conv1.bias". `inputs` names what comes in; if these are several, x is
    a tuple of them in this order (or a mapping by name), and so are x_shape and dx. With
    `input_shape` (N, C, H, W) the shapes are checked when the chain is put together.

    Raises InputError for bad names, ShapeError for shapes that don't fit each other.
    """

    layers: Sequence[Any]
    input_shape: Any = None
    inputs: Sequence[str] = ("x",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", typed_layers(self.layers))
        object.__setattr__(self, "inputs", input_names(self.inputs))
        _ = self.steps
        if self.input_shape is not None:
            object.__setattr__(self, "input_shape", self._checked_shape(self.input_shape))
            self.shape(self.input_shape)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The layers in their order, each with the names of what it takes."""
        return steps_of(self.layers, tuple(self.inputs))

    @property
    def is_line(self) -> bool:
        """Whether each layer takes the one before it, and the first one the only input."""
        return len(self.inputs) == 1 and all(len(layer) == 2 for layer in self.layers)

    @property
    def line(self) -> tuple[tuple[str, Block], ...]:
        """The layers of a chain that is a line. Raises InputError if it is none."""
        if self.is_line:
            return tuple(self.layers)
        step = next(step for step in self.steps if len(step.inputs) > 1 or not step.done)
        raise InputError(
            f"the chain is a graph (layer {step.name!r} takes {', '.join(step.inputs)}); expected "
            "one in which each layer takes the one before it, and no other does"
        )

    def forward(
        self, x: Any, params: Parameters, generator: torch.Generator | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Give y and what each layer saved for `backward`.

        `generator` draws what layers need at random (the masks of dropout), wherever x is. Without
        one, `params` must hold it ("drop1.mask"), which makes the chain a function that can be
        checked.
        """
        values = by_name(x, tuple(self.inputs))
        shape = self._shapes_of(values)
        self.shape(shape)
        if generator is not None:
            where = next(iter(values.values())).device
            drawn = self.draw(shape, generator)
            params = {**params, **{name: value.to(where) for name, value in drawn.items()}}
        saved = []
        for step, own in zip(self.steps, self._split(params), strict=True):
            y, kept = run_forward(step.block, step.take(values), own)
            saved.append(kept)
            _hand_on(values, step, y)
        return values[self._output], saved

    def apply(self, x: Any, params: Parameters) -> Tensor:
        """Give forward's y and keep nothing: an output is let go when no layer takes it any more.

        Blocks behave as they are set: see `in_inference()`.
        """
        values = by_name(x, tuple(self.inputs))
        self.shape(self._shapes_of(values))
        for step, own in zip(self.steps, self._split(params), strict=True):
            _hand_on(values, step, step.block.apply(step.take(values), own))
        y: Tensor = values[self._output]
        return y

    def backward(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> tuple[Any, Derivatives]:
        """Give dx and the derivative of every learned parameter, by its flat name."""
        given, derivatives = self._backwards(dy, params, saved, with_dx=True)
        dx = tuple(given[name] for name in self.inputs)
        return (dx if self.several_inputs else dx[0]), derivatives

    def parameter_derivatives(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any]
    ) -> Derivatives:
        """Give what `backward` gives without dx, which costs less: for training."""
        return self._backwards(dy, params, saved, with_dx=False)[1]

    @property
    def several_inputs(self) -> bool:
        """Whether x is a tuple of several."""
        return len(self.inputs) > 1

    def shape(self, x_shape: Any) -> Shape:
        """Give the shape of y. Raises ShapeError with the layer's name and both shapes."""
        return self._all_shapes(x_shape)[self._output]

    def parameter_shapes(self) -> dict[str, Shape]:
        """Give the shape of every parameter, by its flat name, in the layers' order."""
        return {
            f"{name}.{key}": shape
            for name, block in self.inside()
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
            for name, block in self.inside()
            for key, value in block.initial_parameters(
                generator, initialization=initialization
            ).items()
        }

    def draw(self, x_shape: Any, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the random inputs of one `forward` (the masks of dropout), by their flat names."""
        shapes = self._all_shapes(x_shape)
        return {
            f"{step.name}.{key}": value
            for step in self.steps
            for key, value in step.block.draw(step.take(shapes), generator).items()
        }

    def moments(self, params: Parameters, saved: Sequence[Any]) -> dict[str, Tensor]:
        """Give the new values of parameters that are not learned, by their flat names.

        These are the running moments of batch normalisation in training. After each training step:
        `params.update(chain.moments(params, saved))`.
        """
        new: dict[str, Tensor] = {}
        for step, own, kept in zip(self.steps, self._split(params), saved, strict=True):
            moved = step.block.moments(own, kept)
            new.update({f"{step.name}.{key}": value for key, value in moved.items()})
        return new

    def in_training(self) -> "Chain":
        """Give a copy whose blocks all behave as in training."""
        return self.with_training(True)

    def in_inference(self) -> "Chain":
        """Give a copy whose blocks all behave as in inference."""
        return self.with_training(False)

    def with_training(self, training: bool) -> "Chain":
        """Give `in_training()` or `in_inference()`."""
        layers = [
            (name, block.with_training(training), *taken) for name, block, *taken in self.layers
        ]
        return replace(self, layers=layers)

    def until(self, name: str) -> "Chain":
        """Give the chain that ends with a layer: that layer and all that leads to it."""
        _ = self[name]
        needed = {name}
        for step in reversed(self.steps):
            if step.name in needed:
                needed.update(step.inputs)
        inputs = tuple(source for source in self.inputs if source in needed)
        shape = self.input_shape
        if shape is not None and self.several_inputs:
            shape = tuple(by_name(shape, tuple(self.inputs))[source] for source in inputs)
            shape = shape if len(inputs) > 1 else shape[0]
        layers = [
            (step.name, step.block, step.inputs) for step in self.steps if step.name in needed
        ]
        return replace(self, layers=as_pairs(layers, inputs), input_shape=shape, inputs=inputs)

    def after(self, name: str) -> "Chain":
        """Give the chain that goes on from a layer's output, which is its input.

        Raises InputError if one of its layers takes something from before that layer.
        """
        before = {step.name for step in self.until(name).steps}
        rest = [step for step in self.steps if step.name not in before]
        known = {name, *(step.name for step in rest)}
        for step in rest:
            for source in step.inputs:
                if source not in known:
                    raise InputError(
                        f"layer {step.name!r} takes {source!r}, from before layer {name!r}; "
                        "expected a layer through which everything goes"
                    )
        layers = [(step.name, step.block, step.inputs) for step in rest]
        shape = None if self.input_shape is None else self._all_shapes(self.input_shape)[name]
        return replace(self, layers=as_pairs(layers, (name,)), input_shape=shape, inputs=(name,))

    def summary(self, input_shape: Any = None, dtype: torch.dtype = torch.float32) -> Summary:
        """Give the table of layers for an input (N, C, H, W); memory is for numbers of `dtype`.

        The input has the chain's own shape unless given. Raises ShapeError if it does not fit,
        InputError if none is known.
        """
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise InputError("the chain has no `input_shape`; expected one for its summary")
        self.shape(shape)
        return summarize(self, shape, dtype)

    def to_torch(self, params: Parameters) -> nn.Module:
        """Give an equal torch module with copies of the parameters, under our names.

        It is a `torch.nn.Sequential`, or for a graph a module that takes the inputs in order. (The
        running moments are named as there, "running_mean" and "running_var".) Each module is in
        training or in inference as its block is. Raises InputError if the parameters are not the
        chain's, or a block of yours has no `to_torch`.
        """
        self.check_parameters(params)
        split = zip(self.steps, self._split(params), strict=True)
        modules = OrderedDict((step.name, step.block.to_torch(own)) for step, own in split)
        if self.is_line:
            return nn.Sequential(modules)
        wires = [(step.name, step.inputs) for step in self.steps]
        return GraphModule(modules, wires, tuple(self.inputs))

    def inside(self) -> tuple[tuple[str, Block], ...]:
        """Give the layers."""
        return tuple((step.name, step.block) for step in self.steps)

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
        return iter([step.name for step in self.steps])

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
        rows = [
            (name, as_typed(block), ", ".join(*taken) if taken else "")
            for name, block, *taken in self.layers
        ]
        return html_table(("layer", "block", "takes"), rows)

    @property
    def _output(self) -> str:
        """The name of what comes out: the last layer, or the input where there is none."""
        return self.steps[-1].name if self.steps else self.inputs[0]

    def _split(self, params: Parameters) -> list[dict[str, Tensor]]:
        """Each layer's own parameters, by its names. Raises InputError if one is not right."""
        own: dict[str, dict[str, Tensor]] = {
            name: BlockParameters(f"layer {name!r}", {}) for name, _ in self.inside()
        }
        for flat, value in params.items():
            name, _, key = flat.partition(".")
            if name in own:
                own[name][key] = value
        for name, block in self.inside():
            for key, shape in block.parameter_shapes().items():
                if key not in own[name]:
                    raise InputError(f"the parameters hold no `{name}.{key}`; expected a tensor")
                if tuple(own[name][key].shape) != shape:
                    raise ShapeError(
                        f"the parameter `{name}.{key}` has shape {tuple(own[name][key].shape)}; "
                        f"expected {shape}"
                    )
        return list(own.values())

    def _backwards(
        self, dy: Tensor, params: Parameters, saved: Sequence[Any], *, with_dx: bool
    ) -> tuple[dict[str, Tensor], Derivatives]:
        """ds/d of every input, by its name, and the derivatives of the parameters."""
        given, derivatives = {self._output: dy}, Derivatives()
        runs = zip(self.steps, self._split(params), saved, strict=True)
        for step, own, kept in reversed(list(runs)):
            dy = given.pop(step.name)
            if not with_dx and set(step.inputs) <= set(self.inputs):
                dparams = step.block.parameter_derivatives(dy, own, kept)
            else:
                dx, dparams = run_backward(step.block, dy, own, kept)
                parts = dx if step.block.several_inputs else (dx,)
                for source, part in zip(step.inputs, parts, strict=True):
                    # not in place: both may be a part of what another layer holds
                    given[source] = given[source] + part if source in given else part
            derivatives.update({f"{step.name}.{key}": d for key, d in dparams.items()})
        return given, derivatives

    def _all_shapes(self, x_shape: Any) -> dict[str, Shape]:
        """The shape of every input and output. Raises ShapeError, InputError."""
        given = by_name(x_shape, tuple(self.inputs))
        shapes = {name: tuple(shape) for name, shape in given.items()}
        for step in self.steps:
            try:
                shapes[step.name] = step.block.shape(step.take(shapes))
            except ShapeError as error:
                raise ShapeError(f"layer {step.name!r}: {error}") from error
        return shapes

    def _shapes_of(self, values: Mapping[str, Any]) -> Any:
        """The shapes of the inputs, as `shape` takes them."""
        shapes = {name: tuple(x.shape) for name, x in values.items()}
        return shapes if self.several_inputs else shapes[self.inputs[0]]

    def _checked_shape(self, given: Any) -> Any:
        if self.several_inputs:
            return tuple(map(_sizes, by_name(given, tuple(self.inputs)).values()))
        return _sizes(given)


def _hand_on(values: dict[str, Any], step: Step, y: Tensor) -> None:
    """Put a layer's output among the values, without those that no later layer takes."""
    for name in step.done:
        del values[name]
    values[step.name] = y


def _sizes(shape: Any) -> Shape:
    if not isinstance(shape, Sequence) or isinstance(shape, str):
        raise InputError(f"Chain: `input_shape` is {shape!r}; expected a list")
    return tuple(check_whole("Chain", "input_shape", n, 1) for n in shape)


def layer_parameters(params: Parameters, name: str) -> dict[str, Tensor]:
    """The parameters of one layer of a chain, by its own names."""
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
