"""What a block is, what a loss is, and the checks of settings that blocks share."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from torch import Tensor, nn

from chainrule.errors import InputError, ShapeError

if TYPE_CHECKING:
    from chainrule.blocks.window import Window

Shape = tuple[int, ...]
Parameters = Mapping[str, Tensor]
Derivatives = dict[str, Tensor]
Initialization = Literal["he"] | float


class Block(ABC):
    """A function with its derivative, written by hand. A frozen dataclass holds its settings.

    With s the loss at the end of the chain, dx stands for ds/dx and has the shape of x: `backward`
    turns ds/dy into ds/dx and the derivatives of the learned parameters. x is a tensor, the batch
    first; for a block of several inputs (a sum) it is a tuple of them, and so are x_shape and dx.

    A block of your own derives from this class and has `forward` and `backward`; each other method
    has a default, which suits a function of every entry by itself without parameters. With
    parameters it needs `parameter_shapes`, and where y has another shape than x, `shape`.
    """

    @abstractmethod
    def forward(self, x: Any, params: Parameters, /) -> tuple[Tensor, Any]:
        """Give y and what `backward` needs of this run. Neither x nor params may be changed."""

    @abstractmethod
    def backward(self, dy: Tensor, params: Parameters, saved: Any, /) -> tuple[Any, Derivatives]:
        """Give dx and the derivative of every learned parameter, by its name.

        None of what comes in may be changed.
        """

    def shape(self, x_shape: Any, /) -> Shape:
        """Give the shape of y. Raises ShapeError, with both shapes, if x does not fit.

        Default: the shape of x.
        """
        return tuple(x_shape)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Give the shape of every parameter, by its name. Default: none."""
        return {}

    def initial_parameters(
        self, generator: torch.Generator, *, initialization: Initialization = "he"
    ) -> dict[str, Tensor]:
        """Give the parameters that a training starts from, float32 on the CPU.

        Default: `bias` is 0. Arrays of two and more dimensions are drawn, normal with the standard
        deviation sqrt(2 / fan-in) for "he", the fan-in being the number of inputs of one output
        (He et al., Delving deep into rectifiers, 2015), or with the number that is given. A
        `weight` of one dimension, one factor a channel, is 1. Raises InputError if there is any
        other parameter of one dimension: how that starts, only its block can say.
        """
        return {
            name: initial_parameter(type(self).__name__, name, shape, generator, initialization)
            for name, shape in self.parameter_shapes().items()
        }

    def apply(self, x: Any, params: Parameters, /) -> Tensor:
        """Give forward's y and keep nothing, for inference. Default: `forward`."""
        return run_forward(self, x, params)[0]

    def parameter_derivatives(self, dy: Tensor, params: Parameters, saved: Any, /) -> Derivatives:
        """Give what `backward` gives without dx: for the first layer of a chain.

        Default: `backward`, whose dx is dropped.
        """
        return self.backward(dy, params, saved)[1]

    def draw(self, x_shape: Any, generator: torch.Generator, /) -> dict[str, Tensor]:
        """Draw the random inputs of one `forward` (the mask of dropout), by name. Default: none."""
        return {}

    def moments(self, params: Parameters, saved: Any, /) -> dict[str, Tensor]:
        """Give new values of the parameters that are not learned, after one `forward` in training.

        Default: there are none. (Batch normalisation gives its running moments.)
        """
        return {}

    def sees(self, x_shape: Any, /) -> "Window | None":
        """Give the window of x that one output looks at. Default: None, its own pixel."""
        return None

    def inside(self) -> "tuple[tuple[str, Block], ...]":
        """Give the blocks that this one is made of, with their names. Default: none."""
        return ()

    @property
    def several_inputs(self) -> bool:
        """Whether x, x_shape and dx are tuples, of several inputs. Default: there is one."""
        return False

    def with_training(self, training: bool) -> Self:
        """Give a copy that behaves as in training, or as in inference.

        Default: a dataclass with a field `training` is copied with it set; any other block is the
        same in both.
        """
        if is_dataclass(self) and any(field.name == "training" for field in fields(self)):
            copied: Self = replace(self, training=training)
            return copied
        return self

    def to_torch(self, params: Parameters, /) -> nn.Module:
        """Give an equal torch module with copies of the parameters, for `Chain.to_torch`.

        Default: raises InputError, for there is none.
        """
        raise InputError(
            f"{type(self).__name__} has no equal torch module; expected a method `to_torch(params)`"
        )

    def __call__(self, x: Any, params: Parameters) -> Tensor:
        """Give y: `apply`."""
        return self.apply(x, params)


