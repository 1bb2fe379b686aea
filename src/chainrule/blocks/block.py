"""What a block is, and the checks of settings that blocks share."""

import math
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from chainrule.errors import InputError, ShapeError

Shape = tuple[int, ...]
Parameters = Mapping[str, Tensor]
Derivatives = dict[str, Tensor]


@runtime_checkable
class Block(Protocol):
    """A function with its derivative, written by hand. A frozen dataclass holds its settings.

    With s the loss at the end of the chain, dx stands for ds/dx and has the shape of x: `backward`
    turns ds/dy into ds/dx and the derivatives of the learned parameters.

    A block may also have

    - `apply(x, params) -> y`: the same y as `forward`, keeping nothing (for inference);
    - `parameter_derivatives(dy, params, saved) -> dparams`: `backward` without dx, for the first
      layer of a chain;
    - `draw(x_shape, generator) -> params`: the random inputs of `forward` (the mask of dropout);
    - `moments(params, saved) -> params`: new values of parameters that are not learned;
    - `sees(x_shape) -> Window`: the window of x that one output looks at (one pixel if absent);
    - a field `training`, set by `Chain.in_training()` and `Chain.in_inference()` (a block that
      holds blocks has `with_training(training) -> Block` instead);
    - `to_torch(params) -> torch.nn.Module`, which `Chain.to_torch` needs for blocks of your own.
    """

    def forward(self, x: Tensor, params: Parameters, /) -> tuple[Tensor, Any]:
        """Give y and what `backward` needs of this run."""
        ...

    def backward(self, dy: Tensor, params: Parameters, saved: Any, /) -> tuple[Tensor, Derivatives]:
        """Give dx and the derivative of every learned parameter, by its name."""
        ...

    def shape(self, x_shape: Shape, /) -> Shape:
        """Give the shape of y. Raises ShapeError, with both shapes, if x does not fit."""
        ...

    def parameter_shapes(self) -> dict[str, Shape]:
        """Give the shape of every parameter, by its name."""
        ...


def apply_block(block: Block, x: Tensor, params: Parameters) -> Tensor:
    """Give y and keep nothing, by the block's own `apply` if it has one."""
    apply = getattr(block, "apply", None)
    y: Tensor = apply(x, params) if apply is not None else block.forward(x, params)[0]
    return y


def with_training(block: Block, training: bool) -> Block:
    """Give a copy of the block for training or for inference; itself if they are the same to it."""
    change = getattr(block, "with_training", None)
    if change is not None:
        changed: Block = change(training)
        return changed
    if is_dataclass(block) and hasattr(block, "training"):
        return replace(block, training=training)
    return block


def check_block(what: str, value: Any) -> None:
    """Check that `value` is a block. Raises InputError."""
    if isinstance(value, type) or not isinstance(value, Block):
        raise InputError(f"{what} is {value!r}; expected a block")


def check_whole(block: str, setting: str, value: Any, least: int) -> int:
    """Give `value` if it is a whole number of at least `least`. Raises InputError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(
            f"{block}: `{setting}` is {value!r}; expected a whole number of at least {least}"
        )
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
