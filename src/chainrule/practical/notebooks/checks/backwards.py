"""A backward pass that an answer computes, held against differences of the forward pass."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.blocks import Block
from chainrule.checking import check_derivatives
from chainrule.practical.notebooks.checks.compare import Hints, WrongAnswer, as_array, same

Arrays = dict[str, np.ndarray]
Backward = Callable[[np.ndarray, Arrays, np.ndarray], dict[str, Any]]
"""From x, the parameters and dy to the derivatives, by name: "x" and the parameters'."""


def right_backward(
    name: str, block: Block, x: np.ndarray, params: Arrays, backward: Backward, hints: Hints
) -> None:
    """Raise WrongAnswer unless `backward` is the derivative of the block's forward pass by `name`.

    hints: what typical mistakes give; what none of them explains is said in the words of
    `check_derivatives`.
    """
    y, saved = block.forward(_tensor(x), _tensors(params))
    dy = np.random.default_rng(5).normal(size=tuple(y.shape))
    given = backward(x, params, dy)
    dx, dparams = block.backward(_tensor(dy), _tensors(params), saved)
    wanted = ({"x": dx} | dict(dparams))[name].numpy()
    try:
        same(_called(name), given[name], wanted, hints)
    except WrongAnswer as error:
        if not error.vague:
            raise
        raise WrongAnswer(_explained(block, x, params, backward, name) or str(error)) from error


def _explained(
    block: Block, x: np.ndarray, params: Arrays, backward: Backward, name: str
) -> str | None:
    """What `check_derivatives` says of one array; None if it has no guess."""
    mine = _Answered(block, backward)
    checked = check_derivatives(mine, _tensor(x), _tensors(params), conduct=False)
    for mistake in checked.mistakes:
        if mistake.parameter == name and mistake.hint:
            return f"{_called(name)}: {mistake.hint}"
    return None


class _Answered(Block):
    """The block's forward pass with the answer's backward pass."""

    def __init__(self, block: Block, backward: Backward) -> None:
        self._block, self._backward = block, backward

    def forward(self, x: Tensor, params: Mapping[str, Tensor]) -> tuple[Tensor, Any]:
        return self._block.forward(x, params)[0], x

    def backward(
        self, dy: Tensor, params: Mapping[str, Tensor], saved: Any
    ) -> tuple[Tensor, dict[str, Tensor]]:
        arrays = {name: value.numpy() for name, value in params.items()}
        given = self._backward(saved.numpy(), arrays, dy.numpy())
        found = {name: torch.tensor(as_array(name, value)) for name, value in given.items()}
        dx = found.pop("x")
        return dx, found


def _called(name: str) -> str:
    return {"x": "dx", "weight": "dw", "bias": "db"}[name]


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(np.array(array))


def _tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: _tensor(array) for name, array in arrays.items()}
