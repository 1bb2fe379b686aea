"""`check_derivatives`: every entry of every derivative against central differences."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.derivatives import check_delta
from chainrule.checking.diagnosis import Evidence, Kind, diagnose
from chainrule.checking.differences import (
    Differences,
    difference,
    differences_off_kinks,
)
from chainrule.checking.differentiable import Differentiable, as_differentiable
from chainrule.errors import InputError

TOLERANCE = 1e-6
STEP = 1e-5


@dataclass(frozen=True)
class Mistake:
    """A derivative that is wrong: where it is worst, both numbers, and the likely kind.

    entry, ours and numeric are those of the entry with the largest error; entry is () and ours
    None where there is no number to show (no derivative, or another shape). wrong of entries
    differ. kind is None where the numbers do not tell; hint is then empty.
    """

    parameter: str
    entry: tuple[int, ...]
    ours: float | None
    numeric: float
    wrong: int
    entries: int
    kind: Kind | None
    hint: str

    def __str__(self) -> str:
        place = f"{self.parameter}{list(self.entry)}" if self.entry else self.parameter
        given = "no number" if self.ours is None else f"{self.ours:.9g}"
        sentence = (
            f"{place}: {given}, but {self.numeric:.9g} by central differences "
            f"({self.wrong} of {self.entries} entries differ)"
        )
        return sentence + (f"; likely {self.kind}: {self.hint}" if self.kind else "")


@dataclass(frozen=True)
class ArrayCheck:
    """One array's derivative: its worst entry, that entry's relative error, the step."""

    name: str
    shape: tuple[int, ...]
    step: float
    worst_relative_error: float
    worst_entry: tuple[int, ...]


@dataclass(frozen=True)
class DerivativeCheck:
    """The verdict, array by array; `print` it for the table.

    right: no mistake was found. point: x and the parameters where they were checked, in float64.
    moved_from_kinks: how many of its entries were moved because a kink was within reach.
    """

    arrays: tuple[ArrayCheck, ...]
    mistakes: tuple[Mistake, ...]
    point: dict[str, Tensor] = field(repr=False)
    moved_from_kinks: int
    tolerance: float

    @property
    def right(self) -> bool:
        return not self.mistakes

    @property
    def worst_relative_error(self) -> float:
        return max(array.worst_relative_error for array in self.arrays)

    def __str__(self) -> str:
        width = max(len("array"), *(len(array.name) for array in self.arrays))
        rows = [f"{'array':{width}}  {'shape':16}  {'step':7}  worst relative error"]
        rows += [
            f"{array.name:{width}}  {array.shape!s:16}  {array.step:<7g}  "
            f"{array.worst_relative_error:.1e}"
            for array in self.arrays
        ]
        rows.append(
            f"tolerance {self.tolerance:g}, {self.moved_from_kinks} entries moved from kinks"
        )
        rows += [f"WRONG {mistake}" for mistake in self.mistakes] or ["right"]
        return "\n".join(rows)


def check_derivatives(
    function: Any,
    x: Tensor,
    params: Mapping[str, Any] | None = None,
    *,
    target: Tensor | None = None,
    fixed: Collection[str] = (),
    step: float = STEP,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> DerivativeCheck:
    """Hold each derivative of `function` at x and params against central differences.

    function: one of

    - a block, with forward(x, params) -> (y, saved) and backward(dy, params, saved) -> (dx,
      dparams); with `target` a loss, with forward(x, target) and backward(dloss, target, saved)
    - a torch.autograd.Function class: called as function.apply(x, *params.values()), where values
      that are no floating-point tensors are settings
    - a torch.nn.Module: at its own parameters, where `params` gives no others

    x: any shape, the batch first. fixed: names in params that are not differentiated
    (running moments, a mask that was drawn). All is done in float64 on x's device; the layer and
    its parameters are left as they were.

    For a random dy (drawn with `seed`, 0.5 to 1.5 in size), the derivative of sum(dy * y) by each
    entry a is set against (f(a + step) - f(a - step)) / (2 step). An error is relative to the
    largest derivative in the same array (or, in an array where all vanish, to the least that
    differences can tell from 0). Entries within reach of a kink are moved away from it, and
    counted; where the function curves so much that the difference's own error would show, the
    step is made smaller. Both are judged from the function alone. It costs six evaluations of the
    function an entry, and as many again after each move: for small arrays; `check_projection` is
    for large ones.

    Raises InputError if `function` is none of these, gives something other than one finite and
    repeatable float64 tensor, or cannot be moved clear of kinks (or of what looks like one at this
    step).

    Source: two-sided differences as in the practical's derivative check, which is one-sided.
    """
    check_delta(step)
    check_tolerance(tolerance)
    form = as_differentiable(function, x, params, target, frozenset(fixed))
    generator = np.random.default_rng(seed)
    dy = random_dy(form, generator)
    found = differences_off_kinks(form, dy, step=step, tolerance=tolerance, generator=generator)
    given = form.derivatives(found.arrays, dy)
    checks, mistakes = [], []
    for name, numeric in found.derivatives.items():
        errors = _relative_errors(given[name], numeric, found.scales[name])
        entry, error = _worst(errors)
        checks.append(ArrayCheck(name, tuple(numeric.shape), found.steps[name], error, entry))
        if error > tolerance:
            wrong = int((errors > tolerance).sum())
            mistakes.append(_mistake(form, given, found, dy, name, entry, wrong))
    return DerivativeCheck(tuple(checks), tuple(mistakes), found.arrays, found.moved, tolerance)


def check_tolerance(tolerance: float) -> None:
    """Raise InputError unless the tolerance is above 0."""
    if not tolerance > 0:
        raise InputError(f"tolerance: found {tolerance:g}; expected a number above 0")


def random_dy(form: Differentiable, generator: np.random.Generator) -> Tensor:
    """Random signs times 0.5 to 1.5: no output is so weak that its errors would not be seen."""
    y = form.value(form.arrays)
    shape = tuple(y.shape)
    size = generator.uniform(0.5, 1.5, shape) * generator.choice([-1.0, 1.0], shape)
    return torch.as_tensor(size, dtype=torch.float64, device=y.device).reshape(shape)


def _relative_errors(given: Tensor | None, numeric: Tensor, scale: float) -> Tensor:
    """|ours - numeric| / scale for each entry; infinite where there is no number to compare."""
    if given is None:
        # no derivative means zero, which is right where the function does not depend on the array
        given = torch.zeros_like(numeric)
    if given.shape != numeric.shape:
        return torch.full_like(numeric, torch.inf)
    return ((given.to(numeric) - numeric).abs() / scale).nan_to_num(torch.inf, posinf=torch.inf)


def _worst(errors: Tensor) -> tuple[tuple[int, ...], float]:
    """The entry with the largest error, and the error; () and 0 where there is no entry."""
    if not errors.numel():
        return (), 0.0
    place = np.unravel_index(int(errors.argmax()), tuple(errors.shape)) if errors.dim() else ()
    entry = tuple(int(i) for i in place)
    return entry, float(errors[entry])


def _mistake(
    form: Differentiable,
    given: Mapping[str, Tensor | None],
    found: Differences,
    dy: Tensor,
    name: str,
    entry: tuple[int, ...],
    wrong: int,
) -> Mistake:
    numeric, ours = found.derivatives[name], given[name]

    def by_sample(sample: int) -> Tensor:
        alone = torch.zeros_like(dy)
        alone[sample] = dy[sample]
        return difference(form, found.arrays, alone, {name: found.steps[name]})[name]

    kind = diagnose(
        ours, Evidence(name, found.arrays, found.derivatives, found.scales[name], dy, by_sample)
    )
    shown = ours is not None and ours.shape == numeric.shape
    return Mistake(
        parameter=name,
        entry=entry if shown else (),
        ours=float(ours[entry]) if ours is not None and shown else None,
        numeric=float(numeric[entry]),
        wrong=wrong,
        entries=numeric.numel(),
        kind=kind[0] if kind else None,
        hint=kind[1] if kind else "",
    )
