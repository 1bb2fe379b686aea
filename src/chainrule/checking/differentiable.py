"""One form for everything that can be checked: named arrays, their value, their derivatives."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from chainrule.errors import InputError

Arrays = Mapping[str, Tensor]
# a backward pass may forget an array altogether
Derivatives = Mapping[str, Tensor | None]


@dataclass(frozen=True)
class Differentiable:
    """A function of named float64 arrays, with the derivatives that it claims.

    arrays: "x" and the parameters, at the point of the check. evaluate(arrays) gives the output.
    derive(arrays, dy) gives the derivative of sum(dy * output) by each array, in whatever shape
    the layer gives it.
    """

    arrays: dict[str, Tensor]
    evaluate: Callable[[Arrays], Tensor]
    derive: Callable[[Arrays, Tensor], Derivatives]

    def value(self, arrays: Arrays) -> Tensor:
        """The output, from copies: a layer that works in place must not change the point."""
        return self.evaluate(_copies(arrays)).detach()

    def derivatives(self, arrays: Arrays, dy: Tensor) -> Derivatives:
        """What the layer says its derivatives are, from copies."""
        given = self.derive(_copies(arrays), dy.clone())
        return {
            name: None if array is None else array.detach()
            for name, array in ((name, given.get(name)) for name in arrays)
        }


def as_differentiable(
    function: Any,
    x: Tensor,
    params: Mapping[str, Any] | None,
    target: Tensor | None,
    fixed: frozenset[str],
) -> Differentiable:
    """Bring a block, a loss, an nn.Module or an autograd.Function into the one form.

    Raises InputError if it is none of these, x holds no real numbers, or the output is not a
    finite tensor or differs from one call to the next.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        found = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InputError(f"x: found {found}; expected a tensor of real numbers")
    given = dict(params or {})
    x = x.detach().double()
    is_function = isinstance(function, type) and issubclass(function, torch.autograd.Function)
    if target is not None and (is_function or isinstance(function, torch.nn.Module)):
        raise InputError("target: found one; expected it for a loss with forward and backward only")
    if isinstance(function, torch.nn.Module):
        form = _module(function, x, given, fixed)
    elif is_function:
        form = _autograd_function(function, x, given, fixed)
    elif callable(getattr(function, "forward", None)) and callable(
        getattr(function, "backward", None)
    ):
        form = (
            _block(function, x, given, fixed)
            if target is None
            else _loss(function, x, target, given)
        )
    else:
        raise InputError(
            f"function: found {function!r}; expected a block with forward and backward, a "
            "torch.autograd.Function class or an nn.Module"
        )
    _check_output(form)
    return form


def _block(block: Any, x: Tensor, params: dict[str, Any], fixed: frozenset[str]) -> Differentiable:
    arrays, constants = _split(params, fixed)

    def evaluate(arrays: Arrays) -> Tensor:
        y, _ = block.forward(arrays["x"], _named(params, constants, arrays))
        return cast(Tensor, y)

    def derive(arrays: Arrays, dy: Tensor) -> Derivatives:
        all_params = _named(params, constants, arrays)
        _, saved = block.forward(arrays["x"], all_params)
        dx, dparams = block.backward(dy, all_params, saved)
        return {"x": dx, **dparams}

    return Differentiable({"x": x, **arrays}, evaluate, derive)


def _loss(loss: Any, x: Tensor, target: Tensor, params: dict[str, Any]) -> Differentiable:
    if params:
        raise InputError(f"params: found {', '.join(params)}; expected none for a loss")

    def evaluate(arrays: Arrays) -> Tensor:
        return cast(Tensor, loss.forward(arrays["x"], target)[0])

    def derive(arrays: Arrays, dy: Tensor) -> Derivatives:
        _, saved = loss.forward(arrays["x"], target)
        return {"x": loss.backward(dy, target, saved)}

    return Differentiable({"x": x}, evaluate, derive)


