"""Backward is linear in dy: that is what a derivative is.

So B(0) = 0, B(c dy) = c B(dy), and the parts of dy add up. dy holds zeros wherever the next layer
is a ReLU or a maximum, and may be of any size: losses are scaled up in half precision.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from chainrule.checking.differentiable import Derivatives, copies
from chainrule.checking.kinds import Kind
from chainrule.checking.probes.trial import Trial
from chainrule.checking.verdict import Mistake

FAR = 2.0**40  # exact, so that nothing is rounded


def linearity(trial: Trial) -> Mistake | None:
    """A dy that is 0 somewhere or everywhere, large or small, is not treated as any other."""
    run = trial.form.run(trial.arrays)
    dy = trial.dy

    def backward(parts: Sequence[Tensor], over: float = 1.0) -> Derivatives:
        given = run.backward(copies(parts))
        return {name: None if d is None else d.detach() / over for name, d in given.items()}

    def times(factor: float) -> Derivatives:
        return backward([part * factor for part in dy], factor)

    masks = [_random_mask(part, trial) for part in dy]
    here = [torch.where(mask, part, 0.0) for part, mask in zip(dy, masks, strict=True)]
    there = [torch.where(mask, 0.0, part) for part, mask in zip(dy, masks, strict=True)]
    thirds = [part / 3 for part in dy]
    rest = [part - third for part, third in zip(dy, thirds, strict=True)]
    tries: list[tuple[Kind, str, Derivatives, Derivatives]] = [
        ("not linear", "where dy is 0", backward([0 * part for part in dy]), {}),
        ("zero dy", "where some of dy is 0", _sum(backward(here), backward(there)), trial.claims),
        ("clipped", f"for dy times {FAR:.0e}, taken off again,", times(FAR), trial.claims),
        ("clipped", f"for dy times {1 / FAR:.0e}, taken off again,", times(1 / FAR), trial.claims),
        ("not linear", "for -dy", times(-1.0), trial.claims),
        ("not linear", "for two parts", _sum(backward(thirds), backward(rest)), trial.claims),
    ]
    for kind, where, given, expected in tries:
        zeros = dict.fromkeys(trial.arrays)
        found = trial.differs(given, expected or zeros)
        if found is None:
            continue
        if found.is_rounding:
            hint = f"backward keeps {found.relative:.0e} of dy's digits alone: computed in float32?"
            return Mistake("dy", kind="precision", hint=hint)
        if not found.is_finite:
            return Mistake("dy", kind="zero dy", hint=f"where some of dy is 0 {found.words}")
        return Mistake("dy", kind=kind, hint=f"{where} {found.words}; backward is linear in dy")
    return None


def _sum(one: Derivatives, other: Derivatives) -> Derivatives:
    pairs = {name: (one[name], other.get(name)) for name in one}
    return {name: None if a is None or b is None else a + b for name, (a, b) in pairs.items()}


def _random_mask(part: Tensor, trial: Trial) -> Tensor:
    return torch.as_tensor(trial.generator.random(tuple(part.shape)) < 0.5, device=part.device)
