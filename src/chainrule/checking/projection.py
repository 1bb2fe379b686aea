"""`check_projection`: one random direction instead of every entry, for arrays of any size."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
import torch

from chainrule.checking.along import KNOWN, Search, project
from chainrule.checking.conduct import CHEAP, first_found
from chainrule.checking.differentiable import flat
from chainrule.checking.dy import random_dy
from chainrule.checking.options import ProjectionOptions, ProjectionSettings, settings_of
from chainrule.checking.probes.trial import Trial
from chainrule.checking.rounding import check_smooth, rounding_of
from chainrule.checking.start import called_first, started
from chainrule.checking.structure import largest
from chainrule.checking.subject import Subject, claimed
from chainrule.checking.verdict import Mistake
from chainrule.errors import InputError

ENOUGH = 0.1  # how well a slope is known at least, as a part of it
ROUNDS = 1e-12  # of the largest derivative: what may be left where another dy makes it 0
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
    as the difference can tell; and the layer does nothing that it must not. mistakes: what it does.
    notes: what was done so that the layer could be checked.
    """

    arrays: tuple[ArrayProjection, ...]
    tolerance: float
    notes: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def right(self) -> bool:
        return self.verdict == "right"

    @property
    def verdict(self) -> Literal["right", "wrong", "not tested"]:
        if self.mistakes or not self.worst_relative_error <= self.tolerance:
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
        rows += [f"WRONG {mistake}" for mistake in self.mistakes]
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
    **options: Unpack[ProjectionOptions],
) -> ProjectionCheck:
    """Hold the derivatives of `function` against differences along one random direction an array.

    function, x, params, target, fixed: as for `check_derivatives`; options: `ProjectionOptions`, by
    name. For a random e of the array's
    shape (standard normal) and a random dy, the two must agree:

        sum(dx * e)  =  sum(dy * (f(x + eta e) - f(x - eta e)) / (2 eta))     method "central"
        sum(dx * e)  =  sum(dy * (f(x + eta e) - f(x)) / eta)                 method "forward"

    The forward form, the practical's, has an error of order eta, the central one of order
    eta^2; the tolerance is 1e-4 or 1e-6 unless given. The error is relative to the larger of the
    difference and the norm of dx, which is the standard deviation of sum(dx * e) over e.

    It costs five evaluations of the function an array, whatever its size, so it works at image
    size, where differencing each entry cannot; but it says only that something is wrong, not
    where. Then the layer is called some fifty times more in other ways, as `check_derivatives` does
    (at this point and with this batch alone); not so with `conduct=False`.

    Outputs within reach of a kink along e are left out (their dy is zero) and counted; where that
    is every output, as in a deep chain, eta is divided by 10 and by 100. Where rounding hides the
    slope, eta is made larger: so a function that casts to float32 inside is checked with the step
    that suits it, to what that can tell.

    Raises InputError as `check_derivatives` does, if the function gives another y at each call, and
    if every output is near a kink.
    """
    settings = settings_of(ProjectionSettings, "check_projection", options)
    trial = _trial(Subject(function, x, params, target, frozenset(fixed)), settings.seed)
    rows = tuple(_row(trial, name, settings) for name in trial.arrays)
    acts = first_found(trial, CHEAP) if settings.conduct else None
    notes = trial.form.notes + trial.rounding.notes
    return ProjectionCheck(rows, settings.bar, notes, () if acts is None else (acts,))


def _trial(subject: Subject, seed: int) -> Trial:
    start = started(subject)
    form, generator = start.form, np.random.default_rng(seed)
    if start.unfit is not None:
        raise InputError(f"{start.unfit.hint}; expected a function that gives the same")
    outputs = form.outputs(form.arrays)
    dy = random_dy(outputs, generator)
    rounding = rounding_of(form.vector, form.arrays, generator)
    check_smooth(rounding)
    claims = claimed(form, form.arrays, dy)
    sizes = {name: 0.0 if d is None else largest(d) for name, d in claims.items()}
    return Trial(
        subject=subject,
        form=form,
        arrays=form.arrays,
        other=start.other,
        dy=dy,
        outputs=outputs,
        claims=claims,
        unknown={name: torch.full_like(a, ROUNDS * sizes[name]) for name, a in form.arrays.items()},
        rounding=rounding,
        generator=generator,
        first=called_first(start, form.arrays, dy),
    )


def _row(trial: Trial, name: str, settings: ProjectionSettings) -> ArrayProjection:
    array, tolerance, eta = trial.arrays[name], settings.bar, settings.eta
    normal = trial.generator.standard_normal(tuple(array.shape))
    e = torch.as_tensor(normal, device=array.device)
    search = Search(
        [eta, eta / 10, eta / 100, *(step for step in LARGER if step > eta)],
        settings.method,
        KNOWN if trial.rounding.coarse else ENOUGH,
        kink=0.1 * tolerance,
    )
    dy, noise = flat(trial.dy), trial.rounding.noise
    found = project(trial.form, trial.arrays, {name: e}, dy, noise, search)
    if found is None:
        raise InputError(
            f"every output is within reach of a kink along {name} at eta = {eta:g} and a "
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
