"""Random numbers: torch's own layers are held still; whoever else draws is found."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

# the layers of torch.nn that draw from the global generator themselves, as they are meant to
_DRAWING = (
    nn.modules.dropout._DropoutNd,
    nn.RReLU,
    nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d,
    nn.RNNBase,
    nn.MultiheadAttention,
)


def hold_draws(module: nn.Module) -> tuple[str, ...]:
    """Make torch's own random layers in `module` draw the same each time; give their names.

    Around each call of one the global state is set aside, so that nothing else notices.
    """
    held = [part for part in module.modules() if isinstance(part, _DRAWING) and _draws(part)]
    for part in held:
        states: list[Any] = []

        def before(*_: Any, states: list[Any] = states) -> None:
            states.append(_torch_state())
            torch.default_generator.manual_seed(0)
            if _has_gpus():
                torch.cuda.manual_seed_all(0)

        def after(*_: Any, states: list[Any] = states) -> None:
            _set_torch_state(states.pop())

        part.register_forward_pre_hook(before)
        part.register_forward_hook(after, always_call=True)
    return tuple(sorted({type(part).__name__ for part in held}))


@contextmanager
def same_draws() -> Iterator[None]:
    """Leave the global random states as they were found: what runs next draws the same again."""
    # NumPy's old global state is what a layer may draw from, too
    states = random.getstate(), np.random.get_state(), _torch_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        _set_torch_state(states[2])


def draws_from_them(call: Callable[[], object]) -> bool:
    """Whether a call moves one of the global random states, which are put back."""
    with same_draws():
        before = _states()
        call()
        return _states() != before


def _states() -> tuple[Any, ...]:
    numpys: Any = np.random.get_state()  # noqa: NPY002
    on_cpu, on_gpus = _torch_state()
    of_torch = [on_cpu, *on_gpus]
    return (
        random.getstate(),
        repr(numpys),
        numpys[1].tobytes(),
        [bytes(state.numpy()) for state in of_torch],
    )


def _draws(part: nn.Module) -> bool:
    if isinstance(part, nn.FractionalMaxPool2d | nn.FractionalMaxPool3d):
        return True
    rate = getattr(part, "p", getattr(part, "dropout", 1.0))
    return part.training and bool(rate)


def _torch_state() -> tuple[torch.Tensor, list[torch.Tensor]]:
    on_gpus = torch.cuda.get_rng_state_all() if _has_gpus() else []
    return torch.get_rng_state(), on_gpus


def _set_torch_state(state: tuple[torch.Tensor, list[torch.Tensor]]) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])


def _has_gpus() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
