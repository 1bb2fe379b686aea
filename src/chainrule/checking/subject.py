"""What is to be checked, as it was handed over, brought into the one form that can be checked."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.checking.differentiable import (
    Arguments,
    Arrays,
    Differentiable,
    Differentiated,
    Dy,
    Written,
    flat,
)
from chainrule.checking.draws import hold_draws
from chainrule.checking.structure import is_real, named_leaves, replaced
from chainrule.errors import ChainruleError, InputError


@dataclass(frozen=True)
class Subject:
    """A layer with what it is called with, as the caller gave them."""

    function: Any
    x: Any
    params: Mapping[str, Any] | None
    target: Any
    fixed: frozenset[str]

    def form(self, dtype: torch.dtype = torch.float64) -> Differentiable:
        """The layer and its arrays with all real numbers in `dtype`.

        Raises InputError if it is no layer, or nothing can be differentiated.
        """
        function, params = self.function, self.named_params
        if isinstance(function, nn.Module):
            module = copy.deepcopy(function).to(dtype)
            params = _module_parameters(module, params)
            frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
            arguments = self._arguments(params, self.fixed | frozen, dtype)
            held = hold_draws(module)
            in_place = any(getattr(part, "inplace", False) for part in module.modules())
            return Differentiated(arguments, _call_of(module), in_place, held=held)
        arguments = self._arguments(params, self.fixed, dtype)
        if isinstance(function, type) and issubclass(function, torch.autograd.Function):
            return Differentiated(arguments, _call_of(function.apply), may_mark=True)
        _check_kind(function)
        if hasattr(function, "backward"):
            if self.target is not None and params:
                raise InputError(f"params: found {', '.join(params)}; expected none for a loss")
            return Written(arguments, function)
        return Differentiated(arguments, _call_of(function))

    @property
    def named_params(self) -> dict[str, Any]:
        """Raises InputError if they have no names."""
        if self.params is not None and not isinstance(self.params, Mapping):
            raise InputError(
                f"params: found a {type(self.params).__name__}; expected a dictionary by name"
            )
        return dict(self.params or {})

    def _arguments(
        self, params: dict[str, Any], fixed: frozenset[str], dtype: torch.dtype
    ) -> Arguments:
        inputs = named_leaves("x", self.x)
        for name, leaf in inputs.items():
            if not isinstance(leaf, Tensor) or leaf.is_complex():
                found = leaf.dtype if isinstance(leaf, Tensor) else type(leaf).__name__
                raise InputError(f"{name}: found {found}; expected a tensor of real numbers")
        taken = params.keys() & inputs.keys()
        if taken:
            raise InputError(
                f"params: found a parameter named {min(taken)!r}, which is the input's name here"
            )
        unknown = fixed - params.keys()
        if unknown:
            raise InputError(
                f"fixed: found {', '.join(sorted(unknown))}; expected names of parameters, "
                f"which are {', '.join(params) or 'none'}"
            )

        def typed(name: str, leaf: Any) -> Any:
            """A copy: whoever writes into it writes into nothing of the caller's."""
            if isinstance(leaf, np.ndarray):
                raise InputError(f"{name}: found a NumPy array; expected a tensor")
            if not isinstance(leaf, Tensor):
                return leaf
            return leaf.detach().to(dtype, copy=True) if is_real(leaf) else leaf.detach().clone()

        values = {name: typed(name, value) for name, value in params.items()}
        x = replaced("x", self.x, typed)
        learned = {name: value for name, value in values.items() if name not in fixed}
        leaves = {**named_leaves("x", x), **learned}
        arrays = {name: leaf for name, leaf in leaves.items() if is_real(leaf)}
        if not arrays:
            kinds = ", ".join(f"{name} of {leaf.dtype}" for name, leaf in inputs.items())
            raise InputError(f"found {kinds} and no parameter; expected an array of real numbers")
        return Arguments(x, values, replaced("target", self.target, typed), arrays)


def check_output(form: Differentiable, subject: Subject) -> None:
    """Raise InputError unless the form can be called and gives finite real numbers."""
    try:
        y = form.outputs(form.arrays)
    except ChainruleError:
        raise
    except KeyError as error:
        known = ", ".join(subject.named_params) or "none"
        raise InputError(
            f"params: found {known}; expected {error}, too, for which forward asks"
        ) from error
    except Exception as error:
        raise InputError(
            f"forward failed: {in_words(error)}; expected an x, parameters and a target that it "
            "takes"
        ) from error
    if not y:
        raise InputError("the output holds no real number; expected a tensor of real numbers")
    if not np.isfinite(flat(y)).all():
        raise InputError("the output holds NaN or infinity; expected finite numbers")


def claimed(form: Differentiable, arrays: Arrays, dy: Dy) -> dict[str, Tensor | None]:
    """What the layer says its derivatives are. Raises InputError if backward fails."""
    try:
        return form.derivatives(arrays, dy)
    except ChainruleError:
        raise
    except Exception as error:
        shapes = ", ".join(str(tuple(part.shape)) for part in dy if part is not None)
        raise InputError(
            f"backward failed: {in_words(error)}; expected derivatives for a dy of shape {shapes}"
        ) from error


def in_words(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _check_kind(function: Any) -> None:
    """Raise InputError unless it is a block, a loss or a function."""
    if isinstance(function, type):
        raise InputError(
            f"function: found the class {function.__name__}; expected an object of it: "
            f"{function.__name__}(...)"
        )
    methods = [m for m in ("forward", "backward") if callable(getattr(function, m, None))]
    if len(methods) == 1:
        missing = "forward" if methods == ["backward"] else "backward"
        raise InputError(
            f"function: found {type(function).__name__}, which has no {missing}; expected a block "
            "with forward and backward"
        )
    if not methods and not callable(function):
        raise InputError(
            f"function: found {function!r}; expected a block with forward and backward, a "
            "torch.autograd.Function class, an nn.Module, or a function of tensors"
        )


def _module_parameters(module: nn.Module, given: dict[str, Any]) -> dict[str, Any]:
    """Its own parameters, where `given` holds no other."""
    own: dict[str, Any] = dict(module.named_parameters())
    if any(torch.nn.parameter.is_lazy(value) for value in own.values()):
        raise InputError("params: found none yet; expected a module that was called once before")
    unknown = given.keys() - own.keys()
    if unknown:
        raise InputError(
            f"params: found {', '.join(sorted(unknown))}; expected names of the module's "
            f"parameters, which are {', '.join(own) or 'none'}"
        )
    return {**own, **given}


def _call_of(function: Any) -> Callable[[Arguments, Arrays], Any]:
    """Call a module with its parameters in their places; anything else with them after x."""

    def call(arguments: Arguments, given: Arrays) -> Any:
        x, params = arguments.x_of(given), arguments.params_of(given)
        target = arguments.target
        several = isinstance(x, tuple | list)
        positional = [] if isinstance(x, Mapping) else list(x) if several else [x]
        named = dict(x) if isinstance(x, Mapping) else {}
        if target is not None:
            positional += target if isinstance(target, tuple | list) else [target]
        if isinstance(function, nn.Module):
            return torch.func.functional_call(function, params, tuple(positional), named)
        return function(*positional, *params.values(), **named)

    return call
