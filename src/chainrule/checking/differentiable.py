"""One form for everything that can be checked: named arrays, a forward pass, the way back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.structure import is_real, named_leaves, replaced
from chainrule.errors import InputError

Arrays = Mapping[str, Tensor]
# a backward pass may forget an array altogether
Derivatives = Mapping[str, Tensor | None]
# one for each real output; None: nothing that follows uses the output
Dy = Sequence[Tensor | None]


@dataclass(frozen=True)
class Run:
    """One forward pass: the tensors that the layer was given, its real outputs, the way back.

    backward(dy) may be called again and again. overwritten: the arrays that the layer says it
    writes into, as `nn.ReLU(inplace=True)` does.
    """

    given: dict[str, Tensor]
    outputs: tuple[Tensor, ...]
    backward: Callable[[Dy], Derivatives]
    overwritten: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Arguments:
    """What a layer is called with, in one floating-point type.

    arrays: what is differentiated, by name: the real tensors of x ("x", or "x[0]", "x[1]" of
    several) and the parameters. x, params and target hold the rest.
    """

    x: Any
    params: dict[str, Any]
    target: Any
    arrays: dict[str, Tensor]

    def x_of(self, given: Arrays) -> Any:
        return replaced("x", self.x, given.get)

    def params_of(self, given: Arrays) -> dict[str, Any]:
        """In the order in which they were given."""
        return {name: given.get(name, value) for name, value in self.params.items()}

    @property
    def inputs(self) -> list[str]:
        """The names of the arrays that are (parts of) x."""
        return [name for name in self.arrays if name not in self.params]

    @property
    def constants(self) -> list[Tensor]:
        """The tensors that are given to the layer and not differentiated."""
        leaves = {**named_leaves("x", self.x), **self.params, **named_leaves("target", self.target)}
        return [
            leaf
            for name, leaf in leaves.items()
            if isinstance(leaf, Tensor) and name not in self.arrays
        ]


@dataclass(frozen=True)
class Differentiable(ABC):
    """A function of named arrays, with the derivatives that it claims.

    held: its layers that draw at random, which was held still.
    """

    arguments: Arguments
    held: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def run(
        self,
        arrays: Arrays,
        lay: Callable[[Tensor], Tensor] = torch.clone,
        learned: frozenset[str] | None = None,
    ) -> Run:
        """One forward pass, of copies: lay(array) says how they lie in memory.

        learned: the arrays whose derivatives are asked for; all of them unless given.
        """

    def outputs(self, arrays: Arrays) -> tuple[Tensor, ...]:
        """The real outputs."""
        return tuple(y.detach() for y in self.run(arrays).outputs)

    @property
    def arrays(self) -> dict[str, Tensor]:
        return self.arguments.arrays

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the verdict should know."""
        return (f"the random draws of {', '.join(self.held)} are held still",) if self.held else ()

    def vector(self, arrays: Arrays) -> np.ndarray:
        """All real outputs in one row, float64; one NaN where the layer fails at this point."""
        try:
            return flat(self.outputs(arrays))
        except Exception:  # such as a loss that refuses what is no probability
            return np.array([np.nan])

    def derivatives(self, arrays: Arrays, dy: Dy) -> dict[str, Tensor | None]:
        """What the layer says its derivatives are, from copies."""
        given = self.run(arrays).backward(copies(dy))
        return detached(given, arrays)


def flat(tensors: Sequence[Tensor | None]) -> np.ndarray:
    """All numbers in one row, float64."""
    rows = [
        t.detach().to("cpu", torch.float64).reshape(-1).numpy() for t in tensors if t is not None
    ]
    return np.concatenate(rows)  # a copy: a layer may write into its last output