class Loss(ABC):
    """A number for how far outputs are from their targets, and its derivative, written by hand.

    A loss of your own derives from this class and has `forward` and `backward`; it is the mean over
    the batch (or says what else it is).
    """

    @abstractmethod
    def forward(self, x: Tensor, target: Any, /) -> tuple[Tensor, Any]:
        """Give the loss, a tensor of one number, and what `backward` needs of this run."""

    @abstractmethod
    def backward(self, dloss: Tensor | float, target: Any, saved: Any, /) -> Tensor:
        """Give dx, where dloss is the derivative of what is minimised by the loss: 1 mostly."""

    def apply(self, x: Tensor, target: Any, /) -> Tensor:
        """Give the loss and keep nothing. Default: `forward`."""
        return self.forward(x, target)[0]

    def __call__(self, x: Tensor, target: Any) -> Tensor:
        """Give the loss: `apply`."""
        return self.apply(x, target)


def initial_parameter(
    block: str,
    name: str,
    shape: Shape,
    generator: torch.Generator,
    initialization: Initialization = "he",
) -> Tensor:
    """One parameter as `Block.initial_parameters` has it by default. Raises InputError."""
    if initialization == "he":
        scale = math.sqrt(2 / max(1, math.prod(shape[1:])))
    elif isinstance(initialization, int | float) and not isinstance(initialization, bool):
        scale = float(initialization)
    else:
        raise InputError(f'`initialization` is {initialization!r}; expected "he" or a number')
    if name == "bias":
        return torch.zeros(shape)
    if len(shape) > 1:
        return scale * torch.randn(shape, generator=generator)
    if name == "weight":
        return torch.ones(shape)
    raise InputError(
        f"{block}: nothing says how `{name}` of shape {shape} starts; expected a method "
        "`initial_parameters` of the block, or values of your own"
    )


class BlockParameters(dict[str, Tensor]):
    """One block's parameters, which say by a sentence that one is not there."""

    def __init__(self, block: str, values: Mapping[str, Tensor]) -> None:
        super().__init__(values)
        self._block = block

    def __missing__(self, name: str) -> Tensor:
        raise InputError(
            f"{self._block}: the parameters hold no `{name}`; expected it among those that "
            "`parameter_shapes()` names, or that `draw` draws"
        )


def shapes_of(x: Any) -> Any:
    """The shape of a tensor, or a tuple of the shapes of several."""
    return tuple(x.shape) if isinstance(x, Tensor) else tuple(tuple(part.shape) for part in x)


def run_forward(block: Block, x: Any, params: Parameters) -> tuple[Tensor, Any]:
    """The block's own `forward`. Raises InputError, ShapeError if it gives what it must not."""
    given: Any = block.forward(x, params)
    kind = type(block).__name__
    if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[0], Tensor):
        raise InputError(
            f"{kind}: `forward` gave {_in_words(given)}; expected two things, y and what "
            "`backward` needs (None if nothing)"
        )
    y_shape = tuple(block.shape(shapes_of(x)))
    if tuple(given[0].shape) != y_shape:
        raise ShapeError(
            f"{kind}: `forward` gave y of shape {tuple(given[0].shape)} for x of shape "
            f"{shapes_of(x)}; expected {y_shape}, as its `shape` says"
        )
    return given[0], given[1]


