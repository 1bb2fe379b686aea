"""`check_projection`: one random direction instead of every entry, for arrays of any size."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.check import check_tolerance, random_dy
from chainrule.checking.derivatives import check_delta
from chainrule.checking.differences import SHARE
from chainrule.checking.differentiable import Differentiable, as_differentiable
from chainrule.errors import InputError

TOLERANCE = {"central": 1e-6, "forward": 1e-4}


@dataclass(frozen=True)
class ArrayProjection:
    """One array: sum(dx * e) beside the difference along e, and their relative error.

    eta: the step that was taken. left_out: how many outputs were left out of both sums because a
    kink was within reach.
    """

    name: str
    shape: tuple[int, ...]
    eta: float
    ours: float
    numeric: float
    relative_error: float
    left_out: int


@dataclass(frozen=True)
class ProjectionCheck:
    """The verdict, array by array; `print` it for the table. right: all within the tolerance."""

    arrays: tuple[ArrayProjection, ...]
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
            f"{'array':{width}}  {'shape':20}  {'eta':7}  {'sum(dx * e)':>15}  "
            f"{'by difference':>15}  relative error  outputs left out"
        ]
        rows += [
            f"{a.name:{width}}  {a.shape!s:20}  {a.eta:<7g}  {a.ours:15.9g}  {a.numeric:15.9g}  "
            f"{a.relative_error:14.1e}  {a.left_out:16,}"
            for a in self.arrays
        ]
        rows.append(f"tolerance {self.tolerance:g}: {'right' if self.right else 'WRONG'}")
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
    where. Outputs within reach of a kink along e are left out (their dy is zero) and counted; where
    that is every output, as in a deep chain, eta is divided by 10 and by 100.

    Raises InputError as `check_derivatives` does, and if even then every output is near a kink.
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
    return ProjectionCheck(rows, bar)


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
    for step in (eta, eta / 10, eta / 100):
        slope, near, rounding = _along(form, name, e, step, method, tolerance)
        if not bool(near.all()) or not near.numel():
            break
    else:
        raise InputError(
            f"every output is within reach of a kink along {name} at eta = {eta:g} and a hundredth "
            "of it; expected a function that is smooth apart from separate kinks"
        )
    dy = torch.where(near, 0.0, dy)
    numeric = float((dy * slope).sum())
    dx = form.derivatives(form.arrays, dy)[name]
    if dx is None:
        dx = torch.zeros_like(array)
    ours, error = np.nan, np.inf
    if dx.shape == array.shape:
        ours = float((dx * e).sum())
        least = rounding * float(dy.norm()) / tolerance
        scale = max(abs(numeric), float(dx.norm()), least, float(np.finfo(np.float64).tiny))
        error = abs(ours - numeric) / scale
    if not np.isfinite(error):
        error = np.inf
    return ArrayProjection(name, tuple(array.shape), step, ours, numeric, error, int(near.sum()))


def _along(
    form: Differentiable, name: str, e: Tensor, eta: float, method: str, tolerance: float
) -> tuple[Tensor, Tensor, float]:
    """Each output's slope along e, whether a kink is near it, and the rounding of the slopes."""

    def value(t: float) -> Tensor:
        return form.value({**form.arrays, name: form.arrays[name] + t * e})

    here, above, below = value(0.0), value(eta), value(-eta)
    central = (above - below) / (2 * eta)
    largest = float(here.abs().max()) if here.numel() else 0.0
    rounding = 64 * float(np.finfo(np.float64).eps) * largest / eta
    # a bend that does not halve with the step is a kink: see differences.py
    bend = (above - 2 * here + below) / eta
    half_bend = (value(eta / 2) - 2 * here + value(-eta / 2)) / (eta / 2)
    limit = max(SHARE * tolerance * float(central.square().mean().sqrt()), rounding)
    near = (bend - 2 * half_bend).abs() > limit
    return central if method == "central" else (above - here) / eta, near, rounding
