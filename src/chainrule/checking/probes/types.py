"""Float32, in which networks are trained: the same derivatives, in the type of their arrays."""

import torch

from chainrule.checking.differentiable import Written, detached
from chainrule.checking.probes.trial import Trial
from chainrule.checking.structure import largest
from chainrule.checking.verdict import Mistake

SAME = 1e-2  # float32 has seven digits; a function may well lose half of them


def float32(trial: Trial) -> Mistake | None:
    """A derivative of another type than its array, or one that is wrong in float32 alone."""
    form = trial.subject.form(torch.float32)
    arrays = {name: array.float() for name, array in trial.arrays.items()}
    rounded = {name: array.double() for name, array in arrays.items()}
    try:
        run = form.run(arrays)
        given = run.backward([d.to(y.dtype) for d, y in zip(trial.dy, run.outputs, strict=True)])
    except Exception:
        return None  # it says so itself
    if isinstance(form, Written):
        for name, derivative in detached(given, arrays).items():
            if derivative is not None and derivative.dtype != torch.float32:
                hint = f"for float32 its derivative holds {derivative.dtype}"
                return Mistake(name, kind="dtype", hint=hint)
    y = trial.form.outputs(rounded)
    if any(not _near(now.double(), then, 1e-4) for now, then in zip(run.outputs, y, strict=True)):
        return None  # the function itself loses its digits
    expected = trial.form.derivatives(rounded, trial.dy)
    # what may be left of larger numbers that cancel
    sizes = [largest(d) for d in expected.values() if d is not None]
    sizes += [largest(part) * largest(out) for part, out in zip(trial.dy, y, strict=True)]
    left = 1e-5 * max(sizes, default=0.0)
    for name, then in expected.items():
        now = given.get(name)
        if now is None or then is None or now.shape != then.shape:
            continue
        if not _near(now.detach().double(), then, SAME, left + largest(trial.unknown[name])):
            hint = "its derivative is right in float64, another in float32"
            return Mistake(name, kind="dtype", hint=hint)
    return None


def _near(now: torch.Tensor, then: torch.Tensor, part: float, more: float = 0.0) -> bool:
    return largest(now - then) <= part * largest(then) + more
