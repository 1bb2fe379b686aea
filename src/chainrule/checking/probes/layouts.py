"""The same numbers, laid out in memory in other ways: the derivatives must not change.

What comes from a convolution may lie channels last, what comes from a sum is one number that is
repeated, and a slice has gaps. Who reads memory by its address alone reads the gaps, which hold NaN
here.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from chainrule.checking.differentiable import Derivatives, Dy, Run, copies
from chainrule.checking.probes.trial import Trial
from chainrule.checking.subject import in_words
from chainrule.checking.verdict import Mistake

Layout = Callable[[Tensor], Tensor]


def layout_of_dy(trial: Trial) -> Mistake | None:
    """dy with gaps, in another order, and one number repeated."""
    run = trial.form.run(trial.arrays)
    for words, lay in LAYOUTS.items():
        hint = _trouble(trial, run, [lay(part) for part in trial.dy])
        if hint:
            return Mistake("dy", kind="layout", hint=f"where dy {words}, {hint}")
    ones = [torch.ones_like(part) for part in trial.dy]
    expected = run.backward(copies(ones))
    expected = {name: None if d is None else d.detach().clone() for name, d in expected.items()}
    repeated = [one.new_ones(()).expand(one.shape) for one in ones]
    hint = _trouble(trial, run, repeated, expected)
    if hint:
        return Mistake("dy", kind="layout", hint=f"where dy is one number repeated, {hint}")
    return None


def layout_of_arrays(trial: Trial) -> Mistake | None:
    """x and the parameters with gaps and in another order."""
    if trial.form.held:
        return None  # what is drawn for an entry depends on where it lies
    for words, lay in LAYOUTS.items():
        try:
            run = trial.form.run(trial.arrays, lay)
        except Exception:
            continue  # it says so itself
        if trial.outputs_differ(run.outputs):
            hint = f"where it {words}, y is another"
            return Mistake("x", kind="layout", hint=hint)
        hint = _trouble(trial, run, copies(trial.dy))
        if hint:
            return Mistake("x", kind="layout", hint=f"where it {words}, {hint}")
    return None


def _trouble(trial: Trial, run: Run, dy: Dy, expected: Derivatives | None = None) -> str:
    try:
        found = trial.differs(run.backward(dy), expected)
    except Exception as error:
        return f"backward fails: {in_words(error)}"
    return found.words if found else ""


def _with_gaps(array: Tensor) -> Tensor:
    return torch.stack([torch.full_like(array, torch.nan), array], -1)[..., 1]


def _with_row_gaps(array: Tensor) -> Tensor:
    if not array.dim():
        return array.clone()
    gap = array.new_full((*array.shape[:-1], 1), torch.nan)
    return torch.cat([array, gap], -1)[..., :-1]


def _reversed(array: Tensor) -> Tensor:
    order = list(range(array.dim()))[::-1]
    return array.permute(order).contiguous().permute(order)


def _channels_last(array: Tensor) -> Tensor:
    order = [0, *range(2, array.dim()), 1] if array.dim() > 2 else list(range(array.dim()))
    back = [order.index(axis) for axis in range(array.dim())]
    return array.permute(order).contiguous().permute(back)


LAYOUTS: dict[str, Layout] = {
    "has gaps in memory": _with_gaps,
    "has gaps between its rows in memory": _with_row_gaps,
    "lies channels last": _channels_last,
    "has its axes reversed in memory": _reversed,
}
