"""A function gives the same for the same arrays."""

import numpy as np

from chainrule.checking.differentiable import Differentiable
from chainrule.checking.draws import draws_from_them, same_draws
from chainrule.checking.verdict import Mistake


def unsteady(form: Differentiable) -> Mistake | None:
    """The same arrays give another y at the next call."""
    with same_draws():
        first, second = form.vector(form.arrays), form.vector(form.arrays)
    if _same(first, second):
        return None
    if draws_from_them(lambda: form.vector(form.arrays)):
        hint = "y differs from one call to the next, as it draws from the global random state"
        return Mistake("y", kind="random", hint=hint + "; give the draw as a parameter")
    hint = "y differs from one call to the next for the same arrays: something is kept or drawn"
    return Mistake("y", kind="state", hint=hint)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((np.abs(one - other) <= 1e-10 * np.abs(one).max(initial=0.0)).all())
