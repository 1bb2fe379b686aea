"""`check_projection`: one random direction instead of every entry, for arrays of any size."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from chainrule.checking.along import KNOWN, project
from chainrule.checking.check import check_tolerance
from chainrule.checking.derivatives import check_delta
from chainrule.checking.differentiable import Differentiable, flat
from chainrule.checking.dy import random_dy
from chainrule.checking.probes.steadiness import unsteady
from chainrule.checking.rounding import Rounding, check_smooth, rounding_of
from chainrule.checking.subject import Subject, as_differentiable
from chainrule.errors import InputError

TOLERANCE = {"central": 1e-6, "forward": 1e-4}
ENOUGH = 0.1  # how well a slope is known at least, as a part of it
LARGER = (1e-4, 1e-3, 1e-2, 1e-1, 1e1, 1e3, 1e5)  # steps, where rounding leaves less than that


@dataclass(frozen=True)
class ArrayProjection:
    """One array: sum(dx * e) beside the difference along e, and their relative error.

    eta: the step that was taken. left_out: how many outputs were left out of both sums because a
    kink was within reach. unknown: what the difference cannot tell, as a part of the larger sum.
    """

    name: str
    shape: tuple[int, ...]
    eta: float
    ours: float
    numeric: float
    relative_error: float
    left_out: int
    unknown: float

    @property
    def tested(self) -> bool:
        return self.unknown < 1


@dataclass(frozen=True)
class ProjectionCheck:
    """The verdict, array by array; `print` it for the table.

    right: all are within the tolerance, and tested, which one is not whose derivative is 0 as far
    as the difference can tell. notes: what was done so that the layer could be checked.
    """

    arrays: tuple[ArrayProjection, ...]
    tolerance: float
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.verdict == "right"

    @property
    def verdict(self) -> Literal["right", "wrong", "not tested"]:
        if not self.worst_relative_error <= self.tolerance:
            return "wrong"
        return "right" if all(array.tested for array in self.arrays) else "not tested"

    @property
    def worst_relative_error(self) -> float:
        return max(array.relative_error for array in self.arrays)

    def __str__(self) -> str:
        width = max(len("array"), *(len(array.name) for array in self.arrays))
        rows = [
            f"{'array':{width}}  {'shape':20}  {'eta':7}  {'sum(dx * e)':>15}  "
            f"{'by difference':>15}  relative error  outputs left out  known to"
        ]
        rows += [
            f"{a.name:{width}}  {a.shape!s:20}  {a.eta:<7g}  {a.ours:15.9g}  {a.numeric:15.9g}  "
            f"{a.relative_error:14.1e}  {a.left_out:16,}  "
            f"{f'{a.unknown:.1e}' if a.tested else 'not tested'}"
            for a in self.arrays
        ]
        rows += [f"note: {note}" for note in self.notes]
        verdict = "WRONG" if self.verdict == "wrong" else self.verdict
        rows.append(f"tolerance {self.tolerance:g}: {verdict}")
        return "\n".join(rows)


def check_projection(
    function: Any,
    x: Any,
    params: Mapping[str, Any] | None = None,
    *,
    target: Any = None,
    fixed: Collection[str] = (),
    eta: float = 1e-6,
    method: str = "central",
    tolerance: float | None = None,
    seed: int = 0,
) -> ProjectionCheck:
    """Hold the derivatives of `function` against differences along one random direction an array.

    function, x, params, target, fixed: as for `check_derivatives`. For a random e of the array's
    shape (standard normal) and a random dy, the two must agree:

        sum(dx * e)  =  sum(dy * (f(x + eta e) - f(x - eta e)) / (2 eta))     method "central"
        sum(dx * e)  =  sum(dy * (f(x + eta e) - f(x)) / eta)                 method "forward"

    The forward form, the practical's, has an error of order eta, the central one of order
    eta^2; the tolerance is 1e-4 or 1e-6 unless given. The error is relative to the larger of the
    difference and the norm of dx, which is the standard deviation of sum(dx * e) over e.

    It costs five evaluations of the function an array, whatever its size, so it works at image
    size, where differencing each entry cannot; but it says only that something is wrong, not
    where, and it does not look at how the layer acts. Outputs within reach of a kink along e are
    left out (their dy is zero) and counted; where that is every output, as in a deep chain, eta is
    divided by 10 and by 100. Where rounding hides the slope, eta is made larger: so a function that
    casts to float32 inside is checked with the step that suits it, to what that can tell.

    Raises InputError as `check_derivatives` does, if the function gives another y at each call, and
    if every output is near a kink.
    """
    check_delta(eta)
    if method not in TOLERANCE:
        raise InputError(f"method: found {method!r}; expected one of {', '.join(TOLERANCE)}")
    bar = TOLERANCE[method] if tolerance is None else tolerance
    check_tolerance(bar)
    form = as_differentiable(Subject(function, x, dict(params or {}), target, frozenset(fixed)))
    moody = unsteady(form)
    if moody is not None:
        raise InputError(f"{moody.hint}; expected a function that gives the same")
    generator = np.random.default_rng(seed)
    dy = flat(random_dy(form.outputs(form.arrays), generator))
    rounding = rounding_of(form.vector, form.arrays, generator)
    check_smooth(rounding)
    steps = [eta, eta / 10, eta / 100, *(step for step in LARGER if step > eta)]
    rows = tuple(
        _row(form, name, dy, rounding, steps, method, bar, generator) for name in form.arrays
    )
    return ProjectionCheck(rows, bar, form.notes + rounding.notes)


def _row(
    form: Differentiable,
    name: str,
    dy: np.ndarray,
    rounding: Rounding,
    steps: Sequence[float],
    method: str,
    tolerance: float,
    generator: np.random.Generator,
) -> ArrayProjection:
    array = form.arrays[name]
    e = torch.as_tensor(generator.standard_normal(tuple(array.shape)), device=array.device)
    enough = KNOWN if rounding.coarse else ENOUGH
    found = project(
        form, form.arrays, {name: e}, dy, rounding.rounding, steps, method, enough,
        kink=0.1 * tolerance,
    )  # fmt: skip
    if found is None:
        raise InputError(
            f"every output is within reach of a kink along {name} at eta = {steps[0]:g} and a "
            "hundredth of it; expected a function that is smooth apart from separate kinks"
        )
    size = max(abs(found.numeric), found.size, float(np.finfo(np.float64).tiny))
    error = abs(found.ours - found.numeric) / max(size, found.unknown / tolerance)
    return ArrayProjection(
        name,
        tuple(array.shape),
        eta=found.step,
        ours=found.ours,
        numeric=found.numeric,
        relative_error=error if np.isfinite(error) else np.inf,
        left_out=found.left_out,
        unknown=found.unknown / size if array.numel() else 0.0,
    )
