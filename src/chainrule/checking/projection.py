"""`check_projection`: one random direction instead of every entry, for arrays of any size."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.check import check_tolerance, random_dy
from chainrule.checking.differences import SHARE
from chainrule.checking.differentiable import Differentiable, as_differentiable
from chainrule.derivatives import check_delta
from chainrule.errors import InputError

TOLERANCE = {"central": 1e-6, "forward": 1e-4}


@dataclass(frozen=True)
class ArrayProjection:
    """One array: sum(dx * e) beside the difference along e, and their relative error.

    left_out: how many outputs were left out of both sums because a kink was within reach.
    """

    name: str
    shape: tuple[int, ...]
    ours: float
    numeric: float
    relative_error: float
    left_out: int


@dataclass(frozen=True)
class ProjectionCheck:
    """The verdict, array by array; `print` it for the table. right: all within the tolerance."""

    arrays: tuple[ArrayProjection, ...]
    eta: float
    tolerance: float

    @property
    def right(self) -> bool:
        return self.worst_relative_error <= self.tolerance

    @property
    def worst_relative_error(self) -> float:
        return max(array.relative_error for array in self.arrays)

    def __str__(self) -> str:
        width = max(len("array"), *(len(array.name) for array in self.arrays))
        rows = [
            f"{'array':{width}}  {'shape':20}  {'sum(dx * e)':>15}  {'by difference':>15}  "
            "relative error  outputs left out"
        ]
        rows += [
            f"{a.name:{width}}  {a.shape!s:20}  {a.ours:15.9g}  {a.numeric:15.9g}  "
            f"{a.relative_error:14.1e}  {a.left_out:16,}"
            for a in self.arrays
        ]
        rows.append(
            f"eta {self.eta:g}, tolerance {self.tolerance:g}: {'right' if self.right else 'WRONG'}"
        )
        return "\n".join(rows)


def check_projection(
    function: Any,
    x: Tensor,
    params: Mapping[str, Any] | None = None,
    *,
    target: Tensor | None = None,
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
    where. Outputs within reach of a kink along e are left out (their dy is zero) and counted.

    Raises InputError as `check_derivatives` does, and if every output is within reach of a kink.
    """
    check_delta(eta)
    if method not in TOLERANCE:
        raise InputError(f"method: found {method!r}; expected one of {', '.join(TOLERANCE)}")
    bar = TOLERANCE[method] if tolerance is None else tolerance
    check_tolerance(bar)
    form = as_differentiable(function, x, params, target, frozenset(fixed))
    generator = np.random.default_rng(seed)
    dy = random_dy(form, generator)
    rows = tuple(_project(form, name, dy, eta, method, bar, generator) for name in form.arrays)
    return ProjectionCheck(rows, eta, bar)


def _project(
    form: Differentiable,
    name: str,
    dy: Tensor,
    eta: float,
    method: str,
    tolerance: float,
    generator: np.random.Generator,
) -> ArrayProjection:
    array = form.arrays[name]
    e = torch.as_tensor(generator.standard_normal(tuple(array.shape)), device=array.device)

    def along(t: float) -> Tensor:
        return form.value({**form.arrays, name: array + t * e})

    here, above, below = form.value(form.arrays), along(eta), along(-eta)
    bend = (above - 2 * here + below) / eta
    half_bend = (along(eta / 2) - 2 * here + along(-eta / 2)) / (eta / 2)
    central = (above - below) / (2 * eta)
    largest = float(here.abs().max()) if here.numel() else 0.0
    rounding = 64 * np.finfo(np.float64).eps * largest / eta
    # a bend that does not halve with the step is a kink: see differences.py
    limit = max(SHARE * tolerance * float(central.square().mean().sqrt()), rounding)
    near = (bend - 2 * half_bend).abs() > limit
    if near.numel() and bool(near.all()):
        raise InputError(
            f"every output is within reach of a kink along {name} at eta = {eta:g}; "
            "expected a smaller eta, or a function that is smooth apart from separate kinks"
        )
    dy = torch.where(near, 0.0, dy)
    slope = central if method == "central" else (above - here) / eta
    numeric = float((dy * slope).sum())
    given = form.derivatives(form.arrays, dy)[name]
    if given is None:
        given = torch.zeros_like(array)
    left_out = int(near.sum())
    if given.shape != array.shape:
        return ArrayProjection(name, tuple(array.shape), np.nan, numeric, np.inf, left_out)
    ours = float((given * e).sum())
    least = rounding * float(dy.norm()) / tolerance
    scale = max(abs(numeric), float(given.norm()), least, np.finfo(np.float64).tiny)
    error = abs(ours - numeric) / scale
    return ArrayProjection(
        name, tuple(array.shape), ours, numeric, error if np.isfinite(error) else np.inf, left_out
    )