def run_backward(
    block: Block, dy: Tensor, params: Parameters, saved: Any
) -> tuple[Any, Derivatives]:
    """The block's own `backward`. Raises InputError if it gives what it must not."""
    given: Any = block.backward(dy, params, saved)
    kind = type(block).__name__
    kinds = tuple if block.several_inputs else Tensor
    whole = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], kinds)
    if not whole or not isinstance(given[1], Mapping):
        raise InputError(
            f"{kind}: `backward` gave {_in_words(given)}; expected two things, dx and a dictionary "
            "of the parameters' derivatives ({} if there are none)"
        )
    _check_names(kind, given[1], block.parameter_shapes())
    return given[0], dict(given[1])


def check_block(what: str, value: Any) -> None:
    """Check that `value` is a block. Raises InputError that says what it lacks."""
    if isinstance(value, type):
        raise InputError(
            f"{what} is the class {value.__name__}; expected a block: {value.__name__}(...), with "
            "its settings"
        )
    if not isinstance(value, Block):
        raise InputError(
            f"{what} is {value!r}; expected a block: an object of a class that derives from "
            f"chainrule.blocks.Block, which gives it all methods but `forward` and `backward`"
        )


def check_loss(value: Any) -> None:
    """Check that `value` is a loss. Raises InputError that says what it lacks."""
    if not isinstance(value, Loss):
        what = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
        raise InputError(
            f"the loss is {what}; expected an object of a class that derives from "
            "chainrule.blocks.Loss"
        )


def _check_names(kind: str, dparams: Mapping[str, Any], shapes: Mapping[str, Shape]) -> None:
    unknown = [name for name in dparams if name not in shapes]
    if unknown:
        raise InputError(
            f"{kind}: `backward` gave a derivative of `{unknown[0]}`; expected one of those that "
            f"`parameter_shapes()` names: {', '.join(shapes) or 'none'}"
        )


def _in_words(given: Any) -> str:
    if isinstance(given, Tensor):
        return f"one tensor of shape {tuple(given.shape)}"
    if isinstance(given, tuple):
        kinds = ", ".join(type(value).__name__ for value in given)
        return f"{len(given)} things ({kinds})"
    return "nothing" if given is None else f"a {type(given).__name__}"


_LARGEST = 2**31 - 1  # what PyTorch's kernels take for a size


def check_whole(block: str, setting: str, value: Any, least: int) -> int:
    """Give `value` if it is a whole number of at least `least` that fits 32 bits.

    Raises InputError.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(
            f"{block}: `{setting}` is {value!r}; expected a whole number of at least {least}"
        )
    if value > _LARGEST:
        raise InputError(f"{block}: `{setting}` is {value!r}; expected at most {_LARGEST}")
    return value


def check_number(
    block: str, setting: str, value: Any, low: float = -math.inf, high: float = math.inf
) -> None:
    """Check that `value` is a finite number between `low` and `high`. Raises InputError."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        expected = "a finite number"
        if low > -math.inf:
            expected += f" of at least {low:g}"
        if high < math.inf:
            expected += f"{' and' if low > -math.inf else ' of'} at most {high:g}"
        raise InputError(f"{block}: `{setting}` is {value!r}; expected {expected}")


def check_flag(block: str, setting: str, value: Any) -> None:
    """Check that `value` is True or False. Raises InputError."""
    if not isinstance(value, bool):
        raise InputError(f"{block}: `{setting}` is {value!r}; expected true or false")


def check_same_type(block: str, x: Tensor, weight: Tensor) -> None:
    """Check that x and the weight hold the same kind of numbers. Raises InputError."""
    if x.dtype != weight.dtype:
        raise InputError(
            f"{block}: the input holds {x.dtype}, the weight {weight.dtype}; expected the same "
            "floating-point type"
        )


def check_image_shape(block: str, x_shape: Shape, channels: int | None = None) -> None:
    """Check that x is (N, C, H, W), with C = `channels` if given. Raises ShapeError."""
    expected = f"(N, {channels or 'C'}, H, W)"
    if len(x_shape) != 4 or (channels is not None and x_shape[1] != channels):
        raise ShapeError(f"{block}: the input has shape {tuple(x_shape)}; expected {expected}")
    if 0 in x_shape[1:]:
        raise ShapeError(
            f"{block}: the input has shape {tuple(x_shape)}, which holds no pixel; "
            f"expected {expected}"
        )
