"""Before a check: the layer as it was handed over, brought into form, and its first calls."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chainrule.checking.differentiable import Derivatives, Differentiable, copies
from chainrule.checking.probes.overwriting import constants_put_back
from chainrule.checking.probes.steadiness import unsteady
from chainrule.checking.subject import Subject, check_output
from chainrule.checking.verdict import Mistake


@dataclass(frozen=True)
class Start:
    """form: the layer in float64. uncalled: a copy of it that nobody called yet, if one could be
    made. other: a point at which the form was called, so that what it keeps is of there. unfit:
    what is wrong with it so that its derivatives cannot be compared.
    """

    subject: Subject
    form: Differentiable
    uncalled: Differentiable | None
    other: dict[str, Tensor]
    unfit: Mistake | None


def started(subject: Subject) -> Start:
    """Raises InputError if it cannot be called, or gives no finite y."""
    uncalled = _copy_of(subject)
    form = subject.form()
    # numbers between these and 0 in other places, which are as good for most functions
    other = {name: _rolled(array) for name, array in form.arrays.items()}
    with constants_put_back(form) as overwritten:
        try:
            run = form.run(other)
            run.backward([torch.ones_like(y) for y in run.outputs])
        except Exception:
            other = dict(form.arrays)
    check_output(form, subject)
    unfit = overwritten[0] if overwritten else unsteady(form)
    return Start(subject, form, uncalled, other, unfit)


def called_first(
    start: Start, arrays: dict[str, Tensor], dy: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], Derivatives] | None:
    """The outputs and the derivatives at a point by the copy that was not called before."""
    if start.uncalled is None:
        return None
    try:
        run = start.uncalled.run(arrays)
        outputs = tuple(y.detach().clone() for y in run.outputs)
        given = run.backward(copies(dy))
    except Exception:
        return None  # the layer itself says so
    return outputs, {name: None if d is None else d.detach().clone() for name, d in given.items()}


def _copy_of(subject: Subject) -> Differentiable | None:
    function = subject.function
    if isinstance(function, nn.Module):
        return subject.form()  # which copies a module
    if isinstance(function, type) or not hasattr(function, "backward"):
        return None
    try:
        return replace(subject, function=copy.deepcopy(function)).form()
    except Exception:
        return None  # what holds a lock, say


def _rolled(array: Tensor) -> Tensor:
    rolled = 0.75 * array.reshape(-1).roll(1).reshape(array.shape)
    return rolled if rolled.any() else array + 0.01
