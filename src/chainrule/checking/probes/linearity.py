"""Backward is linear in dy: that is what a derivative is.

So B(0) = 0, B(c dy) = c B(dy), and the parts of dy add up. dy holds zeros wherever the next layer
is a ReLU or a maximum, and may be of any size: losses are scaled up in half precision.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from chainrule.checking.differentiable import Derivatives, copies
from chainrule.checking.kinds import Kind
from chainrule.checking.probes.trial import Trial
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake

FAR = 2.0**40  # exact, so that nothing is rounded
FURTHER = 2.0**90  # where float64 is used all the way


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
    zeros = dict.fromkeys(trial.arrays)
    tries: list[tuple[Kind, str, Callable[[], Derivatives], Derivatives]] = [
        ("zero dy", "where some of dy is 0", lambda: _sum(backward(here), backward(there)),
         trial.claims),
        ("not linear", "where dy is 0", lambda: backward([0 * part for part in dy]), zeros),
        ("not linear", "for -dy", lambda: times(-1.0), trial.claims),
    ]  # fmt: skip
    for far in (FAR, 1 / FAR, FURTHER, 1 / FURTHER)[: 2 if trial.rounding.coarse else 4]:
        where = f"for dy times {far:.0e}, taken off again,"
        tries.append(("clipped", where, partial(times, far), trial.claims))
    parts = "for two parts", lambda: _sum(backward(thirds), backward(rest)), trial.claims
    tries.append(("not linear", *parts))
    for kind, where, call, expected in tries:
        try:
            found = trial.differs(call(), expected)
        except Exception as error:
            named: Kind = "zero dy" if "0" in where.split() else kind
            return Mistake("dy", kind=named, hint=f"{where} backward fails: {in_words(error)}")
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
