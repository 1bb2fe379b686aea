"""The derivatives that a layer claims beside those by differences, array by array."""

import numpy as np
import torch
from torch import Tensor

from chainrule.checking.diagnosis import Evidence, diagnose
from chainrule.checking.differences import Differences, derivative_alone
from chainrule.checking.kinds import Kind
from chainrule.checking.probes.trial import Trial
from chainrule.checking.structure import largest
from chainrule.checking.verdict import ArrayCheck, Mistake

FLOOR = 1e-14  # of an array's largest derivative: what its own rounding may well make


def array_check(trial: Trial, found: Differences, name: str) -> ArrayCheck:
    """The worst entry, and how well the differences know the derivative.

    An error is relative to the largest derivative in the array, or in an array where all vanish, to
    a million times what differences can tell from 0.
    """
    numeric, unknown = found.derivatives[name], found.unknown[name]
    shape = tuple(numeric.shape)
    if not numeric.numel():
        return ArrayCheck(name, shape, 0.0, 0.0, (), 0.0)
    size, most = largest(numeric), largest(unknown)
    scale = max(size, min(most, 1e300) * 1e6, float(np.finfo(np.float64).tiny))
    errors = _errors(trial.claims[name], numeric) / scale
    entry = _place(errors)
    tested = bool((numeric.abs() > unknown).any())
    return ArrayCheck(
        name,
        shape,
        step=float(found.steps[name][entry]),
        worst_relative_error=float(errors[entry]),
        worst_entry=entry,
        unknown=most / size if tested else float("inf"),
    )


def mistake_in(
    trial: Trial, found: Differences, name: str, tolerance: float, step: float
) -> Mistake | None:
    """The mistake in one array's derivative, if there is one."""
    ours, numeric, unknown = trial.claims[name], found.derivatives[name], found.unknown[name]
    if not numeric.numel():
        return None
    errors = _errors(ours, numeric)
    allowed = tolerance * numeric.abs() + unknown + FLOOR * largest(numeric)
    wrong = ~(errors <= allowed)
    other_type = ours is not None and (ours.dtype, ours.device) != (numeric.dtype, numeric.device)
    if not wrong.any() and not other_type:
        return None

    def by_sample(sample: int) -> Tensor:
        alone = [torch.zeros_like(part) for part in trial.dy]
        alone[0][sample] = trial.dy[0][sample]
        return derivative_alone(trial.form, trial.arrays, name, alone, trial.rounding, step)

    evidence = Evidence(
        name, trial.arrays, found.derivatives, wrong, unknown, trial.dy[0], by_sample
    )
    kind: tuple[Kind, str] | None
    if other_type and ours is not None:
        kind = "dtype", f"it holds {ours.dtype} on {ours.device}"
    else:
        kind = _of_another_call(trial, name, step, evidence)
        if kind is None and _right_at_first(trial, name, numeric, allowed):
            kind = "state", "it is right at the layer's first call, and not at a later one"
        kind = kind or diagnose(ours, evidence)
    shown = ours is not None and ours.shape == numeric.shape
    entry = _place(errors.where(wrong, 0.0))
    return Mistake(
        parameter=name,
        entry=entry if shown else (),
        ours=float(ours[entry]) if ours is not None and shown else None,
        numeric=float(numeric[entry]),
        wrong=int(wrong.sum()),
        entries=numeric.numel(),
        kind=kind[0] if kind else None,
        hint=kind[1] if kind else "",
    )


def _right_at_first(trial: Trial, name: str, numeric: Tensor, allowed: Tensor) -> bool:
    """A copy of the layer that was never called before gives the right derivative."""
    first = trial.first and trial.first[1].get(name)
    return first is not None and bool((_errors(first, numeric) <= allowed).all())


def _of_another_call(
    trial: Trial, name: str, step: float, evidence: Evidence
) -> tuple[Kind, str] | None:
    """The derivative is the right one of the point at which the layer was called before."""
    ours, earlier = trial.claims[name], trial.form.derivatives(trial.other, trial.dy)[name]
    if ours is None or earlier is None or not evidence.same(ours, earlier):
        return None
    if evidence.same(ours, evidence.numeric[name]):
        return None  # it is hardly another there
    there = derivative_alone(trial.form, trial.other, name, trial.dy, trial.rounding, step)
    if not evidence.same(ours, there):
        return None
    return "cache", "it is the derivative at another point, of an earlier call"


def _errors(given: Tensor | None, numeric: Tensor) -> Tensor:
    """|ours - numeric| for each entry; infinite where there is no number to compare."""
    if given is None:
        # no derivative means zero, which is right where the function does not depend on the array
        given = torch.zeros_like(numeric)
    if given.shape != numeric.shape or given.device != numeric.device:
        return torch.full_like(numeric, torch.inf)
    return (given.to(numeric) - numeric).abs().nan_to_num(torch.inf, posinf=torch.inf)


def _place(row: Tensor) -> tuple[int, ...]:
    """The place of the largest entry."""
    if not row.dim():
        return ()
    return tuple(int(i) for i in np.unravel_index(int(row.argmax()), tuple(row.shape)))
