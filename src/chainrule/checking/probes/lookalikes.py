"""Arrays that are told apart by all their numbers alone: a layer that keeps results by less errs.

A table of earlier results needs a key, and a sum, a norm, the first entries or the place in memory
are quick ones. So the layer is called with two points that share all these, one after the other in
the same memory, and then beside the second one, where a smooth function is nearly the same.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.differentiable import Derivatives, Written
from chainrule.checking.probes.trial import Trial
from chainrule.checking.structure import largest
from chainrule.checking.verdict import Mistake

Results = tuple[tuple[Tensor, ...], Derivatives]  # outputs, and the derivatives of arrays

_BITS = 22  # of which sums, and sums of squares, are exact: the order changes no last bit
_ASIDE = 1e-9
_LOOSE = 1e-4  # a derivative moves less than this, as a part of it, on the way aside
_BEFORE: Mapping[str, Callable[[int], int]] = {  # how many entries stay, and what is shared then
    "sum, its largest, first and last entry": lambda size: 1,
    "sum and most of its entries": lambda size: 3 * size // 4,
}


def lookalikes(trial: Trial) -> Mistake | None:
    """Another point in the same memory, with the same sum and the same first entries."""
    for shift, (shared, before) in enumerate(_BEFORE.items()):
        point, dy = _points(trial, 1 + shift * 1e-6)  # one that was not met before
        other = {name: _turned(array, before(array.numel())) for name, array in point.items()}
        rooms: list[Tensor] = []
        try:
            _called(trial, other, [_turned(part, before(part.numel())) for part in dy], rooms)
        except Exception:
            continue  # such as a loss that refuses what is no probability
        found = _called(trial, point, dy, rooms)
        aside = [
            _called(trial, {name: a * t for name, a in point.items()}, [d * t for d in dy], [])
            for t in (1 + _ASIDE, 1 - _ASIDE)
        ]
        words = _differ(trial, found, aside[0])
        # at a kink it is like one of them, or they differ
        if words and _differ(trial, found, aside[1]) and not _differ(trial, *aside):
            hint = (
                f"{words} that of another array with the same {shared}, which came before in the "
                "same memory: what is kept by these is mistaken for it"
            )
            return Mistake("the layer", kind="cache", hint=hint)
    return None


def _points(trial: Trial, factor: float) -> tuple[dict[str, Tensor], list[Tensor]]:
    point = {name: _coarse(factor * array) for name, array in trial.arrays.items()}
    return point, [_coarse(factor * part) for part in trial.dy]


def _called(
    trial: Trial, point: Mapping[str, Tensor], dy: list[Tensor], rooms: list[Tensor]
) -> Results:
    """The outputs and the derivatives, the arrays in `rooms`, which are made in the first call."""
    rooms[:] = rooms or [torch.empty_like(array) for array in point.values()]
    free = iter(rooms)

    def lay(array: Tensor) -> Tensor:
        room = next(free)
        if isinstance(trial.form, Written):
            return room.copy_(array)
        return room.detach().copy_(array)  # so that autograd sees where it comes from

    run = trial.form.run(point, lay)
    outputs = tuple(y.detach().clone() for y in run.outputs)
    given = run.backward([part.clone() for part in dy])
    return outputs, {name: None if d is None else d.detach().clone() for name, d in given.items()}


def _differ(trial: Trial, found: Results, expected: Results) -> str:
    """What of it is not what it is a little aside, in words; "" if all is."""
    loose = max(_LOOSE, 1e5 * trial.rounding.relative)

    def apart(now: Tensor, then: Tensor, unknown: float) -> bool:
        return now.shape != then.shape or largest(now - then) > loose * largest(then) + unknown

    rounds = 1e3 * float(np.max(trial.rounding.rounding, initial=0.0))
    if any(apart(now, then, rounds) for now, then in zip(found[0], expected[0], strict=True)):
        return "y is"
    # what cancels is not of the size of its parts, but rounds as they do
    parts = 1e-9 * max(largest(claim) for claim in trial.claims.values() if claim is not None)
    for name in trial.arrays:
        now, then = found[1].get(name), expected[1].get(name)
        unknown = parts + 1e3 * largest(trial.unknown[name])
        if now is not None and then is not None and apart(now, then, unknown):
            return f"d{name} is"
    return ""


def _coarse(array: Tensor) -> Tensor:
    """The array with its last bits taken off."""
    size = largest(array)
    if not size:
        return array.clone()
    grid = 2.0 ** (torch.tensor(size).log2().ceil().item() - _BITS)
    return (array / grid).round() * grid


def _turned(array: Tensor, before: int) -> Tensor:
    """The entries between the first `before` and the last one, each moved on by one place."""
    row = array.reshape(-1).clone()
    row[before:-1] = row[before:-1].roll(1)
    return row.reshape(array.shape)