def split(row: np.ndarray, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The numbers of `row` as tensors of these shapes, types and devices."""
    ends = np.cumsum([y.numel() for y in like])[:-1]
    parts = np.split(row, ends)
    return tuple(
        torch.as_tensor(part, dtype=y.dtype, device=y.device).reshape(y.shape).clone()
        for part, y in zip(parts, like, strict=True)
    )


def copies(dy: Dy) -> list[Tensor | None]:
    return [None if part is None else part.clone() for part in dy]


def detached(given: Derivatives, arrays: Arrays) -> dict[str, Tensor | None]:
    """One derivative for each array, None where there is none."""
    found = {name: given.get(name) for name in arrays}
    return {name: None if d is None else d.detach() for name, d in found.items()}


@dataclass(frozen=True)
class Written(Differentiable):
    """A block or, with a target, a loss: forward and backward written by hand."""

    function: Any

    def run(
        self,
        arrays: Arrays,
        lay: Callable[[Tensor], Tensor] = torch.clone,
        learned: frozenset[str] | None = None,
    ) -> Run:
        given = {name: lay(array) for name, array in arrays.items()}
        arguments = self.arguments
        is_loss = arguments.target is not None
        x = arguments.x_of(given)
        second = arguments.target if is_loss else arguments.params_of(given)
        y, saved = _pair("forward", "y and what backward needs (None if nothing)",
                         self.function.forward(x, second))  # fmt: skip

        def backward(dy: Dy) -> Derivatives:
            parts = iter(dy)
            by_y = replaced("y", y, lambda _, leaf: next(parts) if is_real(leaf) else None)
            found = self.function.backward(by_y, second, saved)
            if is_loss:
                return named_leaves("x", found)
            dx, dparams = _pair("backward", "dx and a dictionary of the parameters' derivatives",
                                found)  # fmt: skip
            if not isinstance(dparams, Mapping):
                raise InputError(
                    f"backward gave {_in_words(dparams)} as its second thing; expected a "
                    "dictionary of the parameters' derivatives ({} if there are none)"
                )
            derivatives = {**named_leaves("x", dx), **dparams}
            for name, derivative in derivatives.items():
                if derivative is not None and not isinstance(derivative, Tensor):
                    raise InputError(
                        f"backward gave a {type(derivative).__name__} for the derivative by "
                        f"{name}; expected a tensor (None if it is 0 everywhere)"
                    )
            return derivatives

        return Run(given, _real_outputs(y), backward)


@dataclass(frozen=True)
class Differentiated(Differentiable):
    """What torch.autograd differentiates. call(arguments, given) gives the output.

    in_place: it says that it writes into its input. may_mark: it says so, if it does, by giving
    the same tensor back, as a Function does after `ctx.mark_dirty`.
    """

    call: Callable[[Arguments, Arrays], Any]
    in_place: bool = False
    may_mark: bool = False

    def run(
        self,
        arrays: Arrays,
        lay: Callable[[Tensor], Tensor] = torch.clone,
        learned: frozenset[str] | None = None,
    ) -> Run:
        with torch.enable_grad():
            leaves = {
                name: array.detach().clone().requires_grad_(learned is None or name in learned)
                for name, array in arrays.items()
            }
            given = {name: lay(leaf) for name, leaf in leaves.items()}
            y = self.call(self.arguments, given)
        outputs = _real_outputs(y)

        def backward(dy: Dy) -> Derivatives:
            try:
                return gradients(outputs, leaves, dy)
            except RuntimeError as error:
                if "invalid gradient" not in str(error):
                    raise
                # autograd refuses a shape that does not fit; its own words for it are the layer's
                node: Any = outputs[0].grad_fn
                names = [*named_leaves("x", self.arguments.x), *self.arguments.params]
                found = node.apply(*dy)
                found = found if isinstance(found, tuple) else (found,)
                return dict(zip(names, found, strict=True))

        told = {
            name
            for name, a in given.items()
            if self.in_place or (self.may_mark and any(a is y for y in outputs))
        }
        return Run(given, outputs, backward, frozenset(told))

    def outputs(self, arrays: Arrays) -> tuple[Tensor, ...]:
        with torch.no_grad():
            y = self.call(self.arguments, {name: a.clone() for name, a in arrays.items()})
        return _real_outputs(y)


def gradients(outputs: Sequence[Tensor], leaves: Arrays, dy: Dy) -> Derivatives:
    """What torch.autograd says is the derivative of sum(dy * y) by each leaf; None: no path."""
    wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    pairs = [
        (y, d) if d is not None else (_unused(y), torch.zeros_like(y))
        for y, d in zip(outputs, dy, strict=True)
        if y.requires_grad
    ]
    none: Derivatives = dict.fromkeys(leaves)
    if not pairs or not wanted:
        return none
    found = torch.autograd.grad(
        [y for y, _ in pairs],
        list(wanted.values()),
        [d for _, d in pairs],
        retain_graph=True,
        allow_unused=True,
    )
    return {**none, **dict(zip(wanted, found, strict=True))}


def _unused(y: Tensor) -> Tensor:
    found: Tensor = _Unused.apply(y)  # type: ignore[no-untyped-call]
    return found


class _Unused(torch.autograd.Function):
    """Passes on no derivative at all, as if nothing used what comes in."""

    @staticmethod
    def forward(ctx: object, y: Tensor) -> Tensor:
        return y.clone()

    @staticmethod
    def backward(ctx: object, dy: Tensor) -> None:
        return None


def _real_outputs(y: Any) -> tuple[Tensor, ...]:
    return tuple(leaf for leaf in named_leaves("y", y).values() if is_real(leaf))


def _pair(method: str, meaning: str, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise InputError(f"{method} gave {_in_words(given)}; expected two things, {meaning}")
    return given[0], given[1]


def _in_words(given: Any) -> str:
    if isinstance(given, Tensor):
        return f"one tensor of shape {tuple(given.shape)}"
    if isinstance(given, tuple | list):
        return f"{len(given)} things"
    return "nothing" if given is None else f"a {type(given).__name__}"
