"""Other points than the one that was asked for: what is right there must be right here, too."""

import numpy as np
from torch import Tensor

from chainrule.checking.along import Projection, Search, project
from chainrule.checking.differentiable import Differentiable, flat
from chainrule.checking.probes.trial import Trial
from chainrule.checking.rounding import random_direction, rounding_of
from chainrule.checking.slopes import Noise
from chainrule.checking.structure import largest
from chainrule.checking.verdict import Mistake

TOLERANCE = 1e-6
VANISHED = 1e-6
KNOWN = 1e-3  # how well differences must know it, as a part of it
SEARCH = Search(steps=(1e-5, 1e-4, 1e-3, 1e-2, 1e-6))
X_TIMES = (-1.0, 8.0, -64.0, 1 / 16, 1000.0)
PARAMETERS_TIMES = (-1.0, 8.0)


def elsewhere(trial: Trial) -> Mistake | None:
    """At -x, 8 x, -64 x and so on, and with other parameters."""
    inputs = trial.form.arguments.inputs
    for names, symbol, factors in (
        (inputs, "x", X_TIMES),
        ([name for name in trial.arrays if name not in inputs], "the parameters", PARAMETERS_TIMES),
    ):
        for factor in factors if names else ():
            point = {name: _times(a, factor if name in names else 1.0, trial)
                     for name, a in trial.arrays.items()}  # fmt: skip
            found = wrong_at(trial.form, point, flat(trial.dy), trial)
            if found is not None:
                name, projection = found
                hint = (
                    f"right at the point, wrong at {factor:g} times {symbol}: along a line its sum "
                    f"is {projection.ours:.6g}, by differences {projection.numeric:.6g}"
                )
                return Mistake(name, kind="elsewhere", hint=hint)
    return None


def wrong_at(
    form: Differentiable, point: dict[str, Tensor], dy: np.ndarray, trial: Trial
) -> tuple[str, Projection] | None:
    """The first array whose derivative is wrong at the point along two random lines, if any.

    None, too, where the function is not finite, differences cannot tell, or nothing is left of the
    derivative: a millionth of what it is at the trial's point may be rounding.
    """
    generator = trial.generator
    least = VANISHED * sum(largest(claim) for claim in trial.claims.values() if claim is not None)
    here = form.vector(point)
    if here.shape != dy.shape or not np.isfinite(here).all():
        return None

    def tried(names: list[str], noise: Noise) -> Projection | None:
        direction = {name: random_direction(point[name], generator) for name in names}
        found = project(form, point, direction, dy, noise, SEARCH)
        if found is None or not found.unknown <= KNOWN * abs(found.numeric) + least:
            return None
        vanished = max(abs(found.ours), abs(found.numeric), found.size) < least
        return None if vanished or not found.wrong(TOLERANCE) else found

    # at first with the rounding of the trial's point: reading it here costs more than the rest
    relative = trial.rounding.relative
    if tried(list(point), Noise(relative * np.abs(here), relative)) is None:
        return None
    noise = rounding_of(form.vector, point, generator).noise
    for name in point:
        found = tried([name], noise)
        if found is not None and tried([name], noise) is not None:
            return name, found
    return None


def _times(array: Tensor, factor: float, trial: Trial) -> Tensor:
    """The array times a factor, and a little to the side: not on the same kinks."""
    size = float(array.square().mean().sqrt()) if array.numel() else 0.0
    if size == 0:  # times any factor it would stay where it is
        size = 100.0
    aside = 0.01 * size * random_direction(array.new_zeros(array.shape), trial.generator)
    return factor * (array + aside)