def _module(
    module: torch.nn.Module, x: Tensor, params: dict[str, Any], fixed: frozenset[str]
) -> Differentiable:
    """Its own parameters, where `params` gives no other; frozen ones are not checked."""
    double = copy.deepcopy(module).double()
    own = dict(double.named_parameters())
    unknown = params.keys() - own.keys()
    if unknown:
        raise InputError(
            f"params: found {', '.join(sorted(unknown))}; expected names of the module's "
            f"parameters, which are {', '.join(own) or 'none'}"
        )
    frozen = {name for name, parameter in own.items() if not parameter.requires_grad}
    arrays, constants = _split({**own, **params}, fixed | frozen)

    def evaluate(arrays: Arrays) -> Tensor:
        named = {**constants, **{name: arrays[name] for name in arrays if name != "x"}}
        return cast(Tensor, torch.func.functional_call(double, named, (arrays["x"],)))

    def derive(arrays: Arrays, dy: Tensor) -> Derivatives:
        leaves = _leaves(arrays)
        return gradients(evaluate(_copies(leaves)), leaves, dy)

    def evaluate_alone(arrays: Arrays) -> Tensor:
        with torch.no_grad():
            return evaluate(arrays)

    return Differentiable({"x": x, **arrays}, evaluate_alone, derive)


def _autograd_function(
    function: type[torch.autograd.Function],
    x: Tensor,
    params: dict[str, Any],
    fixed: frozenset[str],
) -> Differentiable:
    """`function.apply(x, *params.values())`: what holds no real numbers is a setting."""
    arrays, constants = _split(params, fixed)

    def evaluate(arrays: Arrays) -> Tensor:
        return cast(
            Tensor,
            function.apply(  # type: ignore[no-untyped-call]
                arrays["x"], *_named(params, constants, arrays).values()
            ),
        )

    def derive(arrays: Arrays, dy: Tensor) -> Derivatives:
        leaves = _leaves(arrays)
        y = evaluate(_copies(leaves))
        try:
            return gradients(y, leaves, dy)
        except RuntimeError as error:
            if "invalid gradient" not in str(error):
                raise
            # autograd refuses a shape that does not fit; its own words for it are the layer's
            given = cast(Any, y.grad_fn).apply(dy)
            names = ["x", *params]
            return dict(zip(names, given if isinstance(given, tuple) else (given,), strict=True))

    def evaluate_alone(arrays: Arrays) -> Tensor:
        with torch.no_grad():
            return evaluate(arrays)

    return Differentiable({"x": x, **arrays}, evaluate_alone, derive)


def gradients(y: Tensor, leaves: Arrays, dy: Tensor) -> Derivatives:
    """What torch.autograd says is the derivative of sum(dy * y) by each leaf; None: no path."""
    if not y.requires_grad:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(y, list(leaves.values()), dy, allow_unused=True)
    return dict(zip(leaves, found, strict=True))


def _leaves(arrays: Arrays) -> dict[str, Tensor]:
    return {name: array.detach().requires_grad_() for name, array in arrays.items()}


def _copies(arrays: Arrays) -> dict[str, Tensor]:
    """A layer may change these in place, which autograd does not allow for a leaf itself."""
    return {name: array.clone() for name, array in arrays.items()}


def _split(
    params: Mapping[str, Any], fixed: frozenset[str]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The parameters that are differentiated, in float64, and the rest."""
    if "x" in params:
        raise InputError("params: found a parameter named 'x', which is the input's name here")
    unknown = fixed - params.keys()
    if unknown:
        raise InputError(
            f"fixed: found {', '.join(sorted(unknown))}; expected names of parameters, "
            f"which are {', '.join(params) or 'none'}"
        )
    arrays: dict[str, Tensor] = {}
    constants: dict[str, Any] = {}
    for name, value in params.items():
        real = isinstance(value, Tensor) and value.is_floating_point()
        if real and name not in fixed:
            arrays[name] = value.detach().double()
        else:
            constants[name] = value.detach().double() if real else value
    return arrays, constants


def _named(
    params: Mapping[str, Any], constants: Mapping[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """The parameters in the order in which they were given."""
    return {name: constants[name] if name in constants else arrays[name] for name in params}


def _check_output(form: Differentiable) -> None:
    found: Any = form.evaluate(_copies(form.arrays))
    if not isinstance(found, Tensor):
        raise InputError(f"the output is {type(found).__name__}; expected one tensor")
    y = found.detach()
    if y.dtype != torch.float64:
        raise InputError(f"the output holds {y.dtype}; expected float64, as the input")
    if not bool(torch.isfinite(y).all()):
        raise InputError("the output holds NaN or infinity; expected finite numbers")
    if not torch.equal(y, form.value(form.arrays)):
        raise InputError(
            "the output differs from one call to the next; expected a function that gives the "
            "same for the same input (hold its random draw still)"
        )
