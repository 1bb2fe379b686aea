"""Forward and backward must leave what they are given as it was.

Who gets dy or x beside the layer (a residual, the layer before, the caller's data) would otherwise
read something else: y = x + f(x) with an f that triples x in place has the derivative of 4 x.
"""

import torch
from torch import Tensor

from chainrule.checking.differentiable import copies
from chainrule.checking.probes.trial import Trial
from chainrule.checking.verdict import Mistake


def overwriting(trial: Trial) -> Mistake | None:
    """An array, a target, y or dy that forward or backward writes into."""
    constants = trial.form.arguments.constants
    kept = [constant.clone() for constant in constants]
    run = trial.form.run(trial.arrays)
    for name, given in run.given.items():
        if _changed(given, trial.arrays[name]) and name not in run.overwritten:
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
    if any(_changed(now, was) for now, was in zip(constants, kept, strict=True)):
        for now, was in zip(constants, kept, strict=True):
            now.copy_(was)
        return _mistake("the layer", "a target or fixed array")
    return None


def _changed(now: Tensor, was: Tensor) -> bool:
    return not torch.equal(now.detach(), was.detach())


def _mistake(who: str, what: str) -> Mistake:
    return Mistake(
        what, kind="overwrites", hint=f"{who} writes into {what}, which others still read"
    )
