"""What is done to gradients and rates before a step: clipping, and rates by layer."""

import difflib
from collections.abc import Mapping

import torch
from torch import Tensor

from chainrule.errors import InputError


def clipped(gradients: dict[str, Tensor], largest: float | None) -> dict[str, Tensor]:
    """The gradients, scaled down so that the norm of all together is `largest` at most.

    With n the square root of the sum of the squares of all entries of all gradients, and n >
    largest, each is multiplied by largest / n: the direction stays, and no step is longer than the
    rate allows (Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural
    networks, 2013, algorithm 1). None clips nothing.
    """
    if largest is None or not gradients:
        return gradients
    norms = torch.stack(
        [torch.linalg.vector_norm(g.to(_wide(g.dtype))) for g in gradients.values()]
    )
    norm = float(torch.linalg.vector_norm(norms))
    if norm <= largest:
        return gradients
    return {name: gradient * (largest / norm) for name, gradient in gradients.items()}


def _wide(dtype: torch.dtype) -> torch.dtype:
    """float32 at least: a sum of squares in 16 bits would lose its last bits."""
    return dtype if dtype.itemsize >= 4 else torch.float32


def rate_factors(
    layer_rates: Mapping[str, float], parameters: Mapping[str, Tensor]
) -> dict[str, float]:
    """What each parameter's rate is multiplied by, for those that some name fits.

    A name is a parameter's ("conv1.bias") or a layer's ("conv1", "body.conv1"); the longest that
    fits counts. Raises InputError if a name fits none.
    """
    factors: dict[str, float] = {}
    for name in sorted(layer_rates, key=len):
        fits = [p for p in parameters if p == name or p.startswith(f"{name}.")]
        if not fits:
            known = [*parameters, *{p.rpartition(".")[0] for p in parameters}]
            near = difflib.get_close_matches(name, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"layer_rates: no layer and no parameter is called {name!r}{hint}; expected one of "
                f"the chain's: {', '.join(parameters)}"
            )
        factors.update(dict.fromkeys(fits, float(layer_rates[name])))
    return factors
