"""Forward and backward must leave what they are given as it was.

Who gets dy or x beside the layer (a residual, the layer before, the caller's data) would otherwise
read something else: y = x + f(x) with an f that triples x in place has the derivative of 4 x.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from chainrule.checking.differentiable import Arrays, Differentiable, copies
from chainrule.checking.probes.trial import Trial
from chainrule.checking.verdict import Mistake

FAR = 1000.0  # where a layer may clip what it is given


def overwriting(trial: Trial) -> Mistake | None:
    """An array, a target, y or dy that forward or backward writes into, here and far away."""
    found = _overwritten(trial, trial.arrays)
    if found is not None:
        return found
    far = {name: FAR * array for name, array in trial.arrays.items()}
    try:
        return _overwritten(trial, far)
    except Exception:
        return None  # such as a loss that refuses what is no probability


@contextmanager
def constants_put_back(form: Differentiable) -> Iterator[list[Mistake]]:
    """Give a list that holds a mistake in the end if the layer wrote into what is fixed.

    That is a target, whole numbers, or another array that is not differentiated.
    """
    constants, found = form.arguments.constants, list[Mistake]()
    kept = [constant.clone() for constant in constants]
    yield found
    for now, was in zip(constants, kept, strict=True):
        if _changed(now, was):
            now.copy_(was)
            found[:] = [_mistake("the layer", "a target or fixed array")]


def _overwritten(trial: Trial, arrays: Arrays) -> Mistake | None:
    run = trial.form.run(arrays)
    for name, given in run.given.items():
        if _changed(given, arrays[name]) and name not in run.overwritten:
            return _mistake("forward", name)
    before = {name: given.detach().clone() for name, given in run.given.items()}
    outputs = [y.detach().clone() for y in run.outputs]
    dy = copies(trial.dy)
    run.backward(dy)
    for part, was in zip(dy, trial.dy, strict=True):
        if part is not None and _changed(part, was):
            return _mistake("backward", "dy")
    for name, given in run.given.items():
        if _changed(given, before[name]):
            return _mistake("backward", name)
    if any(_changed(y, was) for y, was in zip(run.outputs, outputs, strict=True)):
        return _mistake("backward", "y")
    return None


def _changed(now: Tensor, was: Tensor) -> bool:
    now, was = now.detach(), was.detach()
    return not bool(torch.equal(now, was)) and not torch.allclose(now, was, 0, 0, equal_nan=True)


def _mistake(who: str, what: str) -> Mistake:
    return Mistake(
        what, kind="overwrites", hint=f"{who} writes into {what}, which others still read"
    )
